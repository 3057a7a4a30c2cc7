"""Keeps payloads out of what Celery says of a task: events, remote control, logs (design §6, promise 8).

A producer's `kwargsrepr` travels in the message's headers and holds the payload, so it is never repeated; what is
shown are names and ids.
"""

from __future__ import annotations

import logging
from typing import Any

from celery.worker.consumer import consumer
from celery.worker.request import Request

BLANK = "…"
TOLD_BY_CELERY = ("args", "kwargs", "return_value", "exc", "traceback")
REPRS = "argsrepr"  # the headers that hold it hold the payload


def is_wake_up(kwargs: Any) -> bool:
    """One of our own: an id and nothing else. With anything beside it, it is somebody's order with a wrong word."""
    return isinstance(kwargs, dict) and set(kwargs) == {"wake"}


class QuietRequest(Request):
    """A request that names itself and shows nothing it carries. Our own wake-ups are acknowledged early."""

    @property
    def argsrepr(self) -> str:
        return BLANK

    @property
    def kwargsrepr(self) -> str:
        return BLANK

    def info(self, safe: bool = False) -> Any:
        return super().info(safe=safe) | {"args": BLANK, "kwargs": BLANK}

    def send_event(self, type: str, **fields: Any) -> None:  # noqa: A002 - Celery's own name
        shown = {name: _shown(name, value) for name, value in fields.items()}
        super().send_event(type, **shown)

    def on_accepted(self, pid: Any, time_accepted: float) -> None:
        if is_wake_up(self.kwargs):
            self.acknowledge()
        super().on_accepted(pid, time_accepted)


def _shown(name: str, value: Any) -> Any:
    if name in ("result", "traceback"):
        return BLANK
    return str(value).partition("(")[0] if name == "exception" else value


def quiet_consumer() -> None:
    """Messages of unknown tasks and undecodable ones are logged by size alone, not by body."""
    consumer.dump_body = _size_alone


def _size_alone(m: Any, body: Any) -> str:
    size = len(m.body if body is None else body)
    return f"{size} bytes or parts of {type(m).__name__.lower()}, not shown"


class NoArguments(logging.Filter):
    """Blanks what Celery's log lines say of arguments, results, and the headers of messages it can't take."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, dict):
            record.args = record.args | {name: BLANK for name in TOLD_BY_CELERY if name in record.args}
        elif record.name == consumer.__name__ and record.args:
            record.args = tuple(BLANK if REPRS in str(part) else part for part in record.args)
        if hasattr(record, "data"):
            record.data = {}
        return True
