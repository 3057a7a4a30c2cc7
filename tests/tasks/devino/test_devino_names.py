"""The token in a cascade's name, and the cascade found again by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.devino import cascades, names
from tests.tasks.devino.conftest import OPERATIONS, Post, cascade, codes, loaded
from worker.facts.wire import Asked, Sending

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _marked(token: str, **changes: Any) -> dict[str, Any]:
    return names.marked(loaded("create_cascade", cascade(**changes)), Asked(NOW, token))


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=names.MOST_OF_CALLER), st.text())
def test_a_name_keeps_its_callers_part_and_fits(name: str, token: str) -> None:
    marked = names.marked({"taskName": name}, Asked(NOW, token.encode(errors="replace").decode()))["taskName"]
    assert marked.startswith(name)
    assert len(marked) <= 100
    assert names.parted(marked)[0] == name


def test_each_job_has_its_own_token_and_always_the_same() -> None:
    tokens = [names.parted(_marked(job)["taskName"])[1] for job in ("job 1", "job 2", "job 1")]
    assert tokens[0] == tokens[2] != tokens[1]
    assert None not in tokens


def test_a_name_that_carries_a_token_already_gets_no_second_one() -> None:
    again = _marked("job 2", taskName=_marked("job 1", taskName="x" * names.MOST_OF_CALLER)["taskName"])
    assert again == _marked("job 2", taskName="x" * names.MOST_OF_CALLER)
    assert codes("create_cascade", cascade(taskName=" ow-aaaaaaaaaaaaa")) == ["taskName.empty"]


@pytest.mark.parametrize(
    "name", ["Sale", "Sale ow-2026", "Sale ow-abcdefghijklmn", "Sale ow-ABCDEFGHIJKLM", "ow-aaaaaaaaaaaaa"]
)
def test_a_name_without_our_token_is_left_alone(name: str) -> None:
    assert names.parted(name) == (name, None)


def _look(post: Post, asked: dict[str, Any], sent_at: datetime) -> dict[str, Any] | None:
    """As the runner does: in the name of the operation, with GET."""
    wire = replace(cascades.question(asked, sent_at), method="GET")
    sent = post.send(OPERATIONS["create_cascade"], wire)
    return cascades.found(asked, sent.answer)


def _create(post: Post, asked: dict[str, Any]) -> dict[str, Any]:
    (answer,) = [post.send(OPERATIONS["create_cascade"], cascades.compose(asked, Sending(NOW, {}))).answer]
    return answer


def test_a_cascade_that_was_created_is_found_with_the_answer_that_was_lost(post: Post) -> None:
    sent_at = datetime.now(UTC)
    mine, other = _marked("mine"), _marked("other")
    assert _look(post, mine, sent_at) is None
    _create(post, other)
    assert _look(post, mine, sent_at) is None
    answer = _create(post, mine)
    assert answer["result"]["code"] == "OK"
    assert _look(post, mine, sent_at) == answer


@pytest.mark.parametrize("hours", [-13, 13])
def test_the_zone_in_which_devino_reads_dates_hides_no_cascade(post: Post, hours: int) -> None:
    asked = _marked(f"zone {hours}")
    answer = _create(post, asked)
    assert _look(post, asked, datetime.now(UTC) + timedelta(hours=hours)) == answer


def test_a_list_that_does_not_filter_by_name_is_enough() -> None:
    asked = _marked("mine")
    name, token = names.parted(asked["taskName"])
    rows = [{"id": "2", "taskName": name}, {"id": "1", "taskName": name, "token": token}]
    assert cascades.found(asked, {"result": rows}) == {"result": {"code": "OK", "result": "1"}}
    assert cascades.found(asked, {"result": rows[:1]}) is None


def test_an_answer_shows_the_callers_name_and_the_token_beside_it(post: Post) -> None:
    asked = _marked("shown", taskName="Spring sale")
    cascade_id = _create(post, asked)["result"]["result"]
    (one,) = post("get_cascade", {"taskId": cascade_id})
    assert one.answer["result"]["taskName"] == "Spring sale"
    assert one.answer["result"]["token"] == names.parted(asked["taskName"])[1]
    (macros,) = post("list_macros", {"taskIds": [cascade_id]})
    assert macros.answer["result"][0]["task"]["taskName"] == "Spring sale"
