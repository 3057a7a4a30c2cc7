"""What the kernel says of processes (proc(5)): who started whom, CPU seconds, peak memory; and their end, at once."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """`root` and everything it started, directly or not, that has not been reaped."""
    children = defaultdict(list)
    for entry in PROC.iterdir():
        fields = _stat(entry) if entry.name.isdigit() else []
        if fields:
            children[int(fields[1])].append(int(entry.name))
    found = [root]
    for pid in found:  # it grows while it is walked
        found.extend(children[pid])
    return found


def kill(pids: Iterable[int]) -> None:
    """SIGKILL to each, one right after the other."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def cpu(pids: Iterable[int]) -> float:
    """Seconds of CPU that these processes used, and children of theirs that have ended."""
    return sum(sum(map(int, fields[11:15])) for fields in map(_stat_of, pids) if fields) / TICKS


def cpu_by_thread(pid: int) -> dict[str, float]:
    """Seconds of CPU of each living thread of a process, by its number and name."""
    seconds = {}
    for task in (PROC / str(pid) / "task").iterdir():
        fields = _stat(task)
        if fields:
            seconds[f"{task.name} {(task / 'comm').read_text().strip()}"] = sum(map(int, fields[11:13])) / TICKS
    return seconds


def peak(pid: int) -> float:
    """The most memory a living process ever had in RAM, in MB."""
    lines = (PROC / str(pid) / "status").read_text().splitlines()
    found = next((line for line in lines if line.startswith("VmHWM:")), "VmHWM: 0 kB")
    return int(found.split()[1]) * 1024 / 1e6


def words(pid: int) -> str:
    """The command line of a process; empty when it is gone."""
    with suppress(OSError):
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    return ""


def _stat_of(pid: int) -> list[str]:
    return _stat(PROC / str(pid))


def _stat(folder: Path) -> list[str]:
    """The fields after the name, which may hold spaces and brackets: state, parent, …; none when it is gone."""
    try:
        return (folder / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
