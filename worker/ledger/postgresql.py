"""What is special about PostgreSQL, all of it: the address, the sessions, and which failures pass by themselves.

Many transactions run at once here. Whoever locks rows of several tables takes them in the order chunk, door, job,
ticket (who stops or decides a job begins with it). A group of pieces of work (`desk.py`) can't keep to that, so it
waits a moment only and is then done piece by piece.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError

from worker.ledger.desk import Undecided

# One session commits for all threads of a process, the others read for a millisecond. The smallest databases of
# hosts allow twenty sessions, and each process has its own.
SESSIONS = 5
SESSION = {
    # Each statement sees what others have committed: a job is locked first, then looked at.
    "default_transaction_isolation": "read committed",
    # Shorter than the second after which the server looks for a deadlock: a group that meets another one gives way.
    "lock_timeout": "200ms",
    # The longest statement of ours is the report of a job of millions of rows.
    "statement_timeout": "60s",
    # A process that hangs in a transaction holds rows that others need; a lease lasts longer than this.
    "idle_in_transaction_session_timeout": "30s",
}
CONNECTING = {
    "connect_timeout": "5",
    # A server that is gone without a word is noticed within half a minute, not after two hours.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "application_name": "omniworker",
}
PASSING = (
    errors.DeadlockDetected,
    errors.SerializationFailure,
    errors.LockNotAvailable,
    errors.AdminShutdown,
    errors.CrashShutdown,
    errors.CannotConnectNow,
)


class BadAddress(Exception):
    """DATABASE_URL is no address of a PostgreSQL server; the sentence does not repeat it, for it holds a password."""


class PostgreSQL:
    """One process's sessions with the server."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.reader = self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Raises `Undecided` when the connection is lost in the middle of the commit."""
        with self.engine.connect() as tx:
            begun = tx.begin()  # said aloud: a prepared statement goes past SQLAlchemy, which would not notice
            yield tx
            try:
                begun.commit()
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise Undecided("the connection was lost while committing") from error
                raise

    def passes(self, error: BaseException) -> bool:
        """Whether nothing was done, and the same may well be done in a moment."""
        if not isinstance(error, DBAPIError):
            return False
        lost = error.connection_invalidated or _not_connected(error.orig)
        if lost:
            self.engine.dispose()  # its other sessions are as old as the one that was lost
        return lost or isinstance(error.orig, PASSING)

    def close(self) -> None:
        self.engine.dispose()


def _engine(url: str) -> Engine:
    return create_engine(
        "postgresql+psycopg://",
        creator=_connecting(url),
        pool_size=SESSIONS,
        max_overflow=0,
        pool_use_lifo=True,
        # Behind some hosts' balancers a session that nobody uses is cut without a word after some minutes.
        pool_recycle=240,
        hide_parameters=True,
    )


def _connecting(url: str) -> Callable[[], psycopg.Connection[Any]]:
    """The server's own library reads the address, so that whatever a host hands out means what the host meant."""
    try:
        told = CONNECTING | _read(re.sub(r"^\w+(\+psycopg)?://", "postgresql://", url))
    except (psycopg.Error, ValueError):
        raise BadAddress(
            "DATABASE_URL can't be read: write postgresql://user:password@host:5432/name, with options like "
            "?sslmode=require. In a password, write %40 for @, %2F for /, %3A for :, %23 for # and %25 for %."
        ) from None
    return lambda: _session(psycopg.connect(**told))


def _read(address: str) -> dict[str, Any]:
    """Raises where a part of a password would be taken for a host or a port, and said aloud when it is not found."""
    told = conninfo_to_dict(address)
    if "@" in str(told.get("host", "")) or re.search(r"[^\d,]", str(told.get("port", ""))):
        raise ValueError
    return told


def _session(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """Told here and not in the address: poolers in front of a database refuse options in it."""
    values = [part for pair in SESSION.items() for part in pair]
    connection.execute(f"SELECT {', '.join(['set_config(%s, %s, false)'] * len(SESSION))}", values)
    connection.commit()
    return connection


def _not_connected(error: BaseException | None) -> bool:
    """No session came about; a wrong password is no such case, but it costs the same few seconds."""
    return isinstance(error, psycopg.OperationalError) and error.sqlstate is None
