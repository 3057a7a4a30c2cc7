"""Whether a platform takes the keys of an account: what `omniworker accounts check` finds."""

from __future__ import annotations

import time
from typing import Any

from worker.errors import Busy, Forbidden
from worker.ledger.types import Row
from worker.operation import NotConnected, Reading
from worker.platforms import Account, account, operation
from worker.processes.process import Process
from worker.runner import asking
from worker.runner.books import Result

Found = dict[str, Any]


def checked_account(own: Process, name: str, doors: dict[str, Row[Any]]) -> Found:
    """`well` is true where nothing speaks against the account, None asked included."""
    door = doors.get(name)
    well, answer = _asked(own, account(name))
    return {"account": name, "well": well, "answer": answer, "door": door.state if door else "open"}


def _asked(own: Process, one: Account) -> tuple[bool, str]:
    try:
        one.access  # noqa: B018 - raises where a setting is missing
    except NotConnected as error:
        return False, str(error)
    if one.platform.probe is None:
        return True, f"connected; {one.platform.title} documents no read, so the first call tells about the keys"
    began = time.monotonic()
    try:
        result = asking.knock(own, operation(one.platform.probe), one)
    except Busy as error:
        return False, f"not asked: {error}"
    return _told(result, time.monotonic() - began)


def _told(result: Result, seconds: float) -> tuple[bool, str]:
    match result:
        case Reading():
            return True, f"the keys are taken, answered in {seconds:.2f} s"
        case Forbidden():
            return False, str(result)
    return False, f"no answer that says so: {result}"
