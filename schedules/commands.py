"""`omniworker schedules …`: when what is started, what became of each slot, and how to step in."""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
import time
from collections.abc import Iterator
from typing import Any

import click

from schedules import declared as room
from schedules.look import note, sift
from schedules.schedule import Schedule, key_of
from schedules.slots import following
from schedules.start import start
from worker.cli import office, options, show
from worker.cli.commands import Commands
from worker.cli.sentences import Failed, WordsOff
from worker.ledger import newsletters, reports, slots
from worker.ledger import schedules as ledger_schedules
from worker.ledger.types import Connection, Row

COUNT = click.IntRange(1, 10_000)


@click.group("schedules", cls=Commands, places={"differences": "schedules.differences:differences"})
def schedules() -> None:
    """What is started when, and what became of it."""


@schedules.command("list")
@options.as_json
def list_schedules(as_json: bool) -> None:
    """Each schedule: its rule, when it is due next, and what became of its last slot."""
    own = office.for_reading()
    known, found = own.ledger.read(ledger_schedules.all_of), room.declared()
    last = own.ledger.read(lambda tx: {one.name: slots.newest(tx, one.name, 1) for one in found})
    facts = [_facts(one, known.get(one.name), last[one.name]) for one in found]
    if as_json:
        show.document({"schedules": facts})
    elif facts:
        click.echo(show.table(facts))
    else:
        show.aside("There is no schedule yet: SCHEDULES_FILE names a file with them.")


def _facts(one: Schedule, known: Row[Any] | None, last: list[Row[Any]]) -> dict[str, Any]:
    return {
        "schedule": one.name,
        "starts": one.starts,
        "cron": one.cron,
        "time_zone": one.time_zone,
        "next": _local(one, next(following(one, time.time()))),
        "last": last[0].state if last else "",
        "paused_by": known.paused_by or "" if known else "",
    }


@schedules.command("next")
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--count", default=10, type=COUNT, show_default=True, help="How many slots.")
@options.as_json
def following_slots(name: str | None, count: int, as_json: bool) -> None:
    """The next slots, of all schedules or of NAME."""
    wanted = [_named(name)] if name else room.declared()
    now = time.time()
    merged = heapq.merge(*(_slots_of(one, now) for one in wanted), key=_order)
    facts = [
        {"slot": reports.iso(slot), "local": _local(one, slot), "schedule": one.name, "starts": one.starts}
        for slot, _, one in itertools.islice(merged, count)
    ]
    if as_json:
        show.document({"next": facts})
    elif facts:
        click.echo(show.table(facts))


def _slots_of(one: Schedule, now: float) -> Iterator[tuple[int, str, Schedule]]:
    """A function, for a generator within a generator would name the last schedule in every line."""
    return ((slot, one.name, one) for slot in following(one, now))


def _order(found: tuple[int, str, Schedule]) -> tuple[int, str]:
    return found[:2]


@schedules.command("history")
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--most", default=20, type=COUNT, show_default=True, help="How many, the youngest first.")
@options.as_json
def history(name: str | None, most: int, as_json: bool) -> None:
    """What became of the last slots, of all schedules or of NAME, also of one that is no longer declared."""
    own = office.for_reading()
    facts = own.ledger.read(lambda tx: [_slot_facts(tx, row) for row in slots.newest(tx, name, most)])
    if as_json:
        show.document({"history": facts})
    elif facts:
        click.echo(show.table([_line(one) for one in facts]))
    else:
        show.aside("No slot was due yet.")


def _slot_facts(tx: Connection, row: Row[Any]) -> dict[str, Any]:
    report = reports.of(tx, row.job_id) if row.job_id else None
    planned = None if row.job_id else newsletters.by_key(tx, key_of(row.schedule, row.slot))
    return {
        "schedule": row.schedule,
        "slot": reports.iso(row.slot),
        "state": row.state,
        "reason": row.reason,
        "why": row.why,
        "asked_by": row.asked_by,
        "job": row.job_id,
        "job_state": row.job_state,
        "rows": report["rows"] if report else None,
        "newsletter": planned.id if planned else None,
        "newsletter_state": newsletters.stands(tx, planned) if planned else None,
    }


