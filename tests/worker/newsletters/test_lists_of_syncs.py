"""People from the file that a nightly sync took, and of them those of a segment."""

from __future__ import annotations

import gzip
import json
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from tests.worker.newsletters.conftest import deliver
from worker import platforms
from worker.ledger import claims, jobs, schedules, slots
from worker.ledger.tables import jobs as jobs_table
from worker.ledger.types import Row
from worker.newsletters import moves
from worker.newsletters.document import WrongDocument
from worker.newsletters.stored import NotYet
from worker.orders import intake
from worker.orders.order import read_order
from worker.processes.process import Process
from worker.runner import files

Kept = Callable[..., Any]
NIGHTLY = "nightly-subscribers"
PEOPLE = "email,segment,lang\na@x.example.com,vip,fr\nb@x.example.com,gold,en\nc@x.example.com,new,fr\n"
SYNC = "omnisense.import_subscribers"


@pytest.fixture
def synced(house: Process, tmp_path: Path) -> Callable[..., Row[Any]]:
    """A night on which the sync took this file, as a slot of its schedule; its job."""

    def night(
        text: str | bytes = PEOPLE, name: str = "people.csv", operation: str = SYNC, ended: bool = True, **options: Any
    ) -> Row[Any]:
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        words = {"source": str(file), "options": options, "key": str(time.time_ns())}
        job = intake.put(house, read_order(platforms.operation(operation), words))
        slot = slot_of(house)
        held = claims.of(slot)
        house.ledger.write(lambda tx: slots.started(tx, held, job.id, 1, None))
        if ended:
            files.move(house, job)
        found = house.ledger.read(lambda tx: jobs.get(tx, job.id))
        assert found is not None
        return found

    return night


def slot_of(house: Process, **kept: Any) -> Row[Any]:
    """The next slot of the schedule, held by who starts it."""
    now = int(time.time()) + len(house.ledger.read(lambda tx: slots.newest(tx, NIGHTLY, 100)))
    house.ledger.write(lambda tx: schedules.known(tx, NIGHTLY, "30 1 * * * UTC", now))
    house.ledger.write(lambda tx: slots.record(tx, NIGHTLY, [now]))
    number = house.ledger.read(lambda tx: slots.waiting(tx, NIGHTLY))[-1].id
    row = house.ledger.write(lambda tx: slots.claim(tx, number, house.owner, 60))
    assert row is not None
    return row


def of_night(**more: Any) -> dict[str, Any]:
    return {"schedule": NIGHTLY, **more}


def addresses(house: Process, kept: Any) -> list[str]:
    payload = house.seal.open(kept.content)
    return [one if isinstance(one, str) else one["email"] for one in payload["emails"]]


def test_a_segment_of_last_night_gets_it(house: Process, planned: Kept, synced: Callable[..., Any]) -> None:
    job = synced()
    kept = planned(recipients=of_night(where={"segment": ["vip", "gold"]}), variables=["lang"])
    assert addresses(house, kept) == ["a@x.example.com", "b@x.example.com"]
    assert house.seal.open(kept.content)["emails"][0]["variables"] == {"lang": "fr"}
    said = json.loads(kept.notes)["list"]
    assert f"schedule {NIGHTLY}, job {job.id}, took it: 3 rows, 2 of them with segment = gold or vip" in said
    moves.approve(house, kept, "anna")
    assert deliver(house, kept.id)["rows"]["accepted"] == 2


def test_the_file_is_read_as_the_sync_read_it(house: Process, planned: Kept, synced: Callable[..., Any]) -> None:
    text = "Mail;segment;secret\nA@x.example.com;vip;1\n".encode("utf-16")
    synced(gzip.compress(text), "people.csv.gz", map={"Mail": "email"}, leave_out=["segment"])
    assert addresses(house, planned(recipients=of_night(where={"segment": "vip"}))) == ["A@x.example.com"]


def test_rows_of_json_are_people_too(house: Process, planned: Kept, synced: Callable[..., Any]) -> None:
    rows = [{"email": "a@x.example.com", "vip": True, "tags": ["x"]}, {"email": "b@x.example.com", "vip": False}]
    job = synced("\n".join(map(json.dumps, rows)) + "\n", "people.ndjson")
    kept = planned(recipients={"job": job.id, "where": {"vip": True}}, variables=["vip"])
    assert addresses(house, kept) == ["a@x.example.com"]


def test_a_file_of_ones_own_has_segments_as_well(house: Process, planned: Kept, segment: Callable[[str], str]) -> None:
    file = segment(PEOPLE)
    assert addresses(house, planned(recipients={"file": file, "where": {"lang": "fr"}})) == [
        "a@x.example.com",
        "c@x.example.com",
    ]


def test_nobodys_address_is_in_what_is_said_of_a_list(planned: Kept, segment: Callable[[str], str]) -> None:
    file = segment(PEOPLE)
    kept = planned(recipients={"file": file, "where": {"email": "a@x.example.com", "lang": "fr"}})
    assert "1 of them with email = … and lang = fr" in json.loads(kept.notes)["list"]


