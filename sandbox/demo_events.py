"""The demo's file: events as a shop would write them, the same every time, some broken as shops break them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

OPERATION = "omnisense.import_user_events"  # what delivers them
BROKEN_EVERY = 1000
FIRST_MOMENT = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
KINDS = ("product.view", "product.order", "cart.add", "newsletter.read")
Event = dict[str, Any]


def write(path: Path, rows: int) -> None:
    """`rows` events, a line each, no two of them alike."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines(rows))


def lines(rows: int) -> Iterator[str]:
    for n in range(rows):
        turn, place = divmod(n, BROKEN_EVERY)
        spoil = SPOILT[turn % len(SPOILT)] if place == BROKEN_EVERY // 2 else json.dumps
        yield spoil(event(n))


def event(n: int) -> Event:
    moment = FIRST_MOMENT + dt.timedelta(seconds=n * 37)
    return {
        "email": f"person{n % 20_000}@example.com",
        "date": moment.isoformat(),
        "identifier": KINDS[n % len(KINDS)],
        "segments": {"order_id": n, "amount": n % 500 + 0.5, "currency": "EUR", "shop": "demo"},
    }


def _changed(**fields: Any) -> Callable[[Event], str]:
    return lambda whole: json.dumps(whole | fields)


def _without_address(whole: Event) -> str:
    return json.dumps({name: value for name, value in whole.items() if name != "email"})


def _cut_short(whole: Event) -> str:
    return json.dumps(whole)[:-9]


SPOILT: tuple[Callable[[Event], str], ...] = (
    _without_address,
    _changed(date="2024-02-03 10:00:00"),  # no time zone
    _changed(segments={"order": {"id": 1}}),
    _cut_short,
    _changed(colour="red"),
    _changed(identifier=" "),
)