def _line(facts: dict[str, Any]) -> dict[str, object]:
    rows = facts["rows"] or {}
    counts = ", ".join(f"{n:,} {name}" for name, n in rows.items() if n and name != "total")
    became = f"{facts['job_state']}: {counts or 'no rows yet'}" if facts["job_state"] else facts["why"] or ""
    if facts["newsletter"]:
        became = f"newsletter {facts['newsletter']}: {facts['newsletter_state']}"
    names = ("schedule", "slot", "state")
    return {name: facts[name] for name in names} | {"job": facts["job"] or "", "what became of it": became}


@schedules.command("pause")
@click.argument("name", metavar="NAME")
@options.by
@options.as_json
def pause(name: str, by: str | None, as_json: bool) -> None:
    """Start nothing more of NAME: its slots are missed, with this reason, until `schedules resume`."""
    wanted, who, own = _named(name), by or office.login(), office.for_recording()
    note(own, wanted)
    if not own.ledger.write(lambda tx: ledger_schedules.pause(tx, name, who)):
        raise Failed(f"{name} is paused already.")
    _moved(name, "paused", as_json)


@schedules.command("resume")
@click.argument("name", metavar="NAME")
@options.as_json
def resume(name: str, as_json: bool) -> None:
    """Go on with NAME from now; a slot that was missed meanwhile runs with `schedules run NAME --at TIME`."""
    wanted, own = _named(name), office.for_recording()
    note(own, wanted)
    sift(own, wanted)
    if not own.ledger.write(lambda tx: ledger_schedules.resume(tx, name)):
        raise Failed(f"{name} is not paused.")
    _moved(name, "running", as_json)


def _moved(name: str, state: str, as_json: bool) -> None:
    show.document({"schedule": name, "state": state}) if as_json else click.echo(f"{name} is {state}.")


@schedules.command("run")
@click.argument("name", metavar="NAME")
@click.option("--at", metavar="TIME", help="As the slot of this time, like 2026-11-26T02:30; now if not given.")
@options.by
@options.as_json
def run(name: str, at: str | None, by: str | None, as_json: bool) -> None:
    """Start NAME now, late or paused; a slot that was missed can be run so, and one that ran can't.

    TIME is in the schedule's time zone, if it has no offset of its own; the date in the name of a file is its date.
    """
    wanted, own = _named(name), office.for_recording()
    slot = _moment(wanted, at) if at else int(time.time())
    note(own, wanted)
    asked = own.ledger.write(lambda tx: slots.ask(tx, name, slot, (by or office.login())[:80]))
    if asked.state == "started":
        became = f"job {asked.job_id}" if asked.job_id else asked.why
        raise Failed(f"The slot {reports.iso(slot)} of {name} was started: {became}.")
    start(own, wanted, asked.id)
    _told(own.ledger.read(lambda tx: _slot_facts(tx, slots.get(tx, asked.id))), as_json)


def _told(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show.document(facts)
    elif facts["job"]:
        click.echo(facts["job"])
    elif facts["state"] == "reading":
        show.aside(f"{facts['why']} It goes on with the next looks.")
    elif facts["why"] and facts["state"] == "started":
        show.aside(facts["why"])
    if facts["state"] == "missed":
        raise Failed(f"It was not started: {facts['why']}")


def _named(name: str) -> Schedule:
    try:
        return room.schedule(name)
    except room.UnknownSchedule as error:
        raise WordsOff(str(error)) from None


def _moment(wanted: Schedule, said: str) -> int:
    try:
        found = dt.datetime.fromisoformat(said)
    except ValueError:
        raise WordsOff(f"{said!r} is no time: write it like 2026-11-26T02:30.") from None
    return int((found if found.tzinfo else found.replace(tzinfo=wanted.zone)).timestamp())


def _local(one: Schedule, slot: int) -> str:
    return one.local(slot).isoformat(timespec="minutes")
