"""The requests for batches that Omnisend's documents have, and how it answers each."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from sandbox.answer import Refusal, json_answer
from sandbox.omnisend.batches import MOST_ITEMS, Batch, Batches
from sandbox.request import Request
from sandbox.role import Reply
from sandbox.strict import JSON, json_object, known

PATH = "/v3/batches"
FILTERS = frozenset({"endpoint", "status", "dateFrom", "dateTo", "limit", "offset"})
STATUSES = frozenset({"pending", "inProgress", "finished", "stopped"})
MOST, USUAL = 250, 100
NOBODY = "Not found - There is no resource behind the URI."


def reply(batches: Batches, request: Request) -> Reply:
    """What the request gets; raises `Refusal` for one that no document has."""
    if batches.missing:
        raise Refusal(batches.missing, NOBODY)
    path, method = request.head.path.rstrip("/"), request.head.method
    if path == PATH and method in ("GET", "POST"):
        return _create(batches, request) if method == "POST" else _list(batches, request)
    if method != "GET" or not path.startswith(f"{PATH}/"):
        raise Refusal(405 if path.startswith(PATH) else 404, NOBODY)
    return _look(batches, request, [unquote(part) for part in path.removeprefix(f"{PATH}/").split("/")])


def _create(batches: Batches, request: Request) -> Reply:
    content = json_object(request)
    known(content, frozenset({"method", "endpoint", "items"}), "")
    if content.get("method") != "POST" or content.get("endpoint") != "contacts":
        raise Refusal(422, "Only contacts are posted in batches here.", "endpoint")
    items = content.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= MOST_ITEMS or not all(isinstance(i, dict) for i in items):
        raise Refusal(422, f"items has to be a list of 1 to {MOST_ITEMS} objects.", "items")
    batch = batches.take(items)
    return Reply(json_answer(200, {"batchID": batch.batch_id, "totalCount": len(items)}))


def _list(batches: Batches, request: Request) -> Reply:
    query = _query(request, FILTERS)
    if query.get("endpoint") != "contacts":
        raise Refusal(400, "endpoint is required.", "endpoint")
    if query.get("status", "pending") not in STATUSES:
        raise Refusal(400, f"status is one of {', '.join(sorted(STATUSES))}.", "status")
    limit, offset = _whole(query, "limit", USUAL, 1, MOST), _whole(query, "offset", 0, 0, 1 << 31)
    found = [batch for batch in batches.all() if _fits(batch, query)]
    page = [batch.shown() for batch in found[offset : offset + limit]]
    more = offset + limit < len(found)
    following = urlencode(query | {"offset": str(offset + limit), "limit": str(limit)})
    place = f"http://{request.head.headers.get('Host', '')}{PATH}/?{following}" if more else ""
    paging = {"previous": "", "next": place, "offset": offset, "limit": limit}
    return Reply(json_answer(200, {"batches": page, "paging": paging}))


def _look(batches: Batches, request: Request, parts: list[str]) -> Reply:
    """One batch, its items, or one of them."""
    _query(request, frozenset())
    batch = batches.get(parts[0])
    match parts[1:]:
        case []:
            return Reply(json_answer(200, batch.shown()))
        case ["items"]:
            return Reply(json_answer(200, batch.shown() | _items(batch)))
        case ["items", number]:
            found = next((item for item in batch.items if item["itemID"] == number), None)
            if found is not None:
                return Reply(json_answer(200, {"batchID": batch.batch_id, **found}))
    raise Refusal(404, NOBODY)


def _items(batch: Batch) -> JSON:
    """Those with errors apart, as the description's example has them; those that nobody came to have no answer."""
    wrong = [item for item in batch.items if item.get("responseCode", 0) >= 400]
    right = [item for item in batch.items if item.get("responseCode", 400) < 400]
    return {"errors": wrong, "responses": right}


def _fits(batch: Batch, query: dict[str, str]) -> bool:
    made = batch.at.date()
    since, until = _day(query, "dateFrom", date.min), _day(query, "dateTo", date.max)
    return since <= made <= until and query.get("status", batch.status) == batch.status


def _day(query: dict[str, str], name: str, usual: date) -> date:
    try:
        return date.fromisoformat(query[name]) if name in query else usual
    except ValueError as error:
        raise Refusal(400, f"{name} is a date.", name) from error


def _whole(query: dict[str, str], name: str, usual: int, least: int, most: int) -> int:
    text = query.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise Refusal(400, f"{name} is a whole number from {least} to {most}.", name)
    return int(text)


def _query(request: Request, allowed: frozenset[str]) -> dict[str, Any]:
    pairs = parse_qsl(request.head.query, keep_blank_values=True)
    query = dict(pairs)
    if len(query) < len(pairs) or not query.keys() <= allowed:
        raise Refusal(400, f"The parameters here are {', '.join(sorted(allowed)) or 'none'}, each at most once.")
    return query
