"""The sandbox's own sums: what a test holds its own against."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import pytest

from sandbox.answer import Refusal

MEASURE = """
import resource
from sandbox.tally import EVENT_BITS, Tally, identity
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
tally = Tally()
first = identity("person@shop.test", {}) | 1 << EVENT_BITS + 31
tally.take(range(first, first + 1_000_000))
assert tally.counts() == {"events": 1_000_000, "distinct": 1_000_000, "doubled": 0}
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_counts_name_requests_statuses_and_events(caller, event):
    caller.bring(event(1), event(2))
    caller.bring(event(2), event(3), event(3))
    caller.bring(master_key="wrong")
    caller.sandbox.fault("cut", times=1)
    with pytest.raises(ConnectionError):
        caller.bring(event(4))
    counts = caller.call("GET", "/_sandbox/counts").json
    assert 0 <= counts.pop("on_the_wire") <= counts.pop("most_on_the_wire") <= 4
    assert counts == {
        "requests": 4,
        "by_path": {"/api/v1/user_event/import": 4},
        "by_status": {"200": 2, "401": 1, "cut": 1},
        "events": 6,
        "distinct": 4,
        "doubled": 2,
    }


def test_an_event_is_the_same_whatever_the_order_of_its_keys(caller, event):
    caller.bring(event(1), dict(reversed(event(1).items())))
    assert caller.sandbox.counts()["doubled"] == 1


@pytest.mark.parametrize(
    "change", [{"email": "a@b.c"}, {"date": "2018-11-13 10:00:01Z"}, {"segments": {"order_id": "1"}}]
)
def test_an_event_that_differs_anywhere_is_another_one(caller, event, change):
    caller.bring(event(1), event(1) | change)
    assert caller.sandbox.counts()["distinct"] == 2


def test_it_can_be_asked_whether_events_arrived(caller, event):
    caller.bring(event(1), event(2), event(2))
    asked = [event(n) for n in (1, 2, 3)]
    assert caller.call("POST", "/_sandbox/taken", asked).json == [1, 2, 0]
    assert caller.sandbox.taken(asked) == [1, 2, 0]


def test_it_can_be_asked_whether_a_user_event_arrived(caller):
    tracked = {"email": "a@b.c", "user_event": {"identifier": "x"}}
    caller.call("POST", "/api/v1/user_event", tracked | {"api_key": "sandbox-api-key"})
    assert caller.call("POST", "/_sandbox/taken?platform=omnisense", [tracked]).json == [1]


def test_asking_for_what_no_request_could_carry_says_which(caller, event):
    heard = caller.call("POST", "/_sandbox/taken", [event(1), event(2, date="yesterday")])
    assert (heard.status, heard.json["at"]) == (422, "[1].date")
    with pytest.raises(Refusal):
        caller.sandbox.taken([{}])


def test_it_can_be_asked_about_one_person(caller, event):
    caller.bring(event(1), event(1, date="2019-01-01 00:00:00Z"), event(2))
    assert caller.call("GET", "/_sandbox/events?email=person1@shop.test").json == {"taken": 2}
    assert caller.call("GET", "/_sandbox/events?email=nobody@shop.test").json == {"taken": 0}


def test_reset_forgets_counts_and_faults_and_keeps_the_latency(caller):
    caller.call("POST", "/_sandbox/latency", {"seconds": 0.05})
    caller.bring()
    caller.sandbox.fault("status")
    counts = caller.call("POST", "/_sandbox/reset").json
    assert (counts["requests"], counts["events"], caller.sandbox.log()) == (0, 0, [])
    began = time.monotonic()
    assert caller.bring().status == 200
    assert time.monotonic() - began >= 0.05


