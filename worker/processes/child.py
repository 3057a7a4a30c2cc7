"""One process that is kept running: what it is, how it is started, how it is killed with all it started."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field


class CannotStart(Exception):
    """Something is missing or in the way; the sentence says what to do."""


@dataclass(frozen=True)
class Child:
    """A process to keep running. `last`: it is stopped only when all others are gone."""

    name: str
    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    last: bool = False
    before_exec: Callable[[], None] | None = None


def popen(child: Child, told: Mapping[str, str], handed: Iterable[int]) -> subprocess.Popen[bytes]:
    """Starts the child with `told` in its environment and the files `handed`. Call it from the main thread."""
    return subprocess.Popen(
        child.argv,
        env={**os.environ, **child.environ, **told},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=tuple(handed),
        process_group=0,  # Ctrl-C reaches the parent alone, and what a child started can be killed with it
        preexec_fn=child.before_exec,
    )


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kills the child, if it still lives, and everything it started."""
    with suppress(ProcessLookupError, PermissionError):  # macOS says the second of a group that is gone
        os.killpg(process.pid, signal.SIGKILL)


def how(status: int) -> str:
    """What an exit status says, for a sentence that begins with the child's name."""
    if status >= 0:
        return f"ended (exit status {status})"
    return f"was ended by {signal.Signals(-status).name}"
