"""How a job ended: by itself first, and then once somebody who asked the platform decided what was unsure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tests.lab.audit import audit
from tests.lab.cargo import EVENTS, Cargo
from tests.lab.experiment import Record
from tests.lab.platform import Platform
from tests.lab.rig import Rig


def ending(
    one: Rig,
    platform: Platform,
    job: str,
    rows: Sequence[Any],
    seconds: float,
    again: float = 0.0,
    bad: int = 0,
    cargo: Cargo = EVENTS,
) -> Record:
    """Waits until nothing moves the job any more. `again`: when things ran again, in seconds since 1970; `bad`: how
    many of the rows have to be refused. Raises `TooLong` after `seconds`."""
    state = one.still(job, seconds)
    by_itself = audit(one, platform, job, rows, cargo)
    settled = [chunk.settled_at for chunk in one.chunks(job) if chunk.settled_at and chunk.settled_at > again]
    one.decide(job, "was-sent", by_itself.was_sent)
    one.decide(job, "send", by_itself.was_not)
    end = one.still(job, seconds)
    accepted = one.report(job)["rows"]["accepted"]
    arrived = sum(map(bool, cargo.taken(platform, rows)))
    return {
        "stuck": None,
        "state": state,
        **asdict(by_itself),
        "unsure_chunks": by_itself.unsure_chunks,
        "to_go_on": min(settled) - again if again and settled else None,
        "sums_meet": end == "finished" and accepted == len(rows) - bad == arrived,
        "doubled_in_the_end": platform.counts()["doubled"],
    }
