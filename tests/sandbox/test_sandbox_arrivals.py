"""When requests arrive, as a platform that counts a sliding window sees it."""

from __future__ import annotations

import time

import pytest


def test_every_request_of_a_platform_is_noted_with_the_moment_it_arrived(caller, event):
    before = time.monotonic()
    caller.bring(event(1))
    caller.bring(master_key="wrong")
    first, second = caller.sandbox.arrivals("omnisense")
    assert before < first < second < time.monotonic()
    assert caller.call("GET", "/_sandbox/arrivals?platform=omnisense").json["at"] == [first, second]
    assert caller.sandbox.arrivals("omnisend") == []


def test_requests_and_answers_travel_for_different_times_up_to_the_distance(caller, event):
    caller.call("POST", "/_sandbox/distance", {"seconds": 0.1})
    ways = []
    for number in range(8):
        left = time.monotonic()
        caller.bring(event(number))
        ways.append((caller.sandbox.arrivals()[-1] - left, time.monotonic() - left))
    there = [to for to, _ in ways]
    assert max(there) - min(there) > 0.01
    assert max(back - to for to, back in ways) > 0.01


def test_reset_forgets_arrivals_and_keeps_the_distance(caller, event):
    caller.sandbox.set_distance(0.001)
    caller.bring(event(1))
    caller.sandbox.reset()
    assert caller.sandbox.arrivals() == []
    assert caller.call("POST", "/_sandbox/distance", {"seconds": 0}).json == {"seconds": 0.0}


@pytest.mark.parametrize("seconds", [-1, "far", None, 1e9])
def test_a_distance_that_makes_no_sense_is_refused(caller, seconds):
    assert caller.call("POST", "/_sandbox/distance", {"seconds": seconds}).status == 400
