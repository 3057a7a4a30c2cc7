"""Who holds a claim, and whether that process still lives.

A lease says when a claim ends at the latest. A process that died on this very machine is known sooner: its
pid is gone, or belongs to a process that started at another time. Its claims end at once.
"""

from __future__ import annotations

import functools
import os
import socket
from pathlib import Path

PROC = Path("/proc")
LONGEST_HOST = 60  # of an owner's 120 characters


@functools.cache
def machine() -> str:
    """This host, this boot, this pid namespace: pids mean the same only where all three are the same."""
    host = socket.gethostname()[:LONGEST_HOST]
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        space = os.readlink(PROC / "self/ns/pid")  # noqa: PTH115 - the link's text, not a path
    except OSError:
        return f"{host}/?"
    return f"{host}/{boot[:8]}/{space.strip('pid:[]')}"


def me() -> str:
    """The owner's name of this process."""
    return f"{machine()}:{os.getpid()}:{started(os.getpid())}"


def started(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty when it is gone, or only a zombie is left."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def dead(owner: str) -> bool:
    """True only when this machine can see that the owner is gone."""
    where, _, rest = owner.partition(":")
    pid, _, start = rest.partition("/")[0].partition(":")
    if where != machine() or where.endswith("/?") or not pid.isdigit():
        return False
    return started(int(pid)) != start
