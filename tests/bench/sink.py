"""A platform that takes everything and looks at nothing: `python -m tests.bench.sink --port P [--latency S]`.

A thread a connection, bodies read into one buffer and dropped, 200 with no body. `GET /_sink` tells in JSON how many
requests and bytes came, how many are answered at this moment, the most there were, and the sum of the seconds that
all of them took so far: its growth over a stretch of time is the mean number of calls in flight. `GET /_moments` tells
when each small body that holds an `"n"` was answered: pairs of that number and the monotonic clock of this machine.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import threading
import time

YES = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
BUFFER = 1 << 20
SMALL = 1 << 12
NUMBER = re.compile(rb'"n": ?(\d+)')


class Count:
    """What has come, and what is being answered."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests = self._bytes = self._open = self._most = 0
        self._busy = 0.0
        self._since = time.monotonic()
        self.moments: list[tuple[int, float]] = []

    def change(self, by: int, size: int = 0) -> None:
        with self._lock:
            self._tick()
            self._requests += by > 0
            self._bytes += size
            self._open += by
            self._most = max(self._most, self._open)

    def told(self) -> bytes:
        with self._lock:
            self._tick()
            seen = {"requests": self._requests, "bytes": self._bytes, "open": self._open, "most": self._most}
            return json.dumps({**seen, "busy": self._busy, "at": self._since}).encode()

    def _tick(self) -> None:
        now = time.monotonic()
        self._busy += self._open * (now - self._since)
        self._since = now


class Connection:
    """One caller, request after request."""

    def __init__(self, line: socket.socket, count: Count, latency: float) -> None:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._line, self._count, self._latency = line, count, latency
        self._buffer = memoryview(bytearray(BUFFER))
        self._ahead = b""

    def serve(self) -> None:
        with self._line:
            while head := self._head():
                if head.startswith(b"GET /_sink"):
                    self._tell(self._count.told())
                elif head.startswith(b"GET /_moments"):
                    self._tell(json.dumps(self._count.moments).encode())
                elif (size := _length(head)) <= SMALL:
                    self._note(size)
                else:
                    self._take(size)

    def _head(self) -> bytes:
        """Up to the blank line; empty when the caller has gone."""
        while b"\r\n\r\n" not in self._ahead:
            more = self._line.recv(1 << 16)
            if not more:
                return b""
            self._ahead += more
        head, _, self._ahead = self._ahead.partition(b"\r\n\r\n")
        return head

    def _take(self, size: int) -> None:
        self._count.change(+1, size)
        left = size - len(self._ahead)
        self._ahead = b"" if left >= 0 else self._ahead[left:]
        while left > 0:
            got = self._line.recv_into(self._buffer[: min(left, BUFFER)])
            if not got:
                break
            left -= got
        if self._latency:
            time.sleep(self._latency)
        self._count.change(-1)
        self._line.sendall(YES)

    def _note(self, size: int) -> None:
        """Take a small body whole, and remember when it was answered."""
        while len(self._ahead) < size:
            self._ahead += self._line.recv(1 << 16)
        found = NUMBER.search(self._ahead[:size])
        self._take(size)
        if found:
            self._count.moments.append((int(found[1]), time.monotonic()))

    def _tell(self, said: bytes) -> None:
        self._line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said))


def _length(head: bytes) -> int:
    found = head.lower().partition(b"content-length:")[2]
    return int(found.split(b"\r\n", 1)[0] or 0)


def main() -> None:
    parser = argparse.ArgumentParser("sink")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every answer takes at least")
    options = parser.parse_args()
    count = Count()
    with socket.create_server(("127.0.0.1", options.port), backlog=256) as door:
        while True:
            line, _ = door.accept()
            one = Connection(line, count, options.latency)
            threading.Thread(target=one.serve, daemon=True).start()


if __name__ == "__main__":
    main()
