"""Each fault as a caller meets it on a socket, and whether the request was taken."""

from __future__ import annotations

import http.client
import time
from select import select

import pytest
import requests

from sandbox.faults import TAKES, BadFault
from sandbox.mischief import CLOSES, STAYS_OPEN


def taken(caller) -> int:
    return caller.sandbox.counts()["events"]


def test_every_fault_can_be_played():
    assert set(TAKES) == {"reset"} | set(CLOSES) | set(STAYS_OPEN)


@pytest.mark.parametrize("applied", [True, False])
def test_a_status_comes_with_its_retry_after_and_body_and_counts_as_it_was_told(caller, applied):
    caller.sandbox.fault("status", status=429, retry_after=7, body='{"error": "slow down"}', applied=applied)
    heard = caller.bring()
    assert (heard.status, heard.headers["Retry-After"], heard.json) == (429, "7", {"error": "slow down"})
    assert taken(caller) == int(applied)


def test_a_status_without_retry_after_has_no_such_header(caller):
    caller.sandbox.fault("status", status=502)
    heard = caller.bring()
    assert (heard.status, heard.body) == (502, b"")
    assert "Retry-After" not in heard.headers


def test_a_status_may_carry_a_date_to_retry_after_and_further_headers(caller):
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    caller.sandbox.fault("status", status=302, retry_after=date, headers={"Location": "http://127.0.0.1:1/"})
    heard = caller.bring()
    assert (heard.headers["Retry-After"], heard.headers["Location"]) == (date, "http://127.0.0.1:1/")


def test_a_status_that_has_no_body_leaves_the_connection_usable(caller):
    caller.sandbox.fault("status", status=204, body="none", times=1)
    with requests.Session() as session:
        url = f"{caller.sandbox.omnisense_url}/user_event/import"
        statuses = [session.post(url, json=caller.body(), timeout=60).status_code for _ in range(2)]
    assert statuses == [204, 200]


@pytest.mark.parametrize("applied", [True, False])
def test_a_hang_never_answers(caller, applied):
    caller.sandbox.fault("hang", applied=applied)
    caller.timeout = 0.3
    with pytest.raises(TimeoutError):
        caller.bring()
    assert taken(caller) == int(applied)


def test_a_hang_of_some_seconds_ends_without_an_answer(caller):
    caller.sandbox.fault("hang", seconds=0.1)
    with pytest.raises(http.client.RemoteDisconnected):
        caller.bring()


def test_a_cut_takes_the_request_and_closes_without_an_answer(caller):
    caller.sandbox.fault("cut")
    with pytest.raises(http.client.RemoteDisconnected):
        caller.bring()
    assert taken(caller) == 1


@pytest.mark.parametrize("path", ["/api/v1/user_event/import", "/api/v1/user_event"])
def test_a_half_takes_the_request_and_sends_half_of_the_body_it_promised(caller, path):
    caller.sandbox.fault("half")
    tracked = {"api_key": "sandbox-api-key", "email": "a@b.c", "user_event": {"identifier": "x"}}
    with pytest.raises(http.client.IncompleteRead) as caught:
        caller.call("POST", path, caller.body() if path.endswith("import") else tracked)
    assert 0 < len(caught.value.partial) <= caught.value.expected + 1
    assert taken(caller) == 1


def test_a_reset_comes_before_the_body_is_read_and_takes_nothing(caller, event):
    caller.sandbox.fault("reset")
    head = b"POST /api/v1/user_event/import HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
    with pytest.raises(ConnectionResetError):
        caller.raw(head)
    with pytest.raises(ConnectionError):
        caller.bring(*map(event, range(500)))
    assert taken(caller) == 0


def test_garbage_takes_the_request_and_answers_no_http(caller):
    caller.sandbox.fault("garbage")
    with pytest.raises(http.client.BadStatusLine):
        caller.bring()
    assert taken(caller) == 1


def test_empty_takes_the_request_and_answers_200_with_nothing(caller):
    caller.sandbox.fault("empty")
    tracked = {"api_key": "sandbox-api-key", "email": "a@b.c", "user_event": {"identifier": "x"}}
    heard = caller.call("POST", "/api/v1/user_event", tracked)
    assert (heard.status, heard.body, taken(caller)) == (200, b"", 1)


