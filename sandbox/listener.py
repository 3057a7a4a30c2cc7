"""Sockets and threads: a thread a connection, requests one after another on it."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from typing import Any

from sandbox import control
from sandbox.answer import Refusal
from sandbox.exchange import Exchange
from sandbox.line import Line
from sandbox.request import Head, Request, read_head
from sandbox.stage import Stage

UNREADABLE = "(unreadable)"
STOP_SECONDS = 5.0


class Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], stage: Stage) -> None:
        self._stage = stage
        self._lines: set[Line] = set()
        self._changed = threading.Condition()
        self._stopping = False
        super().__init__(address, socketserver.BaseRequestHandler)

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  the base class names them
        line = Line(request)
        with self._changed:
            self._lines.add(line)
            if self._stopping:
                line.hang_up()
        try:
            converse(self._stage, line)
        finally:
            line.end()
            with self._changed:
                self._lines.discard(line)
                self._changed.notify_all()

    def shutdown_request(self, request: Any) -> None:
        """The line was ended in its own way; the base class would send a FIN where an RST is wanted."""
        self.close_request(request)

    def stop(self) -> None:
        """Take no more connections, hang up those there are and wait until their threads have let go."""
        self.shutdown()
        self.server_close()
        with self._changed:
            self._stopping = True
            for line in self._lines:
                line.hang_up()
            self._changed.wait_for(lambda: not self._lines, STOP_SECONDS)


def converse(stage: Stage, line: Line) -> None:
    """Answer one request after another until either side wants no more."""
    with contextlib.suppress(OSError):
        while _one(stage, line):
            continue


def _one(stage: Stage, line: Line) -> bool:
    began = line.await_request()
    try:
        head = read_head(line.stream)
    except Refusal as refusal:
        stage.log.came(UNREADABLE)
        stage.log.ended(UNREADABLE, str(refusal.answer.status))
        line.write(refusal.answer.encode(close=True))
        return False
    if head.path.startswith(control.PREFIX):
        return _control(stage, line, head)
    with stage.wire.call(began):
        return Exchange(stage, line, head).run()


def _control(stage: Stage, line: Line, head: Head) -> bool:
    try:
        request = Request(head, line.read_body(head, control.MOST_BYTES, stated=False))
    except Refusal as refusal:
        line.write(refusal.answer.encode(close=True))
        return False
    line.write(control.answer(stage, request).encode(close=head.last))
    return not head.last