def test_reset_needs_no_content_length(caller):
    caller.bring()
    assert b"200 OK" in caller.raw(b"POST /_sandbox/reset HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert caller.sandbox.counts()["events"] == 0


@pytest.mark.parametrize("seconds", [-1, "1", None, True, 1e12])
def test_a_latency_that_makes_no_sense_is_refused(caller, seconds):
    assert caller.call("POST", "/_sandbox/latency", {"seconds": seconds}).status == 400


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/_sandbox/nothing", None),
        ("POST", "/_sandbox/counts", {}),
        ("GET", "/_sandbox/events", None),
        ("GET", "/_sandbox/wire?at=noon", None),
        ("POST", "/_sandbox/taken", {}),
        ("POST", "/_sandbox/taken?platform=nobody", []),
        ("POST", "/_sandbox/faults", b"{"),
        ("POST", "/_sandbox/latency", []),
    ],
)
def test_a_question_that_is_off_gets_a_sentence(caller, method, path, body):
    heard = caller.call(method, path, body)
    assert heard.status in (400, 404, 422)
    assert heard.json["error"].endswith((".", "ADDRESS"))


def test_the_wire_counts_the_calls_at_a_moment(caller, wait_until):
    counts = caller.sandbox.counts
    before = time.monotonic()
    caller.sandbox.fault("delay", seconds=0.4)
    callers = [threading.Thread(target=caller.bring) for _ in range(3)]
    for thread in callers:
        thread.start()
    wait_until(lambda: counts()["on_the_wire"] == 3)
    during = time.monotonic()
    assert caller.call("GET", f"/_sandbox/wire?at={during}").json == {"calls": 3}
    for thread in callers:
        thread.join()
    wait_until(lambda: counts()["on_the_wire"] == 0)
    after = time.monotonic()
    assert [caller.sandbox.wire(at) for at in (before, during, after)] == [0, 3, 0]
    assert counts()["most_on_the_wire"] == 3


@pytest.mark.parametrize("fault", ["hang", "drip", "delay"])
def test_a_caller_that_leaves_is_off_the_wire_at_once(caller, wait_until, fault):
    caller.sandbox.fault(fault, **{"every": 60} if fault == "drip" else {"seconds": 60})
    line = caller.line()
    line.sendall(b"GET /api/v1/user_event HTTP/1.1\r\n\r\n")
    wait_until(lambda: caller.sandbox.counts()["on_the_wire"] == 1)
    line.close()
    wait_until(lambda: caller.sandbox.counts()["on_the_wire"] == 0)


def test_a_caller_that_leaves_during_the_latency_is_counted_as_gone(caller, wait_until):
    caller.sandbox.set_latency(60)
    line = caller.line()
    line.sendall(b"GET /api/v1/user_event HTTP/1.1\r\n\r\n")
    wait_until(lambda: caller.sandbox.counts()["on_the_wire"] == 1)
    line.close()
    wait_until(lambda: caller.sandbox.counts()["by_status"] == {"gone": 1})


def test_a_caller_that_leaves_before_its_body_is_whole_has_nothing_taken(caller, wait_until):
    body = json.dumps(caller.body()).encode()
    with caller.line() as line:
        head = f"POST /api/v1/user_event/import HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n"
        line.sendall(head.encode() + body[:-1])
    wait_until(lambda: caller.sandbox.counts()["by_status"] == {"gone": 1})
    assert caller.sandbox.counts()["events"] == 0


def test_the_log_holds_neither_bodies_nor_queries(caller):
    caller.bring()
    caller.call("POST", "/api/v1/user_event/import?token=sandbox-token", caller.body())
    log = caller.call("GET", "/_sandbox/log").json
    assert [(entry["path"], entry["end"]) for entry in log] == [
        ("/api/v1/user_event/import", "200"),
        ("/api/v1/user_event/import", "400"),
    ]
    assert "sandbox-token" not in json.dumps(log)
    assert "shop.test" not in json.dumps(log)


def test_many_different_paths_do_not_fill_the_memory(caller):
    for number in range(150):
        caller.call("GET", f"/{number}")
    counts = caller.sandbox.counts()
    assert (counts["requests"], counts["by_path"]["(others)"]) == (150, 50)


def test_a_million_events_are_remembered_in_less_than_two_hundred_megabytes():
    kilobytes = int(subprocess.run([sys.executable, "-c", MEASURE], check=True, capture_output=True).stdout)
    assert kilobytes < 200_000
