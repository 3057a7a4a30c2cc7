"""One connection: reading, writing, waiting while the other side is still there, and ways to end it."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time

from sandbox.answer import Refusal
from sandbox.request import Head

# Where the system can't tell "left" from "sent more" (macOS), a caller that pipelines during a wait counts as gone.
LEFT = getattr(select, "POLLRDHUP", select.POLLIN)
DRAIN_SECONDS = 5.0


class Gone(ConnectionError):
    """The other side closed the connection, or the sandbox is being stopped."""


class Line:
    """Any OSError out of it, `Gone` included, means that the other side is no longer there."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._unread = False
        self.stream = sock.makefile("rb")

    def await_request(self) -> float:
        """The machine's monotonic time at which the first byte of the next request was there."""
        if not self.stream.peek(1):
            raise Gone
        self._unread = True
        return time.monotonic()

    def read_body(self, head: Head, most: int, stated: bool = True) -> bytes:
        """The body after `head`. Raises `Refusal` for one that is not read (it is drained when the line ends)."""
        length = head.length(stated)
        if length > most:
            raise Refusal(422, f"The body has {length} bytes; at most {most} are taken.")
        if head.headers.get("Expect", "").lower() == "100-continue":
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self.stream.read(length)
        if len(body) < length:
            raise Gone
        self._unread = False
        return body

    def write(self, data: bytes) -> None:
        self._sock.sendall(data)

    def pause(self, seconds: float | None) -> None:
        """Wait (None: for ever), but no longer than the other side does: then `Gone`."""
        if seconds is not None and seconds <= 0:
            return
        watch = select.poll()
        watch.register(self._sock, LEFT)
        if watch.poll(None if seconds is None else seconds * 1000):
            raise Gone

    def reset(self) -> None:
        """Make the coming end of the line an RST."""
        self._unread = False
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def end(self) -> None:
        """Close. What was not read is drained first: closing on it would be an RST that overtakes the answer."""
        with contextlib.suppress(OSError):
            if self._unread:
                self._drain()
        self.stream.close()
        self._sock.close()

    def hang_up(self) -> None:
        """Wake whatever waits on this line, from another thread."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def _drain(self) -> None:
        self._sock.shutdown(socket.SHUT_WR)
        until = time.monotonic() + DRAIN_SECONDS
        while (left := until - time.monotonic()) > 0:
            self._sock.settimeout(left)
            if not self._sock.recv(1 << 16):
                return
