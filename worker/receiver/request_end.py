"""Where a request ends: as much of HTTP/1.1 as is needed to know that all of it has come."""

from __future__ import annotations

import re

LARGEST_HEAD = 16 << 10
LARGEST_BODY = 1 << 20
LARGEST_FRAMING = 256 << 10  # what chunks may add to a body
LONGEST_CHUNK_LINE = 128
LENGTH = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,15})[ \t]*\r$")
NAMES_LENGTH = re.compile(rb"(?im)^content-length[ \t]*:")
CHUNKED = re.compile(rb"(?im)^transfer-encoding[ \t]*:")
CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;|$)")
CONTINUE = re.compile(rb"(?im)^expect:[ \t]*100-continue[ \t]*\r$")


class Wrong(Exception):
    """No request that anybody here could answer."""

    status = 400


class TooLarge(Exception):
    """More than a callback can be."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Incoming:
    """The bytes of one request as they come."""

    def __init__(self) -> None:
        self.asks_to_continue = False
        self._bytes = bytearray()
        self._head = -1  # where the body begins, once it is known
        self._end = -1  # where the request ends, once it is known
        self._at = 0  # of the chunk that is being looked for

    def __len__(self) -> int:
        return len(self._bytes)

    def take(self) -> bytes:
        """All of it; the next request begins."""
        taken = bytes(self._bytes[: self._end])
        Incoming.__init__(self)
        return taken

    def add(self, came: bytes) -> bool:
        """Whether the request is whole now. Raises `TooLarge` or `Wrong`."""
        self._bytes += came
        if self._head < 0:
            self._find_head(max(0, len(self._bytes) - len(came) - 3))
        if self._head >= 0 and self._end < 0:
            self._find_end()
        if self._end >= 0 and bytes(self._bytes[self._end :]).strip():
            raise Wrong  # it did not wait for the answer, and a second request would be waited for in a thread
        return 0 <= self._end <= len(self._bytes)

    def _find_head(self, since: int) -> None:
        found = self._bytes.find(b"\r\n\r\n", since)
        if max(found, 0) > LARGEST_HEAD or (found < 0 and len(self._bytes) > LARGEST_HEAD):
            raise TooLarge(431)
        if found < 0:
            return
        self._head = self._at = found + 4
        head = bytes(self._bytes[: self._head])
        lengths = LENGTH.findall(head)
        if CHUNKED.search(head):
            if NAMES_LENGTH.search(head):
                raise Wrong
        elif len(lengths) != len(NAMES_LENGTH.findall(head)) or len(lengths) > 1:
            raise Wrong
        else:
            self._end = self._head + int(lengths[0] if lengths else 0)
            if self._end - self._head > LARGEST_BODY:
                raise TooLarge(413)
        self.asks_to_continue = bool(CONTINUE.search(head))

    def _find_end(self) -> None:
        """Walk over the chunks that have come whole."""
        if len(self._bytes) - self._head > LARGEST_BODY + LARGEST_FRAMING:
            raise TooLarge(413)
        while self._end < 0:
            line_end = self._bytes.find(b"\r\n", self._at, self._at + LONGEST_CHUNK_LINE)
            if line_end < 0:
                if len(self._bytes) - self._at > LONGEST_CHUNK_LINE:
                    raise Wrong
                return
            size = _size(bytes(self._bytes[self._at : line_end]))
            if size == 0:
                self._find_trailer_end(line_end)
                return
            if line_end + 2 + size + 2 > len(self._bytes):
                return
            self._at = line_end + 2 + size + 2

    def _find_trailer_end(self, line_end: int) -> None:
        found = self._bytes.find(b"\r\n\r\n", line_end)
        self._end = found + 4 if found >= 0 else -1


def _size(line: bytes) -> int:
    found = CHUNK_SIZE.match(line)
    if found is None:
        raise Wrong
    return int(found[1], 16)
