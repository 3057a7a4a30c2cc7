"""What is asked of Omnisend about a batch, and what its answers mean, without anybody to ask."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.omnisend import batches, items
from worker.errors import Busy, Refused, Unsure
from worker.facts.wire import Sorted, Taken, Wire
from worker.outcome import Refusal

NOW = datetime.now(UTC)


def contact(name: str) -> dict[str, Any]:
    return {"identifiers": [{"type": "email", "id": f"{name}@shop.com"}]}


ROWS = [contact("ann"), contact("bob"), contact("cid")]


def taken(receipt: str | None = "b1", ago: float = 60, looks: int = 0) -> Taken:
    return Taken(receipt, NOW - timedelta(seconds=ago), len(ROWS), looks, lambda: ROWS)


def item(number: int, name: str, status: int | None = 200, **said: Any) -> dict[str, Any]:
    answered = {} if status is None else {"responseCode": status, "response": said}
    return {"itemID": str(number), "request": contact(name), **answered}


def talk(asking: Generator[Wire, Any, Any], *answers: Any) -> tuple[list[Wire], Any]:
    """What is asked until it knows, and what it knows then; an exception among the answers is thrown."""
    asked = [next(asking)]
    try:
        for answer in answers:
            wire = asking.throw(answer) if isinstance(answer, Exception) else asking.send(answer)
            asked += [wire]
    except StopIteration as end:
        return asked, end.value
    raise AssertionError(f"it goes on asking: {asked[-1]}")


def of(status: str, errors: Any = 0, total: int = 3, **more: Any) -> dict[str, Any]:
    return {"batchID": "b1", "status": status, "errorsCount": errors, "totalCount": total, **more}


def test_one_without_errors_is_told_by_one_question() -> None:
    asked, said = talk(batches.told(taken()), of("finished"))
    assert ([wire.path for wire in asked], said) == (["/v3/batches/b1"], Sorted())


@pytest.mark.parametrize("status", ["pending", "inProgress", "somethingNew"])
def test_one_that_is_under_way_says_nothing(status: str) -> None:
    assert talk(batches.told(taken()), of(status))[1] is None


@pytest.mark.parametrize("batch", [of("finished", 1), of("finished", None), of("finished", 0, total=2), of("stopped")])
def test_the_items_of_any_other_are_read(batch: dict[str, Any]) -> None:
    shown = {"errors": [item(2, "bob", 400, error="no")], "responses": [item(1, "ann"), item(3, "cid")]}
    asked, said = talk(batches.told(taken()), batch, shown)
    assert [wire.path for wire in asked] == ["/v3/batches/b1", "/v3/batches/b1/items"]
    assert [(one.row, one.code, one.reason) for one in said.refused] == [
        (2, "omnisend.400", "Omnisend refused it with status 400: no")
    ]
    assert said.again == ()


def test_pages_of_items_are_read_on_our_own_way_in() -> None:
    first = {"errors": [item(1, "ann", 400)], "paging": {"next": "https://elsewhere.example.com/x?offset=1"}}
    asked, said = talk(
        batches.told(taken()), of("stopped", 1), first, {"responses": [item(2, "bob")], "paging": {"next": ""}}
    )
    assert (asked[2].path, asked[2].query) == ("/v3/batches/b1/items", (("offset", "1"),))
    assert ([one.row for one in said.refused], said.again) == ([1], (3,))


def test_a_page_that_leads_to_itself_is_read_once() -> None:
    page = {"responses": [item(1, "ann")], "paging": {"next": "?offset=1"}}
    asked, _ = talk(batches.told(taken()), of("stopped", 1), page, page)
    assert len(asked) == 3


@pytest.mark.parametrize("status", [401, 403, 408, 425, 429, 500, 502, 503, None, 0])
def test_what_was_not_done_goes_again(status: int | None) -> None:
    found = [item(1, "ann"), item(2, "bob", status), item(3, "cid")]
    assert items.sort(of("stopped", 1), found, ROWS) == Sorted(again=(2,))


def test_items_are_known_by_their_contact_whatever_their_order_and_number() -> None:
    found = [item(9, "cid", 409), item(8, "ann"), item(7, "bob", 503)]
    said = items.sort(of("finished", 2), found, ROWS)
    assert ([one.row for one in said.refused], said.again) == ([3], (2,))


def test_equal_contacts_are_told_apart_by_their_order() -> None:
    rows = [contact("ann"), contact("ann"), contact("bob")]
    found = [item(2, "ann", 400), item(1, "ann"), item(3, "bob")]
    assert [one.row for one in items.sort(of("finished", 1), found, rows).refused] == [2]


def test_an_item_without_its_contact_is_known_by_its_number() -> None:
    found = [{"itemID": "2", "responseCode": 422}, item(1, "ann"), item(3, "cid")]
    assert [one.row for one in items.sort(of("finished", 1), found, ROWS).refused] == [2]


def test_of_a_finished_batch_whose_errors_are_all_there_the_others_went_well() -> None:
    assert items.sort(of("finished", 1), [item(2, "bob", 503)], ROWS) == Sorted(again=(2,))
    assert items.sort(of("finished", 2), [item(2, "bob", 503)], ROWS) == Sorted(again=(1, 2, 3))


def not_found() -> Refused:
    return Refused([Refusal(1, "omnisend.404", "no")], whole=True)


def test_one_that_is_not_known_is_asked_for_again_then_left_to_a_person() -> None:
    assert talk(batches.told(taken(looks=2)), not_found())[1] is None
    with pytest.raises(Unsure, match="though it keeps them for 7 days"):
        talk(batches.told(taken(looks=3)), not_found())
    with pytest.raises(Unsure, match="in that time"):
        talk(batches.told(taken(ago=8 * 86400)), not_found())
    with pytest.raises(Refused, match="omnisend"):
        talk(batches.told(taken()), Refused([Refusal(1, "omnisend.400", "no")]))


def listed(batch_id: str, total: int = 3, ago: float = 59) -> dict[str, Any]:
    made = (NOW - timedelta(seconds=ago)).isoformat().replace("+00:00", "Z")
    return {"batchID": batch_id, "totalCount": total, "createdAt": made}


def shown(*names: str) -> dict[str, Any]:
    return {"responses": [item(n, name) for n, name in enumerate(names, 1)]}


def test_a_lost_one_is_found_by_its_time_its_count_and_its_contacts() -> None:
    page = {"batches": [listed("old", ago=3600), listed("other", 5), listed("b2", ago=57), listed("b3", ago=58)]}
    asked, found = talk(batches.find(taken(None)), page, shown("dot", "eve"), shown("ann", "bob"))
    assert [wire.path for wire in asked] == ["/v3/batches", "/v3/batches/b2/items", "/v3/batches/b3/items"]
    assert found == "b3"
    day = f"{NOW - timedelta(seconds=60) - batches.CLOCKS_DIFFER:%Y-%m-%d}"
    assert dict(asked[0].query) == {"endpoint": "contacts", "dateFrom": day, "limit": "250"}


def test_a_lost_one_that_is_not_there_is_not_found() -> None:
    assert talk(batches.find(taken(None)), {"batches": [listed("b2")]}, shown("dot"))[1] is None
    assert talk(batches.find(taken(None)), {"batches": []})[1] is None


def test_one_that_does_not_show_its_contacts_yet_may_be_the_one() -> None:
    with pytest.raises(Busy):
        talk(batches.find(taken(None)), {"batches": [listed("b2")]}, shown())


@pytest.mark.parametrize(
    ("options", "few", "rows"),
    [
        ({}, True, 1),
        ({}, False, 100),
        ({"batch_size": 1000}, False, 1000),
        ({"batch_size": 1000}, True, 1),
        ({"via": "batches", "batch_size": 7}, True, 7),
        ({"via": "contacts", "batch_size": 7}, False, 1),
    ],
)
def test_how_many_rows_a_request_carries(options: dict[str, Any], few: bool, rows: int) -> None:
    assert batches.cut(100, options, few) == rows
