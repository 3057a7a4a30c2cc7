"""`flows.cascade_send` from the outside: an application asks once, whatever happens in between."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from running_house import House, until

from worker.platforms import operation

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

FLOW = "flows.cascade_send"
CREATE, SEND = "/omni-task-api/tasks", "/omni-scheduler/api/messages"


def words(key: str) -> dict[str, Any]:
    payload = copy.deepcopy(operation(FLOW).example)
    payload["contacts"] = [{"contact": {"email": f"{key}{n}@shop.example.com"}} for n in range(2)]
    return {"payload": payload, "key": key}


def asked(house: House, path: str) -> int:
    return sum(count for name, count in house.platform.counts()["by_path"].items() if name.endswith(path))


def send(house: House, key: str) -> Any:
    return house.application().send_task(FLOW, kwargs=words(key), queue="devino").get(timeout=60)


@pytest.fixture(autouse=True)
def from_the_beginning(house: House) -> None:
    house.platform.reset()


def test_an_application_gets_one_answer_for_all_steps(house: House) -> None:
    found = send(house, "paid")
    assert found["state"] == "finished"
    assert found["answer"]["taskId"]
    assert len(found["answer"]["sent"]["result"]["sendAnswers"]) == 2
    assert send(house, "paid") == found
    assert (asked(house, CREATE), asked(house, SEND)) == (1, 1)


def test_a_lost_answer_is_looked_up_and_the_flow_goes_on(house: House) -> None:
    house.platform.fault("cut", times=1, path=CREATE)
    found = send(house, "lost")
    assert found["state"] == "finished"
    assert (house.platform.counts()["events"], asked(house, SEND)) == (3, 1)


def test_a_flow_that_a_command_asked_for_goes_on_after_all_workers_were_killed(house: House) -> None:
    house.platform.fault("hang", times=1, path=SEND, seconds=60)
    house.run("enqueue", FLOW, "--payload", "-", "--key", "killed", stdin=json.dumps(words("killed")["payload"]))
    until(lambda: asked(house, SEND) == 1)
    house.stop(9)
    house.start("--only", "worker", "--only", "urgent")
    listed = until(lambda: [one for one in _jobs(house) if one["key"] == "killed" and one["state"] == "undecided"])
    assert listed[0]["rows"]["unsure"] == 2
    assert (house.platform.counts()["events"], asked(house, SEND)) == (1, 1)


def _jobs(house: House) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(house.run("jobs", "list", "--json").stdout)["jobs"]
    return found
