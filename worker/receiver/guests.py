"""Connections of the receiver: each request is collected by the one loop, and only a whole one gets a thread.

gunicorn's own threads read from the socket, so a few slow callers would hold them all. Here a caller has `PATIENCE`
seconds for head and body together, however it spreads its bytes; when too many wait, the one that waits longest goes.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from worker.receiver.request_end import Incoming, TooLarge, Wrong

PATIENCE = 10.0
LINGER = 2.0
AT_ONCE = 1 << 16
MOST_HELD = 64 << 20  # bytes of all that is being collected
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
ANSWERS = {400: b"400 Bad Request", 413: b"413 Content Too Large", 431: b"431 Request Header Fields Too Large"}
CLOSE = b"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Guest(TConn):  # type: ignore[misc] # gunicorn has no types
    """A connection, what has come of its next request, and until when it may take."""

    def __init__(self, *of: Any) -> None:
        super().__init__(*of)
        self.incoming = Incoming()
        self.until = time.monotonic() + PATIENCE
        self.leaving = False
        self.leave: Callable[[Guest], None] | None = None

    def init(self) -> None:
        """In its thread: the parser reads what was collected, and finds all it needs there."""
        super().init()
        self.parser.unreader.unread(self.incoming.take())

    def close(self, graceful: bool = False) -> None:
        """What is still coming is read and dropped, or the caller might not see the answer."""
        if graceful and self.leave is not None:
            self.leave(self)
        else:
            super().close()


class Doorkeeper(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """gunicorn's threaded worker, behind a loop that collects."""

    def __init__(self, *of: Any, **named: Any) -> None:
        super().__init__(*of, **named)
        # Both in the order in which their time ends.
        self.guests: dict[Guest, None] = {}
        self.leavers: dict[Guest, None] = {}
        self.held = 0

    def accept(self, listener: socket.socket) -> None:
        try:
            sock, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        guest = Guest(self.cfg, sock, address, listener.getsockname())
        guest.leave = self._leave
        self.nr_conns += 1
        self._collect(guest)

    def on_client_socket_readable(self, conn: Guest, client: socket.socket) -> None:
        """A kept connection brings its next request."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._collect(conn)
        self._hear(conn)

    def murder_pending(self) -> None:
        """Called at every turn: who took too long goes, and the one that waits longest when all places are taken."""
        now = time.monotonic()
        for waiting in (self.leavers, self.guests):
            while waiting:
                oldest = next(iter(waiting))
                if oldest.until > now and self.nr_conns < self.worker_connections:
                    break
                self._drop(oldest)

    def _collect(self, guest: Guest) -> None:
        guest.until = time.monotonic() + (LINGER if guest.leaving else PATIENCE)
        (self.leavers if guest.leaving else self.guests)[guest] = None
        self.poller.register(guest.sock, selectors.EVENT_READ, partial(self._hear_of, guest))

    def _hear_of(self, guest: Guest, _sock: socket.socket) -> None:
        self._hear(guest)

    def _hear(self, guest: Guest) -> None:
        try:
            came = guest.sock.recv(AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            came = b""
        if not came:
            self._drop(guest)
        elif not guest.leaving:
            self._take(guest, came)

    def _take(self, guest: Guest, came: bytes) -> None:
        self.held += len(came)
        try:
            whole = guest.incoming.add(came)
        except (TooLarge, Wrong) as error:
            self._turn_away(guest, error.status)
            return
        if whole:
            self._forget(guest)
            guest.data_ready = True
            self.enqueue_req(guest)
        elif self.held > MOST_HELD:
            self._drop(guest)
        elif guest.incoming.asks_to_continue:
            guest.incoming.asks_to_continue = False
            self._say(guest, CONTINUE)

    def _turn_away(self, guest: Guest, status: int) -> None:
        self._forget(guest)
        guest.incoming = Incoming()
        self.nr_conns -= 1
        self._say(guest, CLOSE % ANSWERS[status])
        self._leave(guest)

    def _leave(self, guest: Guest) -> None:
        """Answered: it is listened to a little longer, so that our closing does not cut off the answer."""
        with suppress(OSError):
            guest.sock.setblocking(False)
            guest.sock.shutdown(socket.SHUT_WR)
            guest.leaving = True
            self.nr_conns += 1
            self._collect(guest)
            return
        guest.close()

    def _say(self, guest: Guest, words: bytes) -> None:
        with suppress(OSError):  # it is gone, or does not read: nothing to be said to it
            guest.sock.send(words)

    def _forget(self, guest: Guest) -> None:
        if guest in self.guests:  # who leaves was taken off before
            self.held -= len(guest.incoming)
        self.guests.pop(guest, None)
        self.leavers.pop(guest, None)
        with suppress(OSError, KeyError, ValueError):
            self.poller.unregister(guest.sock)

    def _drop(self, guest: Guest) -> None:
        self._forget(guest)
        self.nr_conns -= 1
        guest.close()
