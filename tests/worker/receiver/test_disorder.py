"""Callbacks five times over, in any order, months late, by clocks that run ahead, among pieces that nobody can read:
where somebody stands follows from what was told alone (S6)."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.own_web import SECRET
from worker import notices
from worker.ledger import consents
from worker.people.register import hashed
from worker.processes.process import Process

NOISE = (b"\xff\xfe", b"[1,", b'{"email": "x"}')


def said(email: str, kind: str, ago: timedelta) -> dict[str, str]:
    at = (datetime.now(UTC).replace(microsecond=0) - ago).strftime("%Y-%m-%d %H:%M:%S %z")
    return {"email": email, "notification_type": kind, f"{kind}_at": at, "optout_type": "unsubscription"}


MONTH, WEEK, HOURS = timedelta(days=30), timedelta(days=7), timedelta(hours=2)
COURSES: dict[str, tuple[list[tuple[str, timedelta]], str]] = {
    "left long ago": ([("optout", MONTH)], "out"),
    "came back": ([("optout", MONTH), ("optin", WEEK)], "in"),
    "left again": ([("optout", MONTH), ("optin", WEEK), ("optout", HOURS)], "out"),
    "at the same moment": ([("optin", WEEK), ("optout", WEEK)], "out"),
    "by a clock that is ahead": ([("optout", WEEK), ("optin", timedelta(days=-400))], "in"),
}


@pytest.mark.parametrize("seed", range(3))
def test_the_end_is_that_of_what_was_told(door: FlaskClient, house: Process, seed: int) -> None:
    chance = random.Random(seed)
    calls: list[bytes] = []
    for number, (course, _) in enumerate(COURSES.values()):
        told = [said(f"p{number}@example.com", kind, ago) for kind, ago in course]
        calls += [json.dumps(one).encode() for one in told * 5]
        calls += [json.dumps([None, *told, {"deep": [[[]]]}]).encode()]
    calls += NOISE
    chance.shuffle(calls)
    for body in calls:
        assert door.post("/callbacks/omnisense", query_string={"secret_key": SECRET}, data=body).status_code == 200
        if chance.random() < 0.3:
            notices.hand_out(house)
    while notices.hand_out(house):
        pass
    states = [house.ledger.read(lambda tx, n=n: standing(house, tx, f"p{n}@example.com")) for n in range(len(COURSES))]  # type: ignore[misc]
    assert dict(zip(COURSES, states, strict=True)) == {name: end for name, (_, end) in COURSES.items()}


def standing(house: Process, tx: Any, address: str) -> str:
    [row] = [row for row in consents.of(tx, hashed(house, tx, address)) if row.purpose == "marketing"]
    return str(row.state)
