"""The roads on which a process dies at each fail-point: what it does from the asking to the last request.

Each is made ready first and walked then; only on the walk are points counted. A walker looks after its own newsletter
alone: others that died lie in the same ledger, due.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from schedules.schedule import Schedule
from schedules.start import start
from tests.lab import letters
from worker import platforms
from worker.ledger import claims, jobs, newsletters, slots
from worker.newsletters import document, due, moves, plan
from worker.orders.intake import put
from worker.orders.order import read_order
from worker.processes.process import Process
from worker.runner import call

BY = "lab"
SLOT = 1_800_000_000
Walk = Callable[[], None]
Said = Callable[[str], dict[str, Any]]


def flow(own: Process, name: str) -> Walk:
    """A call that takes several."""
    order = read_order(platforms.operation(letters.FLOW), {"payload": letters.flow(name), "key": name})
    return partial(call.move, own, put(own, order))


def newsletter(own: Process, name: str, said: Said = letters.newsletter) -> Walk:
    """Planned, approved, started and delivered."""

    def walk() -> None:
        planned(own, said(name))
        approved(own, name)
        _delivered(own, name)

    return walk


def recurring(own: Process, name: str) -> Walk:
    """A slot's, after a person approved the first of its name to recur."""
    agreed_to_recur(own, name)

    def walk() -> None:
        slot_started(own, name)
        _delivered(own, name)

    return walk


ROADS: dict[str, Callable[[Process, str], Walk]] = {
    "flow": flow,
    "newsletter": newsletter,
    "cascade": partial(newsletter, said=letters.cascade),
    "recurring": recurring,
}


def planned(own: Process, said: dict[str, Any]) -> str:
    return plan.keep(own, plan.make(own, document.of(said, said["name"])), BY)


def approved(own: Process, name: str, *, recurs: bool = False) -> None:
    moves.approve(own, row_of(own, name), BY, recurs=recurs)


def slot_started(own: Process, name: str) -> str:
    """Start the slot, unless somebody else does; its state then."""
    number = own.ledger.write(lambda tx: slots.ask(tx, name, SLOT, BY)).id
    start(own, Schedule(name, "* * * * *", newsletter=str(_file(own, name))), number)
    return str(own.ledger.read(lambda tx: slots.get(tx, number)).state)


def agreed_to_recur(own: Process, name: str) -> None:
    """A person approved one of its name, which never went."""
    said = letters.newsletter(name)
    planned(own, {**said, "deliver_at": "2099-01-01T00:00:00+00:00"})
    approved(own, name, recurs=True)
    moves.stop(own, row_of(own, name), BY)
    _file(own, name).write_text(letters.toml(said))


def _file(own: Process, name: str) -> Path:
    """Beside everything else of this experiment."""
    return Path(own.settings.values["INBOX"]) / f"{name}.toml"


def row_of(own: Process, name: str) -> Any:
    return own.ledger.read(lambda tx: newsletters.get(tx, name))


def _delivered(own: Process, name: str) -> None:
    """The sweeper comes by, a worker moves the job, and the sweeper sees its end."""
    own_alone = newsletters.newsletters.c.name == name
    newsletters.DUE = claims.Taking(newsletters.newsletters, newsletters.APPROVED, own_alone)  # type: ignore[misc]
    due.look(own)
    job = own.ledger.read(lambda tx: jobs.get(tx, row_of(own, name).job_id))
    assert job is not None
    call.move(own, job)
    due.look(own)
