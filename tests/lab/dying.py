"""`python -m tests.lab.dying ROAD MOST`: walks a road (`roads.py`) again and again, each time in a process that dies at
the next of its fail-points, until one comes to the end; `MOST` at most.

A fail-point is the moment before and after each commit and each request: at every one of them a kill leaves something
else behind. Each walk has a name of its own, which is printed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

import worker.celery  # noqa: F401 - the app that wake-ups go through
from tests.lab.roads import ROADS
from worker.client import Client
from worker.ledger.desk import Desk
from worker.processes.process import process


def main(road: str, most: int) -> int:
    for number in range(1, most):
        name = f"{road}-{number}"
        print(name, flush=True)  # noqa: T201
        pid = os.fork()  # nothing is open yet: a child begins as a process that has just been started
        if pid == 0:
            os._exit(_walk(road, number, name))
        ended = os.waitpid(pid, 0)[1]
        if not os.WIFSIGNALED(ended):
            return os.waitstatus_to_exitcode(ended)
    return 1


def _walk(road: str, number: int, name: str) -> int:
    walk = ROADS[road](process(), name)
    passing = _dies_at(number)
    _around(Desk, "_together", passing)
    _around(Client, "send", passing)
    walk()
    return 0


def _dies_at(number: int) -> Callable[[], None]:
    points = count(1)

    def passing() -> None:
        if next(points) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return passing


def _around(owner: type[Any], name: str, passing: Callable[[], None]) -> None:
    inner = getattr(owner, name)

    def around(*args: Any, **kwargs: Any) -> Any:
        passing()
        found = inner(*args, **kwargs)
        passing()
        return found

    setattr(owner, name, around)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
