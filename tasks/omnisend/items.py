"""The items of a batch: whose each is, and what its answer means.

Source: Omnisend API v3, "Batches", List batch items. An item has a number, the contact that was asked for, and the
answer that the single request would have got, with its status.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tasks.omnisend.answers import MEANING, words
from tasks.strict import JSON
from worker.facts.wire import Sorted
from worker.outcome import Refusal

# The vendor's own client sends items with 403, 408, 429 and 503 again; 401 comes of keys that were changed meanwhile.
PASSING = frozenset({401, 403, 408, 425, 429})
Whose = frozenset[tuple[str, str]]


def sort(batch: JSON, found: Sequence[JSON], rows: Sequence[JSON]) -> Sorted:
    """What came of each row. Of a finished batch whose errors are all there, an item that is not shown went well; one
    that was stopped may never have come to it."""
    by_place = _placed(found, rows)
    errors = sum(_status(one) >= 400 for one in found)
    counted = batch.get("errorsCount")
    complete = batch.get("status") == "finished" and isinstance(counted, int) and errors >= counted
    refused, again = [], []
    for place in range(1, len(rows) + 1):
        status = _status(by_place[place]) if place in by_place else 200 if complete else 0
        if 400 <= status < 500 and status not in PASSING:
            refused.append(_refusal(place, status, by_place[place].get("response")))
        elif not 200 <= status < 300:
            again.append(place)
    return Sorted(refused=tuple(refused), again=tuple(again))


def are_of(found: Sequence[JSON], rows: Sequence[JSON]) -> bool:
    """Whether all that a batch shows of its items is about these contacts."""
    known = {_whose(row) for row in rows}
    shown = [_whose(one.get("request")) for one in found]
    return bool(shown) and all(whose in known for whose in shown)


def _placed(found: Iterable[JSON], rows: Sequence[JSON]) -> dict[int, JSON]:
    """Items by the place of their row: by the contact, else by their number; of equal contacts in their order."""
    places: dict[Whose, deque[int]] = defaultdict(deque)
    for place, row in enumerate(rows, 1):
        places[_whose(row)].append(place)
    placed: dict[int, JSON] = {}
    for item in sorted(found, key=_number):
        same = places.get(_whose(item.get("request")))
        place = same.popleft() if same else _number(item)
        if 1 <= place <= len(rows):
            placed.setdefault(place, item)
    return placed


def _whose(contact: Any) -> Whose:
    identifiers = contact.get("identifiers") if isinstance(contact, dict) else None
    named = [one for one in identifiers if isinstance(one, dict)] if isinstance(identifiers, list) else []
    return frozenset((str(one.get("type")), str(one.get("id")).lower()) for one in named)


def _number(item: JSON) -> int:
    number = str(item.get("itemID", ""))
    return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0


def _status(item: Mapping[str, Any]) -> int:
    status = item.get("responseCode")
    return status if isinstance(status, int) else 0


def _refusal(place: int, status: int, said: Any) -> Refusal:
    meaning = ": ".join(filter(None, (MEANING.get(status), " ".join(words(said)))))
    reason = f"Omnisend refused it with status {status}"
    advice = "Mend the row, then send it again."
    return Refusal(place, f"omnisend.{status}", f"{reason}: {meaning}" if meaning else f"{reason}.", advice)