def test_contacts_of_a_cascade_come_from_a_sync_too(planned: Kept, synced: Callable[..., Any]) -> None:
    synced("email,phone,segment\na@x.example.com,79103398080,vip\nb@x.example.com,,new\n")
    said = {"operation": "devino.send_messages", "payload": {"taskId": 7004}}
    assert planned(recipients=of_night(where={"segment": "vip"}), **said).people == 1


def pause(house: Process, job: Row[Any]) -> None:
    house.ledger.write(lambda tx: tx.execute(update(jobs_table).values(state="paused", why="its file is odd")))


def miss(house: Process, _job: Row[Any]) -> None:
    held = claims.of(slot_of(house))
    house.ledger.write(lambda tx: slots.missed(tx, held, "no_file", "people.csv does not exist."))


def pause_schedule(house: Process, _job: Row[Any]) -> None:
    held = claims.of(slot_of(house))
    house.ledger.write(lambda tx: schedules.pause(tx, NIGHTLY, "anna"))
    house.ledger.write(lambda tx: slots.missed(tx, held, "paused", "The schedule was paused by anna."))


def age(house: Process, job: Row[Any]) -> None:
    house.ledger.write(lambda tx: tx.execute(update(jobs_table).values(created_at=job.created_at - 26 * 3600)))


def change(_house: Process, job: Row[Any]) -> None:
    Path(job.source).write_text(PEOPLE + "d@x.example.com,vip,fr\n")


def fail(house: Process, _job: Row[Any]) -> None:
    house.ledger.write(lambda tx: tx.execute(update(jobs_table).values(state="failed")))


def forget(house: Process, _job: Row[Any]) -> None:
    house.ledger.write(lambda tx: tx.execute(update(jobs_table).values(going_since=1.0)))


@pytest.mark.parametrize(
    ("happens", "sentence"),
    [
        (miss, r"is missing\. people\.csv does not exist\. `omniworker schedules run nightly-subscribers --at 20"),
        (pause_schedule, "paused by anna.*schedules resume nightly-subscribers`, then `omniworker schedules run"),
        (pause, r"The sync is paused: job .* waits \(its file is odd\)\. `omniworker jobs resume"),
        (age, "is 26 h old, and max_age is 24 h: let the sync run again, or raise max_age"),
        (change, "was changed since job .* took it: let the sync run again"),
        (fail, "The sync came to nothing: job .* is failed"),
        (forget, "is gone since RETENTION_DAYS"),
    ],
)
def test_a_sync_that_can_not_be_relied_on_is_refused(
    house: Process, planned: Kept, synced: Callable[..., Any], happens: Callable[..., None], sentence: str
) -> None:
    happens(house, synced())
    with pytest.raises(WrongDocument, match=sentence):
        planned(recipients=of_night(where={"segment": "vip"}))


def test_an_older_list_is_taken_where_that_is_said(house: Process, planned: Kept, synced: Callable[..., Any]) -> None:
    age(house, synced())
    assert planned(recipients=of_night(max_age=48)).people == 3


def test_a_sync_under_way_is_waited_for(house: Process, planned: Kept, synced: Callable[..., Any]) -> None:
    synced(ended=False)
    with pytest.raises(NotYet, match=r"The sync is under way: job .* is planning"):
        planned(recipients=of_night())
    slot_of(house)
    with pytest.raises(NotYet, match="is under way: it is due"):
        planned(recipients=of_night())


@pytest.mark.parametrize(
    ("recipients", "sentence"),
    [
        ({"schedule": "nobodys"}, "The schedule 'nobodys' has not run yet, or there is none"),
        ({"job": "nobodys"}, "There is no job 'nobodys'"),
        (
            {"schedule": NIGHTLY, "where": {"segmnt": "vip"}},
            "No row has 'segmnt', .* its columns are 'email', 'segment'",
        ),
        ({"schedule": NIGHTLY, "where": {"segment": "x"}}, "nobody to go to: .*: 3 rows, 0 of them with segment = x"),
        ({"schedule": NIGHTLY, "file": "people.csv"}, "names no one place"),
        ({"file": "people.csv", "max_age": 3}, "max_age is of a schedule or a job"),
        ({"schedule": NIGHTLY, "where": {"segment": []}}, "has no plain value for segment"),
        ({"schedule": NIGHTLY, "when": "now"}, "when is not a known field"),
    ],
)
def test_a_list_that_is_not_there_is_a_sentence(
    planned: Kept, synced: Callable[..., Any], recipients: dict[str, Any], sentence: str
) -> None:
    synced()
    with pytest.raises(WrongDocument, match=sentence):
        planned(recipients=recipients)


def test_the_whole_list_is_never_held(planned: Kept, segment: Callable[[str], str]) -> None:
    rows = "".join(f"p{n}@shop.example.com,{'vip' if n % 5000 == 0 else 'new'},{'x' * 200}\n" for n in range(20_000))
    file = segment(f"email,segment,text\n{rows}")
    planned(recipients={"file": file, "where": {"segment": "vip"}})
    tracemalloc.start()
    kept = planned(recipients={"file": file, "where": {"segment": "vip"}})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (kept.people, len(rows) > 4_500_000) == (4, True)
    assert peak < 20_000_000, peak
