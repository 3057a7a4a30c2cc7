"""A child's side of being supervised: it ends when its parent is gone, and says when it takes work.

`supervisor.py` hands each child two pipes by number in its environment. Nobody writes to the first one: it
closes when the parent is gone, however it went, because only the parent holds the other end.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress

PIPE = "OMNIWORKER_PARENT_PIPE"
READY = "OMNIWORKER_READY_FD"
NAME = "OMNIWORKER_NAME"

# After the loss of its parent a child has this many seconds, not the 25 of an orderly stop: whoever starts anew on
# the same folder waits for it, and the ledger treats what is cut off here like any kill.
ORPHAN_SECONDS = 5.0


def own_name(default: str) -> str:
    """The name the parent gave this process, like `worker.2`, or `default` when nobody did."""
    return os.environ.get(NAME, default)


def end_with_parent(seconds: float = ORPHAN_SECONDS) -> None:
    """From now on the loss of the parent is a SIGTERM, and `seconds` later the end. Without a parent, nothing."""
    pipe = _handed(PIPE)
    if pipe is not None:
        threading.Thread(target=_watch, args=(pipe, seconds), name="parent", daemon=True).start()


def tell_ready() -> None:
    """Tells the parent, once, that this process takes work. Without a parent, nothing."""
    pipe = _handed(READY)
    if pipe is None:
        return
    with suppress(BrokenPipeError):  # the parent is gone: end_with_parent knows
        os.write(pipe, f"{own_name('')}\n".encode())
    os.close(pipe)


def _handed(variable: str) -> int | None:
    """The pipe behind `variable`, taken out of the environment: in a grandchild the number is another file."""
    number = os.environ.pop(variable, None)
    if number is None:
        return None
    os.set_inheritable(int(number), False)
    return int(number)


def _watch(pipe: int, seconds: float) -> None:
    while os.read(pipe, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(seconds)
    os._exit(1)
