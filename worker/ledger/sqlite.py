"""What is special about SQLite, all of it: the turnstile, the pragmas, and where the file may lie (design §6).

Every write transaction runs inside one `flock` beside the file. It ends starvation between processes, and
keeps commits and checkpoints of different connections apart, which SQLite before 3.51.3 needs: its WAL-reset
bug can lose committed data.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

NETWORK_FILE_SYSTEMS = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "afs",
    "ceph",
    "glusterfs",
    "lustre",
    "fuse.sshfs",
}
READING = "omniworker_reading"


class NetworkFileSystem(Exception):
    """The ledger's file lies where locks can't be trusted."""


class Turnstile:
    """One writer at a time, over all processes of this machine; first come, nearly first served.

    Whoever waits for the turn holds the place of the next: one that has just left it can't take it again before them.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(f"{path}.turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._next = os.open(f"{path}.next", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def close(self) -> None:
        os.close(self._file)
        os.close(self._next)

    @contextmanager
    def __call__(self) -> Iterator[None]:
        fcntl.flock(self._next, fcntl.LOCK_EX)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        finally:
            fcntl.flock(self._next, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)


class SQLite:
    """One process's connections to the file. Write transactions pass the turnstile."""

    def __init__(self, url: str) -> None:
        path = Path(url.removeprefix("sqlite:///")).absolute()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        refuse_network(path)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self.engine = _engine(path)
        self.reader = self.engine.execution_options(**{READING: True})
        self._turnstile = Turnstile(path)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._turnstile(), self.engine.begin() as tx:
            yield tx

    def passes(self, _error: BaseException) -> bool:
        """Nobody else writes while we do: what fails here fails again."""
        return False

    def close(self) -> None:
        with self._turnstile():
            self.engine.dispose()
        self._turnstile.close()


def _engine(path: Path) -> Engine:
    """Its write transactions begin IMMEDIATE, and its commits are on disk when they return."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        # Never closed in between: the last one to close would checkpoint outside the turnstile.
        pool_size=128,
        max_overflow=0,
        pool_reset_on_return=None,
        connect_args={"check_same_thread": False, "timeout": 30},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _connect)
    event.listen(engine, "begin", _begin)
    return engine


def _connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin` says, not at the driver's first guess
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "journal_size_limit=67108864"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get(READING, False)
    words = "BEGIN" if reading else "BEGIN IMMEDIATE"
    try:  # not through SQLAlchemy, which needs several times as long for it as SQLite, but with its errors
        connection.connection.cursor().execute(words).close()
    except sqlite3.Error as error:
        raise DBAPIError.instance(words, None, error, sqlite3.Error) from error


def refuse_network(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> None:
    """Locks of network file systems lie; say so before the first byte is written."""
    kind = _file_system(path, mounts)
    if kind in NETWORK_FILE_SYSTEMS:
        raise NetworkFileSystem(
            f"The ledger {path} lies on a network file system ({kind}), where its locks can't be trusted. "
            "Put it on a local disk, or set DATABASE_URL to a PostgreSQL server."
        )


def _file_system(path: Path, mounts: Path) -> str:
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return "unknown"
    found = [(fields[4], fields[fields.index("-") + 1]) for fields in map(str.split, lines)]
    under = [(mount, kind) for mount, kind in found if path.is_relative_to(mount.replace("\\040", " "))]
    return max(under, key=lambda pair: len(pair[0]))[1] if under else "unknown"
