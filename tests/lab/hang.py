"""A platform that takes requests and never answers: files for another one go on as if it were not there."""

from __future__ import annotations

from pathlib import Path

import sandbox.server
from tests.lab import events
from tests.lab.experiment import Order, Record, Verdict, line
from tests.lab.goals import Goal
from tests.lab.rig import IMPORT, Rig, rig
from tests.lab.waiting import until

SEND, CASCADE = "devino.send_messages", 7004
A_REQUEST = 100  # rows
REQUESTS = 200
PACE, AWAY = "20/s", 0.2
HUNG_ROWS = 20_000
END = 120.0
LEAST_SHARE = 0.9


def hang(order: Order) -> Verdict:
    """The same file of messages twice: alone, then while every request to the first platform hangs."""
    requests = (order.rows or REQUESTS * A_REQUEST) // A_REQUEST
    order.folder.mkdir(exist_ok=True)
    with (
        sandbox.server.start() as played,
        rig(order.folder / "rig", played.environment(), **order.ledger, DEVINO_PACE=PACE) as one,
    ):
        one.workers.start()
        one.workers.ready()
        played.set_latency(AWAY)
        alone = _delivered(one, order.folder / "alone.csv", requests)
        played.fault("hang", path="/user_event/import")
        stuck = one.ask(events.write(order.folder / "events.ndjson", HUNG_ROWS), IMPORT)
        until(lambda: any(row.state == "sending" for row in one.chunks(stuck)), END, "the first platform hangs")
        beside = _delivered(one, order.folder / "beside.csv", requests)
        hung = sum(row.state in ("sending", "unsure") for row in one.chunks(stuck))
        played.clear()
    for found in (alone, beside):
        order.keep(found)
    note = f"{alone['rate']:.1f} requests/s alone, {beside['rate']:.1f} beside {hung} that hang or hung"
    return Verdict((line("another platform hangs", requests, [alone, beside], note),), _goals(alone, beside, hung))


def _delivered(one: Rig, file: Path, requests: int) -> Record:
    rows = requests * A_REQUEST
    file.write_text("email\n" + "".join(f"{file.stem}-{n}@shop.example.com\n" for n in range(rows)))
    job = one.ask(file, SEND, key=file.stem, payload={"taskId": CASCADE})
    one.still(job, END)
    settled = sorted(row.settled_at for row in one.chunks(job))
    found = one.report(job)["rows"]
    return {
        "accepted": found["accepted"],
        "lost": rows - found["accepted"],
        "doubled": found["repeated"],
        "rate": (len(settled) - 1) / (settled[-1] - settled[0]),
    }


def _goals(alone: Record, beside: Record, hung: int) -> tuple[Goal, ...]:
    return (
        Goal("hang: rows of the other platform not accepted", alone["lost"] + beside["lost"], 0),
        Goal("hang: its rate, as a share of that alone", beside["rate"] / alone["rate"], LEAST_SHARE, most=False),
        Goal("hang: requests to the first platform that hung", hung, 1, most=False),
    )
