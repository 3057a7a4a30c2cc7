"""Jobs straight into the ledger, for Python applications that share it: on disk when the call comes back.

    import worker.enqueue

    job = worker.enqueue("platform.operation", payload={…}, key="order-4711")
    job = worker.enqueue("platform.import_rows", source="rows.ndjson", then=[{…}])

It wants `DATABASE_URL` and `SECRET_KEY` as the workers have them (in the folder of an `up`, neither), from the
environment or, like the command, from `.env` in the current folder (docs/decisions/0041). A worker is woken if a broker
is there; without one the sweeper finds the job (docs/decisions/0007).
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from celery import Celery

from worker import broker
from worker.dot_env import take_dot_env
from worker.ledger.migrate import check_schema
from worker.orders.intake import put
from worker.orders.order import place, read_order
from worker.platforms import operation
from worker.processes import process as processes
from worker.processes.process import Process
from worker.runner.results import Refused
from worker.settings import SettingsError, settings
from worker.wake import wake_up

NO_PATIENCE = {"socket_timeout": 2, "socket_connect_timeout": 2, "max_retries": 1, "interval_start": 0.1}


def enqueue(name: str, payload: dict[str, Any] | None = None, **words: Any) -> str:
    """Record a job of the operation `name`; its id. The same `key` is the same job, for ever.

    `words` are those of the task (docs/tasks.md): `key`, `account`, and for a file `source`, `options`, `then`.

    Raises `Refused` with every reason at once, `UnknownOperation`, and what says that there is no ledger to write to:
    `SettingsError`, `OldSchema`, `LedgerError`. Nothing is recorded then.
    """
    _take_dot_env(Path.cwd())
    if payload is not None:
        words["payload"] = payload
    if isinstance(words.get("source"), str):
        words["source"] = place(words["source"])
    order = read_order(operation(name), words)
    if order.kind == "call" and order.parts[0].refusals:
        raise Refused.of(order.parts[0].refusals, None)
    job = put(_own(), order)
    _wake(job)
    return str(job.id)


@functools.cache
def _take_dot_env(_folder: Path) -> None:
    """Once in each folder that the application goes to."""
    take_dot_env()


def _own() -> Process:
    told = settings()
    broker.check(told.broker_url)
    if told.local and not Path(told.database_url.removeprefix("sqlite:///")).exists():
        raise SettingsError(
            f"There is no ledger in {Path.cwd()}: set DATABASE_URL to that of the workers, or start `omniworker up` "
            "in this folder."
        )
    own = processes.process()
    _checked(own)
    return own


@functools.cache
def _checked(own: Process) -> None:
    check_schema(own.ledger)


def _wake(job: Any) -> None:
    url = settings().broker_url
    if url is not None:
        wake_up(job, 2 if job.kind == "file" else 1, _messenger(url))


@functools.cache
def _messenger(url: str) -> Celery:
    """An app for wake-ups alone: ours would make itself the application's default one, and set up its logs."""
    app = Celery("omniworker.enqueue", broker=url, set_as_current=False)
    app.conf.update(broker_transport_options=NO_PATIENCE, broker_connection_timeout=2)
    return app


def _forget() -> None:
    processes.process.cache_clear()
    _messenger.cache_clear()


class _Callable(ModuleType):
    """`worker.enqueue(…)` is what the module is for; `from worker.enqueue import enqueue` is the same."""

    def __call__(self, name: str, payload: dict[str, Any] | None = None, **words: Any) -> str:
        return enqueue(name, payload, **words)


sys.modules[__name__].__class__ = _Callable
# A server that forks after its first order: connections don't survive that.
os.register_at_fork(after_in_child=_forget)
