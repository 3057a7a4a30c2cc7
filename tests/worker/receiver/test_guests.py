"""Slow, greedy and broken callers, at a real socket: nobody else waits for them (S7)."""

from __future__ import annotations

import json
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from gunicorn.config import Config
from sqlalchemy import func, select

from tests.own_web import Web
from tests.worker.driven import eventually
from worker.ledger.ledger import Ledger
from worker.ledger.notices import notices
from worker.logs import set_up_logs
from worker.receiver.guests import PATIENCE, Doorkeeper, Guest
from worker.receiver.request_end import Incoming, TooLarge, Wrong

HEAD = b"POST /callbacks/devino?secret_key=s3cr3t-of-devino HTTP/1.1\r\nHost: x\r\n"
pytestmark = pytest.mark.journey


def whole(number: int, *headers: bytes) -> bytes:
    body = json.dumps([{"messageId": number, "status": "delivered"}]).encode()
    return HEAD + b"".join(one + b"\r\n" for one in headers) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def ask(web: Web, request: bytes) -> int:
    with web.connect() as caller:
        caller.sendall(request)
        return status(caller.recv(4096))


def stored(web: Web) -> int:
    ledger = Ledger(web.url)
    found = ledger.read(lambda tx: tx.execute(select(func.count()).select_from(notices)).scalar_one())
    ledger.close()
    return int(found)


def test_one_connection_brings_several(web: Web) -> None:
    before = stored(web)
    with web.connect() as caller:
        for number in (1, 2, 3):
            caller.sendall(whole(number))
            assert status(caller.recv(4096)) == 200
    assert stored(web) == before + 3


def test_a_request_may_come_byte_by_byte(web: Web) -> None:
    with web.connect() as caller:
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in whole(4):
            caller.sendall(bytes([byte]))
        assert status(caller.recv(4096)) == 200


def test_chunks_are_counted_and_put_together(web: Web) -> None:
    body = b'[{"messageId": 5, "status": "delivered"}]'
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:7], body[7:]))
    before = stored(web)
    assert ask(web, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + pieces + b"0\r\nX-Sum: 1\r\n\r\n") == 200
    assert stored(web) == before + 1


def test_who_asks_whether_to_go_on_is_told_to(web: Web) -> None:
    request = whole(6, b"Expect: 100-continue")
    head, _, body = request.partition(b"\r\n\r\n")
    with web.connect() as caller:
        caller.sendall(head + b"\r\n\r\n")
        assert status(caller.recv(4096)) == 100
        caller.sendall(body)
        answer = b""
        while b"200 OK" not in answer:
            answer += caller.recv(4096) or pytest.fail("closed without an answer")


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (HEAD + b"Content-Length: 1048577\r\n\r\n", 413),
        (HEAD + b"Content-Length: 99999999999999\r\n\r\n", 413),
        (HEAD + b"X: " + b"x" * (17 << 10), 431),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
        (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (HEAD + b"Content-Length: -1\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"0" * 300, 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n", 400),
        (whole(7) + whole(8), 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\n\r\n", 414),
    ],
)
def test_what_is_no_request_of_ours_is_answered_and_closed(web: Web, request_: bytes, answer: int) -> None:
    assert ask(web, request_) == answer


def test_a_body_without_end_is_stopped(web: Web) -> None:
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    with web.connect() as caller:
        caller.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(64):
                caller.sendall(chunk)
        except OSError:
            pass  # it has hung up, which is the point; what it said before is read below
        else:
            assert status(caller.recv(4096)) == 413


def test_five_hundred_slow_callers_keep_nobody_waiting(web: Web) -> None:
    slow = [web.connect() for _ in range(500)]
    stop = threading.Event()

    def drip(parts: Callable[[int], bytes]) -> None:
        for turn in range(int(PATIENCE)):
            for caller in slow:
                try:
                    caller.sendall(parts(turn))
                except OSError:
                    continue  # it was shown the door
            if stop.wait(1):
                return

    slow_head = HEAD + b"Content-Length: 40\r\n\r\n"
    thread = threading.Thread(target=drip, args=(lambda turn: slow_head[turn : turn + 1],))
    thread.start()
    try:
        seconds = sorted(_timed(lambda number=number: ask(web, whole(number))) for number in range(100, 200))  # type: ignore[misc]
        assert seconds[98] < PATIENCE / 2, seconds[-5:]  # behind a slow one it would have been all of its patience
        assert eventually(lambda: all(_closed(caller) for caller in slow))
    finally:
        stop.set()
        thread.join()
        for caller in slow:
            caller.close()


