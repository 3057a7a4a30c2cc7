"""The server below the platforms: connections, lengths, what is no HTTP."""

from __future__ import annotations

import ast
import re
import sys
import threading
import time
from http.client import HTTPMessage
from pathlib import Path

import pytest
import requests

import sandbox as package
from sandbox.request import Head, Request
from sandbox.server import NotLoopback, start

IMPORT = b"POST /api/v1/user_event/import HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def test_one_connection_carries_many_requests_without_delay(caller, wait_until):
    """A delayed acknowledgement costs each answer 40 ms, always; a busy machine is slow now and then."""
    with requests.Session() as session:
        url = f"{caller.sandbox.omnisense_url}/user_event/import"

        def quick() -> bool:
            began = time.monotonic()
            assert {session.post(url, json=caller.body(), timeout=60).status_code for _ in range(20)} == {200}
            return time.monotonic() - began < 20 * 0.04

        wait_until(quick)
    assert caller.sandbox.counts()["events"] % 20 == 0


def test_requests_that_are_sent_ahead_are_answered_in_order(caller):
    one = IMPORT + b"Content-Length: 2\r\n\r\n{}"
    last = b"GET /api/v1/user_event HTTP/1.1\r\nConnection: close\r\n\r\n"
    answers = caller.raw(one + one + last)
    assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"401", b"401", b"405"]


def test_many_connections_are_served_at_once(caller, event):
    threads = [threading.Thread(target=caller.bring, args=(event(n),)) for n in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = caller.sandbox.counts()
    assert (counts["by_status"], counts["distinct"]) == ({"200": 64}, 64)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (IMPORT + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"411"),
        (IMPORT + b"\r\n", b"411"),
        (IMPORT + b"Content-Length: two\r\n\r\n", b"400"),
        (IMPORT + b"Content-Length: -2\r\n\r\n", b"400"),
        (IMPORT + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", b"400"),
        (b"POST /api/v1/user_event\r\n\r\n", b"400"),
        (b"hello\r\n\r\n", b"400"),
        (b"GET http://elsewhere/ HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", b"400"),
        (b"GET /api/v1/user_event HTTP/1.0\r\n\r\n", b"405"),
    ],
)
def test_a_request_that_is_off_is_answered_and_the_connection_closed(caller, request_bytes, status):
    with caller.line() as line:
        line.sendall(request_bytes)
        assert line.recv(12) == b"HTTP/1.1 " + status
        line.shutdown(1)
        while line.recv(65536):
            continue


def test_what_is_no_http_is_counted_as_such(caller):
    caller.raw(b"hello\r\n\r\n")
    assert caller.sandbox.counts()["by_path"] == {"(unreadable)": 1}


def test_a_caller_that_asks_before_sending_its_body_is_told_to_go_on(caller):
    with caller.line() as line:
        line.sendall(IMPORT + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert line.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(b"{}")
        assert line.recv(12) == b"HTTP/1.1 401"


def test_an_answer_to_head_has_no_body(caller):
    answer = caller.raw(b"HEAD /api/v1/user_event HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"405" in answer


def test_stop_hangs_up_and_lets_the_port_go(calling, wait_until):
    sandbox = start()
    port = int(sandbox.url.rpartition(":")[2])
    sandbox.fault("hang")
    with calling(sandbox).line() as line:
        line.sendall(b"GET /api/v1/user_event HTTP/1.1\r\n\r\n")
        wait_until(lambda: sandbox.counts()["on_the_wire"] == 1)
        sandbox.stop()
        assert line.recv(1) == b""
    with start(port=port) as again:
        assert again.url == sandbox.url
        assert calling(again).bring().status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "example.com", "::"])  # noqa: S104  has to be refused
def test_it_listens_on_loopback_alone(host):
    with pytest.raises(NotLoopback, match=r"127\.0\.0\.1"):
        start(host=host)


def test_a_request_shows_no_body_in_its_repr():
    head = Head("POST", "/api/v1/user_event", "", HTTPMessage(), 1)
    assert "secret" not in repr(Request(head, b"secret"))


def test_the_sandbox_imports_the_standard_library_and_itself_alone():
    trees = [ast.parse(path.read_text()) for path in Path(package.__file__).parent.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    from_ = [node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)]
    roots = {name.partition(".")[0] for name in plain + from_}
    assert len(trees) > 10
    assert roots - {"sandbox"} <= sys.stdlib_module_names
