"""Who is unknown to the platform is dropped where that is known, and only there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.worker.newsletters.test_planned_newsletters import opt_out
from worker.newsletters.document import WrongDocument
from worker.processes.process import Process

Kept = Callable[..., Any]
PEOPLE = ("Foo@bar.com", "new@x.example.com", "out@x.example.com")


@pytest.fixture
def export(tmp_path: Path) -> str:
    file = tmp_path / "export.csv"
    file.write_text("email,lang\nfoo@bar.com,fr\nsomebody@x.example.com,en\nnobody,en\n")
    return str(file)


def test_where_nobody_knows_nobody_is_dropped_and_the_plan_says_so(planned: Kept) -> None:
    kept = planned(*PEOPLE)
    assert (kept.people, json.loads(kept.dropped)) == (3, {})
    said = json.loads(kept.notes)["unknown"]
    assert said.startswith("Omnisense ignores addresses that it does not know. Which those are is not known here")


def test_whom_a_list_of_all_does_not_name_is_dropped(house: Process, planned: Kept, export: str) -> None:
    opt_out(house, "out@x.example.com")
    kept = planned(*PEOPLE, known=export)
    assert (kept.people, json.loads(kept.dropped)) == (1, {"opted_out": 1, "unknown": 1})
    assert "What it knows was read from" in json.loads(kept.notes)["unknown"]
    assert house.seal.open(kept.content)["emails"] == ["Foo@bar.com"]


def test_that_all_are_unknown_is_a_sentence(planned: Kept, export: str) -> None:
    with pytest.raises(WrongDocument, match="It has nobody to go to: unknown 1"):
        planned("new@x.example.com", known=export)


def test_a_list_that_can_not_be_read_is_named_with_everything_else(planned: Kept) -> None:
    with pytest.raises(WrongDocument) as wrong:
        planned("nobody", known={"schedule": "nobodys"})
    assert all(
        one in str(wrong.value) for one in ("The schedule 'nobodys' has not run yet", "nobody to go to: invalid 1")
    )


def test_a_platform_that_writes_to_whoever_is_named_knows_nothing_of_it(planned: Kept, export: str) -> None:
    contact = {"contact": {"email": "a@x.example.com"}}
    said: dict[str, Any] = {"operation": "devino.send_messages", "payload": {"taskId": 7004}}
    assert "unknown" not in json.loads(planned(contact, **said).notes)
    with pytest.raises(WrongDocument, match=r"known is of no use to devino\.send_messages"):
        planned(contact, known=export, **said)
