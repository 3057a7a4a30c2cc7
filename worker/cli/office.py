"""Opens the ledger for a command, and says in a sentence when there is none to open."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Any, TypeVar

from worker.cli.sentences import Failed
from worker.cli.show import aside
from worker.ledger import jobs, owners, posts, reports
from worker.ledger.migrate import OldSchema, check_schema, migrate
from worker.ledger.types import Row
from worker.processes.folder import make, make_secrets
from worker.processes.process import Process, process
from worker.settings import VAR, Settings, settings

SQLITE = "sqlite:///"
T = TypeVar("T")


def for_reading() -> Process:
    """This command's process with a ledger that is there and of this version. Raises `Failed` or `OldSchema`."""
    if not has_ledger(settings()):
        raise Failed(
            f"There is no ledger in {Path.cwd()} yet: start `omniworker up` there, or run `omniworker migrate`. "
            "DATABASE_URL names one elsewhere."
        )
    own = process()
    check_schema(own.ledger)
    return own


def for_recording() -> Process:
    """The same for a command that asks for something: a folder of one's own is made ready, as `up` would."""
    told = settings()
    _check_broker(told)
    if "DATABASE_URL" in told.values:
        return for_reading()
    make(VAR)
    make_secrets(VAR, told)
    own = process()
    try:
        check_schema(own.ledger)
    except OldSchema:
        migrate(told.database_url)
    return own


def _check_broker(told: Settings) -> None:
    """Raises `SettingsError`: a wake-up that could never be sent is no matter of a broker that is away."""
    if told.broker_url is not None:
        from worker import broker  # only where there is one to be asked

        broker.check(told.broker_url)


def has_ledger(told: Settings) -> bool:
    """Looked at before anything opens it: opening would make the file."""
    return not told.local or Path(told.database_url.removeprefix(SQLITE)).exists()


def job_of(own: Process, job_id: str) -> Row[Any]:
    """The job of this id. Raises `Failed`."""
    return _there(job_id, own.ledger.read(lambda tx: jobs.get(tx, job_id)))


def report_of(own: Process, job_id: str) -> dict[str, Any]:
    """The report of this job. Raises `Failed`."""
    return _there(job_id, own.ledger.read(lambda tx: reports.of(tx, job_id)))


def _there(job_id: str, found: T | None) -> T:
    if found is None:
        raise Failed(f"There is no job {job_id!r} in this ledger: `omniworker jobs list` shows the newest.")
    return found


def hand_to_workers(own: Process, job: Row[Any], waiting: bool = False) -> None:
    """Wake the workers, or say that there are none: a command that is `waiting` for them says so itself.

    The ledger has the job either way.
    """
    if not (_woken(own, job) and somebody_works(own)) and not waiting:
        aside(f"No worker is running: job {job.id} waits in the ledger, and `omniworker up` delivers it.")


def _woken(own: Process, job: Row[Any]) -> bool:
    if own.settings.broker_url is None:
        return False
    import worker.celery  # noqa: F401 - the app that a wake-up goes through
    from worker.wake import wake_up  # only those who wake pay for Celery

    return wake_up(job, 2 if job.kind == "file" else 1)


def somebody_works(own: Process) -> bool:
    """Whether a worker process was seen in the last seconds and is not known to be dead."""
    return any(not owners.dead(row.id) for row in own.ledger.read(posts.living))


def login() -> str:
    """Who gives this command; the number of the user where the system has no name for it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
