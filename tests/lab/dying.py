"""`python -m tests.lab.dying NUMBER KEY`: carries one flow in a process that dies at its NUMBERth fail-point.

A fail-point is the moment before and after each commit and each request: at every one of them a kill leaves something
else behind. Ends with 0 where it came to the end of the flow before that.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from typing import Any

from worker import platforms
from worker.client import Client
from worker.ledger.desk import Desk
from worker.orders.intake import put
from worker.orders.order import read_order
from worker.processes.process import process
from worker.runner import call


def main(number: int, key: str) -> int:
    words = {"payload": json.load(sys.stdin), "key": key}
    order = read_order(platforms.operation("flows.cascade_send"), words)
    own = process()
    job = put(own, order)
    passing = _dies_at(number)
    _around(Desk, "_together", passing)
    _around(Client, "send", passing)
    call.move(own, job)
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
    sys.exit(main(int(sys.argv[1]), sys.argv[2]))
