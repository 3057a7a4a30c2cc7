"""Reading a body to the letter: what a document doesn't allow is refused, with the place where it stands."""

from __future__ import annotations

import json
from collections.abc import Set
from typing import Any, NoReturn

from sandbox.answer import Refusal
from sandbox.request import Request

JSON = dict[str, Any]


def json_object(request: Request) -> JSON:
    """The body as a JSON object. Refused: another type or encoding (415), what is no strict JSON (400)."""
    headers = request.head.headers
    if headers.get_content_type() != "application/json" or headers.get_content_charset("utf-8") != "utf-8":
        raise Refusal(415, "Content-Type has to be application/json.")
    if headers.get("Content-Encoding", "identity") != "identity":
        raise Refusal(415, "The body has to come without a Content-Encoding.")
    content = read_json(request.body)
    if not isinstance(content, dict):
        raise Refusal(422, "The body has to be a JSON object.")
    return content


def read_json(body: bytes) -> Any:
    """Refused with 400: no UTF-8, a byte order mark, NaN and Infinity, a key that stands twice in one object."""
    try:
        return json.loads(body.decode(), parse_constant=_no_constant, object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "The body is not valid JSON in UTF-8.") from error


def known(content: JSON, allowed: Set[str], at: str) -> None:
    """Refuse keys that the document doesn't have."""
    if content.keys() <= allowed:
        return
    raise Refusal(422, f"Not in the document: {', '.join(sorted(content.keys() - allowed))}.", at)


def text(content: JSON, key: str, at: str) -> str:
    """A string that is there and not blank."""
    value = content.get(key)
    if not isinstance(value, str) or value.isspace() or not value:
        raise Refusal(422, f"{key} has to be a string that is not empty.", f"{at}{key}")
    return value


def mapping(value: Any, at: str) -> JSON:
    if not isinstance(value, dict):
        raise Refusal(422, f"{at} has to be an object.", at)
    return value


def _once_each(pairs: list[tuple[str, Any]]) -> JSON:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("a key stands twice")
    return content


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