def _timed(work: Callable[[], int]) -> float:
    began = time.monotonic()
    assert work() == 200
    return time.monotonic() - began


def _closed(caller: socket.socket) -> bool:
    caller.settimeout(1)
    try:
        return caller.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_more_connections_than_places_leave_room_for_who_speaks(web: Web) -> None:
    silent = [web.connect() for _ in range(1020)]
    try:
        assert _timed(lambda: ask(web, whole(300))) < 2.0
    finally:
        for caller in silent:
            caller.close()


def test_no_secret_is_in_the_log(web: Web) -> None:
    ask(web, whole(400))
    ask(web, b"G\x00T /callbacks/devino?secret_key=s3cr3t-of-devino HTTP/1.1\r\n\r\n")
    ask(web, b"POST /callbacks/devino?secret_key=s3cr3t-of-devino HTTP/9.9\r\n\r\n")
    ask(web, HEAD + b"A b: c\r\n\r\n")
    for query in (b"?secret_key=", b"?&secret_key=", b"?a&secret_key=", b"?x= &secret_key=", b"?secret_key=\\", b"?'="):
        line = b"POST /callbacks/devino" + query + b"s3cr3t-of-devino"
        ask(web, line + b"\r\nHost: x\r\n\r\n")
        ask(web, line + b"'\" s3cr3t HTTP/1.1\r\nHost: x\r\n\r\n")
        ask(web, line + b"&x=" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    text = web.log.read_text()
    assert "POST /callbacks/devino 200" in text
    assert "s3cr3t" not in text
    assert all(line.startswith("{") for line in text.splitlines())
    assert text.count("Invalid") > 10


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("GET /x?a=b HTTP/1.1", "GET /x?… HTTP/1.1"),
        ("GET /x?&secret_key=s HTTP/1.1", "GET /x?… HTTP/1.1"),
        ("GET /x?a&secret_key=s HTTP/1.1", "GET /x?… HTTP/1.1"),
        ("GET /x?a= &secret_key=s HTTP/1.1", "GET /x?… &… HTTP/1.1"),
        ('GET /x?a=b\\c"d HTTP/1.1', "GET /x?… HTTP/1.1"),
        ("who? a=b", "who? a=b"),
    ],
)
def test_a_line_of_the_log_shows_no_query(line: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    set_up_logs("INFO")
    try:
        logging.getLogger("somebody").error(line)
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert json.loads(capsys.readouterr().err)["event"] == shown


def test_who_is_turned_away_is_counted_off_once() -> None:
    cfg = Config()
    door = Doorkeeper(1, 1, [], None, 10, cfg, logging.getLogger("test"))
    door.poller = selectors.DefaultSelector()
    for request in (HEAD + b"Content-Length: -1\r\n\r\n", HEAD):
        ours, theirs = socket.socketpair()
        guest = Guest(cfg, ours, ("", 0), ("", 0))
        guest.leave = door._leave
        door._collect(guest)
        theirs.sendall(request)
        door._hear(guest)
        assert door.held == (0 if guest.leaving else len(request))
        door._drop(guest)
        assert door.held == 0
        theirs.close()
    door.poller.close()
    door.tmp.close()


@pytest.mark.parametrize("step", [1, 2, 3, 7, 10_000])
def test_the_end_is_found_however_it_is_cut(step: int) -> None:
    chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\n\n\r\n0\r\n\r\n"
    for request in (whole(1), chunked, b"GET / HTTP/1.1\r\n\r\n"):
        incoming = Incoming()
        said: list[Any] = [incoming.add(request[n : n + step]) for n in range(0, len(request), step)]
        assert said == [False] * (len(said) - 1) + [True]
        assert incoming.take() == request and len(incoming) == 0


def test_what_can_have_no_end_has_none() -> None:
    with pytest.raises(Wrong):
        Incoming().add(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    with pytest.raises(TooLarge):
        Incoming().add(b"x" * (17 << 10))
