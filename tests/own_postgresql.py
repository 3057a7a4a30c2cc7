"""A private PostgreSQL: made from the binaries of this machine, on a free loopback port, ended with its owner."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from worker.processes.embedded import HOST, end_with, free_port

PLACES = "/usr/lib/postgresql"
TEMPLATE = "migrated"
NOBODYS = ("postgres", "nobody")  # it refuses to run as root
# Tests look at what is committed, not at what a power cut leaves.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")


def binaries() -> Path | None:
    """The folder that holds `initdb` and `postgres`: of PATH, else the newest of the system's packages."""
    on_path = shutil.which("initdb")
    installed = sorted(Path(PLACES).glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = [Path(on_path).resolve()] if on_path else installed[-1:]
    return found[0].parent if found and (found[0].parent / "postgres").exists() else None


class OwnPostgreSQL:
    """`durable` where a kill of the server itself shall lose nothing."""

    def __init__(self, bin: Path, durable: bool = False) -> None:  # noqa: A002 - what the folder is called
        self._bin = bin
        self._folder = Path(tempfile.mkdtemp(prefix="omniworker-pg-"))
        self._user = _unprivileged()
        if self._user:
            shutil.chown(self._folder, self._user)
        self._run("initdb", "-D", str(self._data), "-U", "omniworker", "-A", "trust", "-E", "UTF8", "--no-sync")
        self._options = ("max_connections=200", *(() if durable else FAST))
        self._made = 0
        while True:
            self.port = free_port(HOST, 0)
            if self.start():
                return

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def start(self) -> bool:
        """False when it ended at once: somebody else took its port."""
        words = ["-D", str(self._data), "-p", str(self.port), "-h", HOST, "-k", str(self._folder)]
        words += [part for option in self._options for part in ("-c", option)]
        with (self._folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self._bin / "postgres"), *words],
                user=self._user,
                cwd="/",
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=end_with(os.getpid()),  # after `user`, which would take the wish back
            )
        return self._answers()

    def database(self, template: str | None = None) -> str:
        """A new database, a copy of `template` if one is named; its address."""
        self._made += 1
        name = f"ledger_{self._made}"
        self.say(f"CREATE DATABASE {name}{f' TEMPLATE {template}' if template else ''}")
        return self.url(name)

    @contextmanager
    def lent(self, template: str | None = None) -> Iterator[str]:
        """The same for a while: two thousand that stay are a minute of removing files when the tests are over."""
        url = self.database(template)
        yield url
        self.say(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def url(self, database: str) -> str:
        return f"postgres://omniworker@{HOST}:{self.port}/{database}"

    def say(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload] # a test's own words

    def kill(self) -> None:
        """As when the machine loses its power: its sessions see it go without a word."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGQUIT)  # at once: nobody wants what is in it any more
        self.process.wait(60)
        shutil.rmtree(self._folder)

    def _run(self, name: str, *words: str) -> None:
        done = subprocess.run(
            [str(self._bin / name), *words], user=self._user, cwd="/", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def _answers(self) -> bool:
        """Whether it is this very one that answers there, and not that of a test run beside this one."""
        deadline = time.monotonic() + 60
        while self.process.poll() is None:
            try:
                with psycopg.connect(self.url("postgres")) as connection:
                    found = connection.execute("SHOW data_directory").fetchone()
                return found == (str(self._data),)
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        return False


def _unprivileged() -> str | None:
    if os.getuid() != 0:
        return None
    import pwd

    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in NOBODYS if name in known)
