"""The sandbox's batches: taken at once, worked through afterwards, kept until they are forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

import sandbox.server
from sandbox.server import Sandbox

Said = tuple[int, dict[str, Any]]
Ask = Callable[..., Said]


@pytest.fixture(scope="module")
def played() -> Iterator[Sandbox]:
    with sandbox.server.start() as server:
        yield server


@pytest.fixture
def ask(played: Sandbox) -> Ask:
    """Status and answer of a request below /v3."""
    played.reset()
    played.play("omnisend", seconds=0)

    def asked(method: str, path: str, body: Any = None) -> Said:
        headers = {"X-API-KEY": "sandbox-omnisend-key", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = Request(f"{played.url}/v3{path}", content, headers, method=method)  # noqa: S310
        try:
            with urlopen(request, timeout=60) as answer:  # noqa: S310 - our own loopback address
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)

    return asked


def contact(name: str) -> dict[str, Any]:
    status = {"status": "subscribed", "statusDate": "2024-05-01T10:00:00Z"}
    return {"identifiers": [{"type": "email", "id": f"{name}@example.com", "channels": {"email": status}}]}


def batch(*items: Any, **more: Any) -> dict[str, Any]:
    return {"method": "POST", "endpoint": "contacts", "items": list(items), **more}


def test_a_batch_is_taken_and_worked_through(ask: Ask) -> None:
    status, taken = ask("POST", "/batches", batch(contact("ann"), contact("bob"), {"firstName": "Nobody"}))
    assert (status, taken["totalCount"], len(taken["batchID"])) == (200, 3, 24)
    _, shown = ask("GET", f"/batches/{taken['batchID']}")
    assert [shown[name] for name in ("status", "finishedCount", "errorsCount")] == ["finished", 3, 1]
    _, items = ask("GET", f"/batches/{taken['batchID']}/items")
    assert [(one["itemID"], one["responseCode"]) for one in items["responses"]] == [("1", 200), ("2", 200)]
    assert [(one["itemID"], one["responseCode"]) for one in items["errors"]] == [("3", 422)]
    assert items["responses"][0]["response"]["email"] == "ann@example.com"
    _, one = ask("GET", f"/batches/{taken['batchID']}/items/3")
    assert one["request"] == {"firstName": "Nobody"}
    assert ask("GET", "/contacts?email=bob@example.com")[1]["contacts"]


def test_a_slow_one_is_pending_first(ask: Ask, played: Sandbox) -> None:
    played.play("omnisend", seconds=3600)
    _, taken = ask("POST", "/batches", batch(contact("ann"), contact("bob")))
    _, shown = ask("GET", f"/batches/{taken['batchID']}")
    assert (shown["status"], shown["finishedCount"]) == ("pending", 0)


def test_one_that_is_stopped_leaves_items_without_an_answer(ask: Ask, played: Sandbox) -> None:
    played.play("omnisend", stop_after=1)
    _, taken = ask("POST", "/batches", batch(contact("ann"), contact("bob")))
    _, items = ask("GET", f"/batches/{taken['batchID']}/items")
    assert (items["status"], items["finishedCount"], len(items["responses"]), items["errors"]) == ("stopped", 1, 1, [])


def test_single_items_are_answered_as_they_were_told(ask: Ask, played: Sandbox) -> None:
    played.play("omnisend", answers={"ann@example.com": [503]})
    codes = []
    for _ in range(2):
        _, taken = ask("POST", "/batches", batch(contact("ann"), contact("bob")))
        codes.append(ask("GET", f"/batches/{taken['batchID']}")[1]["errorsCount"])
    assert codes == [1, 0]
    found = played.state("omnisend", email="ann@example.com")["batches"]
    assert found == {"batches": 2, "items": 3, "contacts": 2, "again": 1}


def test_they_are_listed_by_endpoint_and_day(ask: Ask) -> None:
    ids = [ask("POST", "/batches", batch(contact("ann"), contact("bob")))[1]["batchID"] for _ in range(3)]
    _, page = ask("GET", "/batches?endpoint=contacts&limit=2")
    assert [one["batchID"] for one in page["batches"]] == ids[:2]
    assert "offset=2" in page["paging"]["next"]
    assert ask("GET", "/batches?endpoint=contacts&dateFrom=2999-01-01")[1]["batches"] == []
    assert ask("GET", "/batches")[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        batch(),
        batch(*({} for _ in range(1001))),
        batch("text"),
        batch(contact("ann"), eventID="1"),
        {"method": "PUT", "endpoint": "contacts", "items": [{}]},
        {"method": "POST", "endpoint": "orders", "items": [{}]},
    ],
)
def test_what_the_document_does_not_have_is_refused(ask: Ask, body: Any) -> None:
    assert ask("POST", "/batches", body)[0] == 422


def test_what_was_forgotten_is_not_found(ask: Ask, played: Sandbox) -> None:
    _, taken = ask("POST", "/batches", batch(contact("ann"), contact("bob")))
    played.play("omnisend", forget=True)
    assert ask("GET", f"/batches/{taken['batchID']}")[0] == 404
    played.play("omnisend", missing=410)
    assert ask("POST", "/batches", batch(contact("ann")))[0] == 410


def test_how_they_are_played_is_told_over_http_too(played: Sandbox) -> None:
    told = json.dumps({"platform": "omnisend", "seconds": 7}).encode()
    with urlopen(Request(f"{played.url}/_sandbox/play", told, method="POST"), timeout=60) as answer:  # noqa: S310
        assert json.load(answer)["seconds"] == 7
    refused = Request(f"{played.url}/_sandbox/play", b'{"platform": "devino"}', method="POST")  # noqa: S310
    with pytest.raises(HTTPError, match="404"):
        urlopen(refused, timeout=60)  # noqa: S310
