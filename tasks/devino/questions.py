"""Questions about cascades: what goes into the path and the query, and how a list is walked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tasks.devino import cascades
from tasks.devino.times import local
from tasks.strict import JSON
from worker.facts.wire import Pages, Query, Sending, Wire

MACROS = "/omni-task-api/macros"
MOMENTS = tuple(f"{what}Date{end}" for what in ("created", "start", "end") for end in ("From", "To"))


def one(asked: JSON, _sending: Sending) -> Wire:
    return Wire(f"{cascades.PATH}/{asked['taskId']}")


def many(asked: JSON, sending: Sending) -> Wire:
    """A page of cascades; the dates of the search by Devino's clock."""
    moments = {name: local(asked[name], sending) for name in MOMENTS if name in asked}
    return Wire(cascades.PATH, query({**asked, **moments}))


def macros(asked: JSON, _sending: Sending) -> Wire:
    return Wire(MACROS, query(asked))


def query(asked: JSON) -> Query:
    """In the query, never in a body (D13); a list as its key again and again."""
    return tuple((name, _word(one)) for name, value in asked.items() for one in _each(value))


def _each(value: Any) -> Iterator[Any]:
    yield from value if isinstance(value, list) else [value]


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _following(asked: JSON, answer: JSON) -> JSON | None:
    """Devino counts no pages; one that is not full is the last."""
    rows = len(answer["result"])
    return {**asked, "offset": asked["offset"] + rows} if rows >= asked["count"] else None


def _nothing_follows(_asked: JSON, _answer: JSON) -> None:
    """The document knows no pages of macros: the first answer is whole."""


CASCADE_PAGES = Pages("result", _following)
MACRO_PAGES = Pages("result", _nothing_follows)
