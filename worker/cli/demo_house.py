"""Where the demo lives: a folder of its own, an environment of its own, and `omniworker up` as a child process.

Nothing is left of it: not after Ctrl-C, and of a demo that is killed outright only the folder, because `up` ends when
the pipe that it was handed closes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from worker.cli.sentences import Failed
from worker.processes import leftovers
from worker.processes.parent import PIPE
from worker.processes.process import process
from worker.settings import SETTINGS, VAR

UP = (sys.executable, "-P", "-m", "worker.cli", "up", "--only", "worker")
PATIENCE = 60.0
STOPPING = 40.0  # `up` gives its processes 28 s
LOG = Path("up.log")


@contextmanager
def house(environ: Mapping[str, str]) -> Iterator[Path]:
    """A fresh folder as the current one, and `environ` in place of every variable of ours; both undone at the end."""
    with ExitStack() as undone:
        for number in (signal.SIGTERM, signal.SIGHUP):
            undone.callback(signal.signal, number, signal.signal(number, _leave))
        folder = Path(undone.enter_context(tempfile.TemporaryDirectory(prefix="omniworker-demo-"))).resolve()
        undone.enter_context(chdir(folder))
        undone.callback(_restore, dict(os.environ))
        for setting in SETTINGS:
            os.environ.pop(setting.name, None)
            os.environ.pop(f"{setting.name}_FILE", None)
        os.environ.update(environ)
        process.cache_clear()
        undone.callback(_close)
        yield folder


@contextmanager
def running() -> Iterator[subprocess.Popen[str]]:
    """`omniworker up` in the current folder, from when it takes work until the end of the block."""
    hears_our_end, our_end = os.pipe()
    with LOG.open("w") as log:
        up = subprocess.Popen(
            UP,
            env={**os.environ, PIPE: str(hears_our_end)},
            stdout=log,
            stderr=log,
            text=True,
            pass_fds=(hears_our_end,),
            process_group=0,  # Ctrl-C is the demo's: it stops `up` in order
        )
    os.close(hears_our_end)
    try:
        _wait_until_ready(up)
        yield up
    finally:
        _stop(up)
        os.close(our_end)


def check_alive(up: subprocess.Popen[str]) -> None:
    """Raises `Failed` with its last words when `up` has ended."""
    if up.poll() is not None:
        words = LOG.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
        raise Failed("\n".join(["`omniworker up` ended:", *words[-5:]]))


def workers() -> dict[str, int]:
    """Name and process id of the worker processes that run now."""
    found = leftovers.read(VAR / "up.pids")
    return {one.name: one.pid for one in found if one.name.startswith("worker.") and one.alive}


def _wait_until_ready(up: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while "ready" not in LOG.read_text(errors="replace").splitlines():
        check_alive(up)
        if time.monotonic() > deadline:
            raise Failed(f"`omniworker up` took no work within {PATIENCE:g} s.")
        time.sleep(0.05)


def _stop(up: subprocess.Popen[str]) -> None:
    """In order, whatever somebody types meanwhile."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        up.terminate()
        up.wait(STOPPING)
    except subprocess.TimeoutExpired:
        up.kill()
        up.wait()
    finally:
        signal.signal(signal.SIGINT, before)


def _close() -> None:
    if VAR.exists():
        process().ledger.close()
    process.cache_clear()


def _restore(before: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(before)


def _leave(number: int, _frame: FrameType | None) -> Any:
    raise SystemExit(128 + number)
