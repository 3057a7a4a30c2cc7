"""What a caller sent, and how it is read from a connection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, parse_headers
from io import BufferedReader

from sandbox.answer import Refusal

REQUEST_LINE = re.compile(rb"([A-Z]+) (/[!-~]*) HTTP/1\.([01])\r?\n")
LONGEST_LINE = 1 << 16


@dataclass(frozen=True)
class Head:
    """A request before its body. `path` is as it was written, without the query."""

    method: str
    path: str
    query: str
    headers: HTTPMessage
    version: int

    @property
    def last(self) -> bool:
        """Whether the caller wants the connection closed after the answer."""
        wish = self.headers.get("Connection", "").lower()
        return "close" in wish or (self.version == 0 and "keep-alive" not in wish)

    def length(self, stated: bool) -> int:
        """How many bytes of body follow. Refused (411, 400) where Content-Length doesn't say so.

        Unless it has to be `stated`, a request without one has no body, as HTTP has it.
        """
        if "Transfer-Encoding" in self.headers:
            raise Refusal(411, "Send the body with a Content-Length; a chunked one is not taken.")
        may_lack = not stated or self.method in {"GET", "HEAD", "DELETE"}
        length = self.headers.get("Content-Length", "0" if may_lack else None)
        if length is None:
            raise Refusal(411, "The request has no Content-Length.")
        if not (length.isascii() and length.isdigit() and len(self.headers.get_all("Content-Length", [length])) == 1):
            raise Refusal(400, "Content-Length is not one whole number.")
        return int(length)


@dataclass(frozen=True)
class Request:
    """A whole request. Its repr shows no body: it holds keys and addresses."""

    head: Head
    body: bytes

    def __repr__(self) -> str:
        return f"Request({self.head.method} {self.head.path}, {len(self.body)} bytes)"


def read_head(stream: BufferedReader) -> Head:
    """Request line and headers. Refused with 400 if they are no HTTP/1.1."""
    found = REQUEST_LINE.fullmatch(stream.readline(LONGEST_LINE))
    if not found:
        raise Refusal(400, "The request line is not METHOD /path HTTP/1.1.")
    try:
        headers = parse_headers(stream)
    except HTTPException as error:
        raise Refusal(400, "The headers can't be read.") from error
    path, _, query = found[2].decode("ascii").partition("?")
    return Head(found[1].decode("ascii"), path, query, headers, int(found[3]))
