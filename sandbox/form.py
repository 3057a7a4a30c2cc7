"""Reading a body of multipart/form-data to the letter (RFC 7578), part by part."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.answer import Refusal
from sandbox.request import Request

BORDER = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
DISPOSITION = re.compile(r'form-data; name="([^"\r\n]+)"(?:; filename="([^"\r\n]+)")?')


@dataclass(frozen=True)
class Part:
    """`file` is its file's name, None for a plain field."""

    name: str
    file: str | None
    content: bytes


def form(request: Request) -> dict[str, Part]:
    """The parts by name. Refused: another type (415), what is no strict form, a name that stands twice (400)."""
    headers = request.head.headers
    border = headers.get_param("boundary")
    if headers.get_content_type() != "multipart/form-data" or not isinstance(border, str):
        raise Refusal(415, "Content-Type has to be multipart/form-data with a boundary.")
    if not BORDER.fullmatch(border):
        raise Refusal(400, "The boundary is none.")
    begin, *pieces = (b"\r\n" + request.body).split(f"\r\n--{border}".encode())
    if begin or not pieces or pieces.pop() not in (b"--", b"--\r\n"):
        raise Refusal(400, "The form does not begin and end with its boundary.")
    parts = [_part(piece) for piece in pieces]
    if len({part.name for part in parts}) < len(parts):
        raise Refusal(400, "A field stands twice in the form.")
    return {part.name: part for part in parts}


def field(parts: dict[str, Part], name: str) -> str:
    """The text of a plain field."""
    part = parts.get(name)
    if part is None or part.file is not None:
        raise Refusal(422, f"{name} has to be a plain field of the form.", name)
    try:
        return part.content.decode()
    except UnicodeDecodeError as error:
        raise Refusal(422, f"{name} has to be text in UTF-8.", name) from error


def _part(piece: bytes) -> Part:
    head, blank, content = piece.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    if lines.pop(0) or not blank:
        raise Refusal(400, "A part of the form has no headers.")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    found = DISPOSITION.fullmatch(headers.get("content-disposition", ""))
    if not found:
        raise Refusal(400, "A part of the form has no name.")
    return Part(found[1], found[2], content)
