"""Wake-ups of the receiver: many callbacks are few of them, and fewer still while no broker is there."""

from __future__ import annotations

import threading
import time

import pytest

from worker.receiver import waker
from worker.receiver.waker import Waker


@pytest.mark.parametrize(("answer", "least", "most"), [(True, 2, 40), (False, 1, 1)])
def test_callbacks_without_end_are_few_wake_ups(
    monkeypatch: pytest.MonkeyPatch, answer: bool, least: int, most: int
) -> None:
    tries: list[float] = []
    begun = threading.Event()

    def hand_out() -> bool:
        tries.append(time.monotonic())
        begun.set()
        return answer

    monkeypatch.setattr(waker, "hand_out_now", hand_out)
    one, until = Waker(), time.monotonic() + 0.5
    while time.monotonic() < until:
        one.wake()
    assert begun.wait(60)
    one._asked.clear()  # its thread sleeps on
    assert least <= len(tries) <= most
