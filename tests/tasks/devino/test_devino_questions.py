"""Questions about cascades: their queries, and how a list is walked."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.devino import questions
from tests.tasks.devino.conftest import OPERATIONS, Post, cascade, codes, loaded, wires


def _query(name: str, payload: dict[str, Any], **settings: str) -> list[tuple[str, str]]:
    (wire,) = wires(OPERATIONS[name], payload, settings)
    assert wire.body is None
    return list(wire.query)


def test_a_cascade_is_asked_for_by_its_id_in_the_path() -> None:
    for written in (7003, "7003"):
        (wire,) = wires(OPERATIONS["get_cascade"], {"taskId": written})
        assert (wire.path, wire.query, wire.body) == ("/omni-task-api/tasks/7003", (), None)


def test_a_list_is_by_id_from_the_oldest_unless_it_is_asked_for_otherwise() -> None:
    assert dict(_query("list_cascades", {})) == {"ascending": "true", "count": "100", "offset": "0", "orderBy": "ID"}
    other = {"ascending": False, "count": 1, "offset": 5, "orderBy": "CREATION_DATE"}
    assert dict(_query("list_cascades", other)) == {
        "ascending": "false",
        "count": "1",
        "offset": "5",
        "orderBy": "CREATION_DATE",
    }


def test_a_list_in_a_query_is_its_key_again_and_again() -> None:
    asked = {"includedStates": ["NEW", "STARTED", "NEW"], "types": ["API"]}
    found = [(name, value) for name, value in _query("list_cascades", asked) if name in asked]
    assert found == [("includedStates", "NEW"), ("includedStates", "STARTED"), ("types", "API")]
    assert _query("list_macros", {"taskIds": [1, "2"], "taskStates": ["STOPPED_NOT_WORKING_TIME"]}) == [
        ("taskIds", "1"),
        ("taskIds", "2"),
        ("taskStates", "STOPPED_NOT_WORKING_TIME"),
    ]
    assert _query("list_macros", {}) == []


@pytest.mark.parametrize("name", questions.MOMENTS)
def test_dates_of_a_search_are_written_by_devinos_clock(name: str) -> None:
    asked = {name: "2026-01-31T12:00:00Z"}
    assert dict(_query("list_cascades", asked))[name] == "2026-01-31 15:00:00"
    assert dict(_query("list_cascades", asked, DEVINO_TIME_ZONE="UTC"))[name] == "2026-01-31 12:00:00"
    assert codes("list_cascades", {name: "2026-01-31 12:00:00"}) == [f"{name}.naive"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"count": 0}, "count.out_of_range"),
        ({"count": 101}, "count.out_of_range"),
        ({"offset": -1}, "offset.out_of_range"),
        ({"ascending": "true"}, "ascending.invalid"),
        ({"orderBy": "DATE"}, "orderBy.not_one_of"),
        ({"channel": "FAX"}, "channel.not_one_of"),
        ({"name": ""}, "name.empty"),
        ({"types": []}, "types.empty"),
        ({"types": ["GEO"]}, "types.0.not_one_of"),
        ({"includedStates": ["OVER"]}, "includedStates.0.not_one_of"),
        ({"excludedStates": ["STOPPED_NOT_WORKING_TIME"]}, "excludedStates.0.not_one_of"),
        ({"limit": 5}, "limit.unknown"),
    ],
)
def test_a_question_that_the_document_does_not_have_is_refused(asked: dict[str, Any], code: str) -> None:
    assert codes("list_cascades", asked) == [code]


def test_a_list_is_walked_until_a_page_is_not_full() -> None:
    asked = loaded("list_cascades", {"count": 2, "offset": 4, "types": ["API"]})
    assert questions.CASCADE_PAGES.following(asked, {"result": [{}, {}]}) == asked | {"offset": 6}
    assert questions.CASCADE_PAGES.following(asked, {"result": [{}]}) is None
    assert questions.CASCADE_PAGES.following(asked, {"result": []}) is None
    assert questions.MACRO_PAGES.following({}, {"result": [{}, {}]}) is None


def test_all_pages_together_are_all_cascades_each_once(post: Post) -> None:
    made = [post("create_cascade", cascade(taskName=f"Walk {n}"))[0].answer["result"]["result"] for n in range(5)]
    asked: dict[str, Any] | None = loaded("list_cascades", {"count": 3})
    seen: list[str] = []
    while asked is not None:
        (page,) = post("list_cascades", asked)
        seen += [row["id"] for row in page.answer["result"]]
        asked = questions.CASCADE_PAGES.following(asked, page.answer)
    assert seen[:2] == ["7003", "7004"]
    assert seen == sorted(seen, key=int)
    assert len(set(seen)) == len(seen)
    assert set(made) <= set(seen)
