"""What goes back to the caller, and how it is written as HTTP/1.1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

BODILESS = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


@dataclass(frozen=True)
class Answer:
    """Status, body and further headers; `kind` is the Content-Type of a body that is there."""

    status: int
    body: bytes = b""
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    def encode(self, close: bool = False, bare: bool = False) -> bytes:
        """The bytes on the wire; `bare` leaves the body out and its length in, as HEAD wants it."""
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}", *self._headers(close)]
        body = b"" if bare or self.status in BODILESS else self.body
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def _headers(self, close: bool) -> list[str]:
        lines = [f"{name}: {value}" for name, value in self.headers.items()]
        if self.body:
            lines.append(f"Content-Type: {self.kind}")
        if self.status not in BODILESS:
            lines.append(f"Content-Length: {len(self.body)}")
        return [*lines, "Connection: close"] if close else lines


def json_answer(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer whose body is `content` as JSON."""
    return Answer(status, json.dumps(content).encode(), headers=headers or {})


class Refusal(Exception):
    """The request is not what the document allows; becomes `{"error": …, "at": …}` with this status."""

    def __init__(self, status: int, error: str, at: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(error)
        content = {"error": error, "at": at} if at else {"error": error}
        self.answer = json_answer(status, content, headers)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