@pytest.mark.parametrize("applied", [True, False])
def test_html_is_a_page_with_200(caller, applied):
    caller.sandbox.fault("html", applied=applied)
    heard = caller.bring()
    assert (heard.status, heard.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert heard.body.startswith(b"<!DOCTYPE html>")
    assert taken(caller) == int(applied)


def test_a_drip_comes_byte_by_byte_and_is_whole_in_the_end(caller):
    caller.sandbox.fault("drip", every=0.002)
    began = time.monotonic()
    assert caller.bring().status == 200
    assert time.monotonic() - began > 0.002 * len(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n")
    assert taken(caller) == 1


def test_a_drip_gives_a_single_byte_a_read(caller):
    caller.sandbox.fault("drip", every=0.05)
    with caller.line() as line:
        line.sendall(b"GET /api/v1/user_event HTTP/1.1\r\n\r\n")
        assert [line.recv(100) for _ in range(4)] == [b"H", b"T", b"T", b"P"]


def test_a_delay_takes_the_request_at_once_and_answers_later(caller, wait_until):
    caller.sandbox.fault("delay", seconds=600, times=1)
    with caller.line() as line:
        body = b'{"api_key": "sandbox-api-key", "email": "a@b.c", "user_event": {"identifier": "x"}}'
        head = f"POST /api/v1/user_event HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        line.sendall(head.encode() + b"\r\n\r\n" + body)
        wait_until(lambda: taken(caller) == 1)
        assert select([line], [], [], 0.1)[0] == []
    caller.sandbox.fault("delay", seconds=0.3)
    began = time.monotonic()
    assert caller.bring().status == 200
    assert time.monotonic() - began >= 0.3


def test_latency_is_the_least_that_every_answer_takes(caller):
    caller.sandbox.set_latency(0.1)
    began = time.monotonic()
    assert caller.bring().status == 200
    assert time.monotonic() - began >= 0.1


def test_a_fault_ends_after_its_times_and_only_meets_its_path(caller):
    caller.sandbox.fault("status", status=500, times=2, path="/import")
    statuses = [caller.bring().status for _ in range(3)]
    caller.sandbox.fault("status", status=500, path="/user_event")
    assert [*statuses, caller.bring().status] == [500, 500, 200, 200]


def test_a_fault_of_a_method_leaves_the_others_alone(caller):
    caller.sandbox.fault("status", status=500, method="PUT")
    caller.sandbox.fault("status", status=502, times=1, method="POST")
    assert [caller.bring().status for _ in range(2)] == [502, 200]


def test_rules_are_met_in_the_order_they_were_given(caller):
    caller.sandbox.fault("status", status=429, times=1)
    caller.sandbox.fault("status", status=500, times=1)
    assert [caller.bring().status for _ in range(3)] == [429, 500, 200]


def test_a_share_meets_about_that_share_and_the_same_requests_every_time(caller):
    def run() -> list[int]:
        caller.sandbox.reset()
        caller.sandbox.fault("status", status=500, share=0.3)
        return [caller.bring().status for _ in range(200)]

    first = run()
    assert 30 <= first.count(500) <= 90
    assert run() == first


def test_clear_ends_every_fault(caller):
    caller.sandbox.fault("status", status=500)
    caller.sandbox.clear()
    assert caller.bring().status == 200


def test_faults_are_given_and_taken_back_over_http(caller):
    rule = {"fault": "status", "status": 503, "retry_after": 2, "times": 5}
    assert caller.call("POST", "/_sandbox/faults", rule).status == 200
    assert caller.bring().headers["Retry-After"] == "2"
    assert caller.call("GET", "/_sandbox/faults").json == [{"fault": "status", "path": "", "times": 5, "fired": 1}]
    assert caller.call("DELETE", "/_sandbox/faults").json == []
    assert caller.bring().status == 200


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        ({}, "cut"),
        ({"fault": "explode"}, "explode"),
        ({"fault": ["cut"]}, "cut"),
        ({"fault": "cut", "seconds": 3}, "seconds"),
        ({"fault": "cut", "times": 0}, "times"),
        ({"fault": "cut", "times": True}, "times"),
        ({"fault": "cut", "share": 2}, "share"),
        ({"fault": "cut", "path": 1}, "path"),
        ({"fault": "cut", "method": "post"}, "method"),
        ({"fault": "status", "status": 100}, "status"),
        ({"fault": "status", "status": "500"}, "status"),
        ({"fault": "status", "retry_after": "1\r\nX: y"}, "retry_after"),
        ({"fault": "status", "headers": {"X": "a\nb"}}, "headers"),
        ({"fault": "status", "applied": 1}, "applied"),
        ({"fault": "hang", "seconds": -1}, "seconds"),
        ({"fault": "delay"}, "seconds"),
        ({"fault": "drip", "every": "1"}, "every"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_a_sentence_that_names_it(caller, rule, named):
    heard = caller.call("POST", "/_sandbox/faults", rule)
    assert heard.status == 400
    assert named in heard.json["error"]
    assert caller.sandbox.faults() == []


def test_a_fault_that_is_not_known_raises_in_the_process(sandbox):
    with pytest.raises(BadFault, match="explode"):
        sandbox.fault("explode")
