"""How far the list of a slot was read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from schedules.comparing import KINDS
from worker.operation import JSON
from worker.runner.walk import Page
from worker.seal import digest


@dataclass(frozen=True)
class Place:
    """`payload` asks for the next page. `seen` stands for the page at the last power of two: a list that leads back
    anywhere comes to it again, and no memory of all pages is needed. `waits` counts pages that could not be had since
    the last one, `anew` how often the platform no longer knew the place; `differs` where it said otherwise, by kind."""

    payload: JSON = field(repr=False)
    pages: int = 0
    rows: int = 0
    new: int = 0
    seen: str = ""
    waits: int = 0
    anew: int = 0
    differs: dict[str, int] = field(default_factory=dict)

    @property
    def comes_again(self) -> bool:
        return _fingerprint(self.payload) == self.seen

    def after(self, page: Page, new: int, differs: Iterable[str] = ()) -> Place:
        """Behind this page, in which so many were new, and so much differed; at the last one, where it is."""
        pages = self.pages + 1
        return replace(
            self,
            payload=self.payload if page.following is None else page.following,
            seen=_fingerprint(self.payload) if pages & (pages - 1) == 0 else self.seen,
            pages=pages,
            rows=self.rows + len(page.rows),
            new=self.new + new,
            waits=0,
            differs=dict(Counter(self.differs) + Counter(differs)),
        )

    def __str__(self) -> str:
        read = f"{_some(self.pages, 'page')} with {_some(self.rows, 'contact')}"
        new = f"opt-outs that were not known: {self.new:,}"
        differs = (f"{words}: {self.differs[kind]:,}" for kind, words in KINDS.items() if kind in self.differs)
        return "; ".join((read, new, *differs))


def _some(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _fingerprint(payload: JSON) -> str:
    return digest(json.dumps(payload, sort_keys=True))
