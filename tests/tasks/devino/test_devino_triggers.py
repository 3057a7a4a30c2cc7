"""Which trigger id belongs to which trigger (platforms.md 2.7)."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.devino.triggers import trigger_ids
from tests.tasks.devino.conftest import LETTER, SMS, Post, cascade, first, follower, loaded
from worker.errors import Refused


def _ours(*triggers: tuple[int, int | None, str]) -> dict[str, Any]:
    parents = [{} if parent is None else {"parentIndex": parent} for _, parent, _ in triggers]
    kinds = ["TRAN_API_SOURCE" if parent is None else "EVENT_SOURCE" for _, parent, _ in triggers]
    rows = zip(triggers, parents, kinds, strict=True)
    return {
        "triggers": [{"index": index, **parent, "channel": ch, "type": kind} for (index, _, ch), parent, kind in rows]
    }


def _theirs(*triggers: tuple[int, str] | tuple[int, str, int]) -> dict[str, Any]:
    shown = [{"triggerId": str(one[0]), "channel": one[1]} for one in triggers]
    parents = [{"parentTriggerId": str(one[2])} if len(one) == 3 else {} for one in triggers]
    return {"triggersInfo": [{**row, **parent} for row, parent in zip(shown, parents, strict=True)]}


def test_channels_of_their_own_tell_triggers_apart_whatever_their_order() -> None:
    ours = _ours((5, None, "SMS"), (7, 5, "EMAIL"), (9, 5, "VIBER"))
    assert trigger_ids(ours, _theirs((3, "VIBER"), (1, "EMAIL"), (2, "SMS"))) == {5: "2", 7: "1", 9: "3"}


def test_otherwise_ids_ascend_along_the_chain_of_parents() -> None:
    ours = _ours((2, 1, "SMS"), (1, 0, "EMAIL"), (0, None, "SMS"))
    assert trigger_ids(ours, _theirs((100, "SMS"), (99, "EMAIL"), (9, "SMS"))) == {0: "9", 1: "99", 2: "100"}
    linked = _theirs((100, "SMS", 99), (99, "EMAIL", 9), (9, "SMS", 4))
    assert trigger_ids(ours, linked) == {0: "9", 1: "99", 2: "100"}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (_ours((0, None, "SMS")), _theirs()),
        (_ours((0, None, "SMS")), {}),
        (_ours((0, None, "SMS")), _theirs((1, "SMS"), (2, "SMS"))),
        (_ours((0, None, "SMS")), _theirs((1, "EMAIL"))),
        (_ours((0, None, "SMS"), (1, 0, "SMS"), (2, 0, "SMS")), _theirs((1, "SMS"), (2, "SMS"), (3, "SMS"))),
        (_ours((0, None, "SMS"), (1, None, "SMS")), _theirs((1, "SMS"), (2, "SMS"))),
        (_ours((0, None, "SMS"), (1, 0, "EMAIL"), (2, 1, "SMS")), _theirs((1, "SMS"), (2, "SMS"), (3, "EMAIL"))),
        (_ours((0, None, "SMS"), (1, 0, "SMS")), _theirs((1, "SMS", 2), (2, "SMS"))),
        (_ours((0, None, "SMS"), (1, 0, "SMS"), (2, 1, "SMS")), _theirs((1, "SMS"), (2, "SMS", 1), (3, "SMS", 1))),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    if theirs == _theirs((1, "SMS", 2), (2, "SMS")):
        theirs["triggersInfo"][1]["type"] = "TRAN_API_SOURCE"
    with pytest.raises(Refused, match=r"triggers\.ambiguous"):
        trigger_ids(ours, theirs)


def test_a_type_that_disagrees_is_refused() -> None:
    ours, theirs = _ours((0, None, "SMS"), (1, 0, "SMS")), _theirs((1, "SMS"), (2, "SMS"))
    assert trigger_ids(ours, theirs) == {0: "1", 1: "2"}
    theirs["triggersInfo"][0]["type"] = "EVENT_SOURCE"
    with pytest.raises(Refused):
        trigger_ids(ours, theirs)


def test_the_ids_of_a_created_cascade_are_those_that_messages_override(post: Post) -> None:
    event = {"channel": "EMAIL", "eventType": "STATE", "eventValue": "opened"}
    third = follower(index=2, parentIndex=1, channel="SMS", template=SMS, eventSources=[event])
    asked = cascade(third, follower())
    (made,) = post("create_cascade", asked)
    task_id = made.answer["result"]["result"]
    (shown,) = post("get_cascade", {"taskId": task_id})
    found = trigger_ids(loaded("create_cascade", asked), shown.answer["result"])
    assert list(found) == [0, 1, 2]
    templates = {found[0]: SMS, found[1]: LETTER, found[2]: SMS}
    post("send_messages", {"taskId": task_id, "contactIds": [1], "templates": templates})
    with pytest.raises(Refused, match=r"template\.invalid"):
        post("send_messages", {"taskId": task_id, "contactIds": [1], "templates": {found[0]: LETTER}})
    listed = post("list_cascades", {"count": 1, "ascending": False})[0].answer["result"][0]
    assert trigger_ids(loaded("create_cascade", asked), listed) == found
    assert first()["index"] in found
