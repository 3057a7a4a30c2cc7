"""Kills what it is given, one after the other and again and again, while something else goes on."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any


@contextmanager
def killing(parties: Sequence[Any], pause: float) -> Iterator[list[float]]:
    """The moments of the kills; each time it is started again at once, and the next is due when it takes work."""
    kills: list[float] = []
    over = threading.Event()

    def strike() -> None:
        for one in itertools.cycle(parties):
            if over.wait(pause):
                return
            kills.append(one.kill())
            one.start()
            one.ready()

    with ThreadPoolExecutor(1) as pool:
        striking = pool.submit(strike)
        try:
            yield kills
        finally:
            over.set()
        striking.result()
