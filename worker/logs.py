"""Log lines: one JSON object a line, with the task's name and id, and nothing a task carries."""

from __future__ import annotations

import logging
import re
import sys

import structlog
from celery import current_task
from structlog.typing import EventDict, WrappedLogger

from worker.quiet import NoArguments

SHARED = (
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


# However it begins; an escaped character belongs to it, unless that is the end of a line.
QUERY = re.compile(r"([?&])[^\s\"'?=]*=(?:[^\s\"'\\]|\\[^n])*")


class WithoutQueries(structlog.stdlib.ProcessorFormatter):
    """The query of an address may hold a secret, so no line repeats one, whoever wrote it and in whatever words."""

    def format(self, record: logging.LogRecord) -> str:
        return QUERY.sub(r"\1…", super().format(record))


def set_up_logs(level: str) -> None:
    """Everything to standard error, through one formatter. Celery's and urllib3's lines lose what they carry."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(NoArguments())
    handler.setFormatter(
        WithoutQueries(
            foreign_pre_chain=[*SHARED, _task],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Their debug lines hold urls and whole messages.
    for noisy in ("urllib3", "kombu", "amqp", "redis", "limits", "celery.pool", "celery.concurrency"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _task(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    request = getattr(current_task, "request", None)
    if request is not None and request.id:
        event.update(task=request.task, task_id=request.id)
    return event
