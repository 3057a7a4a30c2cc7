"""One person under several names: what a platform's answer taught holds for the order of later calls."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.server import Sandbox
from worker import platforms
from worker.ledger import jobs, planning
from worker.ledger.types import Row
from worker.orders import intake
from worker.orders.order import read_order
from worker.processes.process import Process
from worker.runner import call

EMAIL = "ada@shop.example.com"


def ask(house: Process, name: str, payload: dict[str, Any]) -> str:
    return str(intake.put(house, read_order(platforms.operation(name), {"payload": payload})).id)


def move(house: Process, job_id: str) -> Row[Any]:
    job = house.ledger.read(lambda tx: jobs.get(tx, job_id))
    assert job is not None
    call.move(house, job)
    return chunk(house, job_id)


def chunk(house: Process, job_id: str) -> Row[Any]:
    return house.ledger.read(lambda tx: planning.of_call(tx, job_id))


def test_a_contact_saved_by_address_and_changed_by_id_is_one_person(house: Process, played: Sandbox) -> None:
    saved = {"identifiers": [{"type": "email", "id": EMAIL}], "firstName": "Ada"}
    first = move(house, ask(house, "omnisend.save_contact", saved))
    assert first.state == "done"
    contact = house.seal.open(first.answer)["contactID"]
    by_address = ask(house, "omnisend.save_contact", saved)
    by_id = ask(house, "omnisend.update_contact", {"contactID": contact, "lastName": "Lovelace"})
    assert chunk(house, by_id).person == chunk(house, by_address).person
    assert move(house, by_id).state == "waiting", "the older one goes first"
    assert move(house, by_address).state == "done"
    assert move(house, by_id).state == "done"


@pytest.mark.parametrize("name", ["trid", "udid"])
def test_a_subscriber_saved_by_address_and_then_by_an_id_is_one_person(
    name: str, house: Process, played: Sandbox
) -> None:
    first = move(house, ask(house, "omnisense.save_subscriber", {"udid": "a-device", "user": {"email": EMAIL}}))
    ids = {"udid": "a-device", "trid": house.seal.open(first.answer)["trid"]}
    later = ask(house, "omnisense.save_subscriber", {name: ids[name], "user": {"city": "London"}})
    assert chunk(house, later).person == first.person


def test_two_who_teach_each_others_name_at_once_are_one(house: Process) -> None:
    def teach(tx: Any) -> tuple[str, str]:
        from worker.ledger import keepsakes

        one, other = (house.people.mark(tx, "p/default", name) for name in ("one", "other"))
        keepsakes.keep(tx, f"same/{one}", other.encode())
        keepsakes.keep(tx, f"same/{other}", one.encode())
        return house.people.whom(tx, "p/default", "one"), house.people.whom(tx, "p/default", "other")

    one, other = house.ledger.write(teach)
    assert one == other
