"""A stranger's first opt-out: `omniworker up`, one callback as the document has it, and `find` shows where it went."""

from __future__ import annotations

import json
import os
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from running_house import ROOT, House, free_port, until

from sandbox.server import Sandbox
from tasks.omnisense.callbacks import EXAMPLES

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]
WHOSE = "yourcustomer@test.com"


def test_find_shows_where_it_went(platform: Sandbox, tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    told = {"PYTHONPATH": str(ROOT), "PORT": str(free_port()), "OMNISENSE_CALLBACK_SECRETS": "hush"}
    house = House(tmp_path, kept | platform.environment() | told, platform)
    house.start("--only", "web", "--only", "urgent")
    try:
        receiver = next(line for line in house.said if line.startswith("Receiver: ")).split()[1]
        doors = next(line for line in house.said if line.startswith("Callbacks: "))
        assert "POST /callbacks/omnisense?secret_key=…, none for want of DEVINO_CALLBACK_SECRETS" in doors
        assert told_by(receiver, "wrong", EXAMPLES[0]) == 403
        assert told_by(receiver, "hush", EXAMPLES[0]) == 200
        until(lambda: "accepted" in house.run("find", WHOSE).stdout)
        found = json.loads(house.run("find", WHOSE, "--json").stdout)
        assert [(one["state"], one["source"]) for one in found["consent"]] == [("out", "omnisense/default")]
        assert {one["account"]: one["answer"] for one in found["told"]}["omnisend/default"] == "accepted"
        assert [(one["operation"], one["outcome"]) for one in found["calls"]] == [("omnisend.save_contact", "accepted")]
        assert told_by(receiver, "hush", dict(EXAMPLES[0]) | {"notification_type": "OPT_OUT"}) == 200
        assert "in other words" in house.run("find", WHOSE).stdout
    finally:
        house.stop()


def told_by(receiver: str, secret: str, said: object) -> int:
    try:
        with urlopen(  # noqa: S310 - our own loopback address
            f"{receiver}/callbacks/omnisense?secret_key={secret}", data=json.dumps(said).encode(), timeout=60
        ) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
