"""Many contacts in one request: a batch, which Omnisend takes first and works through afterwards.

Source: Omnisend API v3, "Batches", and its OpenAPI description; the document of contacts does not mention them. A batch
has the states pending, inProgress, finished and stopped (too many errors); what it answered to each item is kept for
seven days. Its items come as those with errors and the others, each with the contact that it is about.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec

from tasks.omnisend import items
from tasks.omnisend.requests import CONTACTS
from tasks.strict import JSON
from worker.errors import Busy, Refused, Unsure
from worker.facts.rows import Brief
from worker.facts.wire import Later, Query, Sorted, Taken, Wire
from worker.orders.words import Option
from worker.sources.wanted import OptionWrong

BATCHES = "/v3/batches"
FEW, LEAST, MOST = 100, 2, 1000
OVER = ("finished", "stopped")
KEPT = timedelta(days=7)
CLOCKS_DIFFER = timedelta(minutes=5)
LOOKS_AT_A_STRANGER = 3
MOST_PAGES = 100
WAYS = ("batches", "contacts")

VIA = Option(
    "via",
    "text",
    f"`batches`, many contacts a request, or `contacts`, one; if not given, one up to {FEW} rows. A single row that is "
    "left always goes by itself",
    allowed=WAYS,
)
BATCH_SIZE = Option("batch_size", "whole number", f"contacts in a batch, {LEAST} to {MOST:,}; if not given, 100")
Talk = Generator[Wire, JSON, Any]


def look(options: Mapping[str, Any]) -> None:
    """Raise `OptionWrong` for one that can't be followed."""
    if options.get("via") not in (None, *WAYS):
        raise OptionWrong("via", f"via is one of {', '.join(WAYS)}.")
    size = options.get("batch_size")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or not LEAST <= size <= MOST):
        raise OptionWrong("batch_size", f"batch_size is a whole number from {LEAST} to {MOST:,}.")


def cut(most: int, options: Mapping[str, Any], few: bool) -> int:
    """How many rows a request carries."""
    via = options.get("via") or ("contacts" if few else "batches")
    return 1 if via == "contacts" else int(options.get("batch_size") or most)


def together(encoded: bytes, _brief: Brief) -> Wire:
    """`POST /v3/batches`."""
    return Wire(BATCHES, body={"method": "POST", "endpoint": "contacts", "items": msgspec.Raw(encoded)})


def alone(row: JSON, _brief: Brief) -> Wire:
    """`POST /v3/contacts`: the description wants at least two items in a batch."""
    return Wire(CONTACTS, body=row)


def told(taken: Taken) -> Generator[Wire, JSON, Sorted | None]:
    """What came of each contact of a batch. Its items are read only where one of them went wrong."""
    try:
        batch = yield Wire(_place(str(taken.receipt)))
    except Refused as error:
        _check_gone(taken, error)
        return None
    if batch.get("status") not in OVER:
        return None
    if batch.get("status") == "finished" and batch.get("errorsCount") == 0 and batch.get("totalCount") == taken.count:
        return Sorted()
    return items.sort(batch, (yield from _items(str(taken.receipt))), taken.rows())


def find(taken: Taken) -> Generator[Wire, JSON, str | None]:
    """The id of a batch whose answer was lost: of its time, with as many contacts, and with these. Raises `Busy` while
    one that it may be does not show its items yet."""
    unclear = False
    for batch in (yield from _batches_since(taken.sent_at - CLOCKS_DIFFER)):
        if batch.get("totalCount") != taken.count or not _made_since(batch, taken.sent_at - CLOCKS_DIFFER):
            continue
        shown = yield from _items(str(batch["batchID"]))
        if items.are_of(shown, taken.rows()):
            return str(batch["batchID"])
        unclear = unclear or not shown
    if unclear:
        raise Busy(LATER.first, "a batch that may be the one whose answer was lost does not show its contacts yet")
    return None


def _check_gone(taken: Taken, error: Refused) -> None:
    """A batch that Omnisend does not know: perhaps not yet. Raises `Unsure` for one that it does not know any more."""
    if error.refusals[0].code != "omnisend.404":
        raise error
    if datetime.now(UTC) - taken.sent_at > KEPT:
        raise Unsure(
            f"Omnisend took these contacts as batch {taken.receipt}; it keeps batches for 7 days, and was not "
            "asked what came of this one in that time"
        ) from None
    if taken.looks >= LOOKS_AT_A_STRANGER:
        raise Unsure(
            f"Omnisend took these contacts as batch {taken.receipt}, and says that there is no such batch, "
            "though it keeps them for 7 days: is the API key still that of the same store?"
        ) from None


def _place(batch_id: str) -> str:
    return f"{BATCHES}/{quote(batch_id, safe='')}"


def _items(batch_id: str) -> Talk:
    """All items of a batch. No page of them is documented; one that is named all the same is read."""
    found: list[JSON] = []
    asked: set[Query] = set()
    query: Query | None = ()
    while query is not None and query not in asked and len(asked) < MOST_PAGES:
        asked.add(query)
        page = yield Wire(f"{_place(batch_id)}/items", query)
        found += [one for name in ("errors", "responses") for one in page.get(name) or [] if isinstance(one, dict)]
        query = _next(page)
    return found


def _batches_since(moment: datetime) -> Talk:
    """Those of this day and later, the newest first."""
    found: list[JSON] = []
    asked: set[Query] = set()
    query: Query | None = (("endpoint", "contacts"), ("dateFrom", f"{moment:%Y-%m-%d}"), ("limit", "250"))
    while query is not None and query not in asked and len(asked) < MOST_PAGES:
        asked.add(query)
        page = yield Wire(BATCHES, query)
        found += [one for one in page.get("batches") or [] if isinstance(one, dict) and one.get("batchID")]
        query = _next(page)
    return sorted(found, key=lambda one: str(one.get("createdAt")), reverse=True)


def _next(page: JSON) -> Query | None:
    """The query of the next page. Whatever place it names, it is asked for on our own way in."""
    paging = page.get("paging")
    place = paging.get("next") if isinstance(paging, dict) else None
    if not isinstance(place, str) or not place.strip():
        return None
    return tuple(parse_qsl(urlsplit(place).query, keep_blank_values=True)) or None


def _made_since(batch: JSON, moment: datetime) -> bool:
    try:
        made = datetime.fromisoformat(str(batch.get("createdAt")))
    except ValueError:
        return False
    return (made if made.tzinfo else made.replace(tzinfo=UTC)) >= moment


LATER = Later(
    receipt=lambda answer: str(answer["batchID"]),
    told=told,
    find=find,
    only_singly=frozenset({"omnisend.404", "omnisend.410"}),
)
