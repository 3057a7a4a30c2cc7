"""Holds a job's report against what the sandbox took, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row

from tests.lab.cargo import EVENTS, Cargo
from tests.lab.platform import Platform
from tests.lab.rig import Rig


@dataclass
class Audit:
    """Rows, but where it says chunks.

    `lost`: neither accepted, refused, unsure nor skipped, or accepted and never taken. `doubled`: taken more than
    once without being counted as repeated, `again`: the same where it does no harm. `denied`: refused or skipped, and
    taken all the same. `torn`: unsure chunks of which only a part was taken. `was_sent`, `was_not`: numbers of unsure
    chunks.
    """

    accepted: int
    refused: int
    unsure: int
    skipped: int
    repeated: int
    lost: int
    doubled: int = 0
    again: int = 0
    denied: int = 0
    torn: int = 0
    refused_by: dict[str, int] = field(default_factory=dict)
    was_sent: list[int] = field(default_factory=list)
    was_not: list[int] = field(default_factory=list)

    @property
    def unsure_chunks(self) -> int:
        return len(self.was_sent) + len(self.was_not)

    def look_at(self, chunk: Row[Any], times: Sequence[int], harmful: bool) -> None:
        """`times`: how often each row of the chunk was taken. All rows of a chunk share its fate in these files."""
        more = sum(max(0, seen - 1) for seen in times)
        self.doubled += more if harmful and not chunk.repeated else 0
        self.again += 0 if harmful else more
        if chunk.state == "unsure":
            self.torn += len(set(times)) > 1
            (self.was_sent if all(times) else self.was_not).append(chunk.n)
        elif chunk.accepted:
            self.lost += times.count(0)
        else:
            self.denied += len(times) - times.count(0)


def audit(rig: Rig, platform: Platform, job_id: str, events: Sequence[Any], cargo: Cargo = EVENTS) -> Audit:
    """Everything the report says of these rows, and everything the sandbox knows better."""
    report = rig.report(job_id)
    rows = {name: report["rows"][name] for name in ("accepted", "refused", "unsure", "skipped", "repeated")}
    spoken_for = rows["accepted"] + rows["refused"] + rows["unsure"] + rows["skipped"]
    found = Audit(**rows, lost=len(events) - spoken_for, refused_by=report["refused_by"])
    times = cargo.taken(platform, events)
    for chunk in rig.chunks(job_id):
        first = chunk.first_row - cargo.begins
        found.look_at(chunk, times[first : first + chunk.lines], cargo.harmful)
    return found
