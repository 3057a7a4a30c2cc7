"""Wake-ups of the receiver: many callbacks are few of them, and fewer still while no broker is there."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from worker.receiver import waker
from worker.receiver.waker import Waker


@pytest.mark.parametrize(("answer", "least", "pause"), [(True, 2, waker.PAUSE), (False, 1, waker.AWAY)])
def test_callbacks_without_end_are_few_wake_ups(
    monkeypatch: pytest.MonkeyPatch, answer: bool, least: int, pause: float
) -> None:
    tries: list[float] = []
    begun = threading.Event()

    def hand_out() -> bool:
        tries.append(time.monotonic())
        begun.set()
        return answer

    monkeypatch.setattr(waker, "hand_out_now", hand_out)
    one, began, woken = Waker(), time.monotonic(), 0
    while time.monotonic() < began + 0.5 or (len(tries) < least and time.monotonic() < began + 60):
        one.wake()
        woken += 1
    assert begun.wait(60)
    one._asked.clear()  # its thread sleeps on
    assert least <= len(tries) < woken
    assert all(later - earlier >= pause for earlier, later in itertools.pairwise(tries))
