"""Holds what the ledger says of newsletters against what the platform took: first as they ended by themselves, then
once somebody who asked the platform decided what was unsure."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sandbox.server import Sandbox
from tests.lab import roads
from tests.lab.experiment import Record
from tests.lab.letters import PEOPLE, Kind
from tests.lab.rig import Rig
from tests.lab.surroundings import bare
from tests.lab.waiting import TooLong, until
from worker.ledger import jobs, planning

AFTER = 60.0
Listed = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Court:
    one: Rig
    played: Sandbox
    kind: Kind

    def judged(self, names: Sequence[str], seconds: float) -> list[Record]:
        """What came of each. Faults are over once they have all come to rest."""
        stuck = {name: self._rests(name, seconds) for name in names}
        self.played.clear()
        taken, listed = self.kind.taken(self.played, names), self._listed()
        found = [self._record(name, taken[name], listed, stuck[name]) for name in names]
        for name in names:
            self._decide(name, taken[name], listed)
        for name in names:
            self._end(name, AFTER)
        self._look_at_the_end(found, names)
        return found

    def _rests(self, name: str, seconds: float) -> str | None:
        """Nothing moves it any more by itself; the sentence that says so if something does."""
        try:
            until(lambda: roads.row_of(self.one.own, name).job_id, seconds, f"{name} is started", every=0.2)
            self.one.still(self._job(name), seconds)
        except TooLong as error:
            return str(error)
        return None

    def _end(self, name: str, seconds: float) -> None:
        """What waits for a step goes on when that is decided. Whatever does not end is seen in its sums."""
        with suppress(TooLong):
            job = self._job(name)
            until(lambda: self.one.job(job).state == "finished", seconds, f"{name} ends")

    def _job(self, name: str) -> str:
        return str(roads.row_of(self.one.own, name).job_id)

    def _jobs(self, name: str) -> list[str]:
        """Its job, and that one's steps."""
        job = self._job(name)
        return [job, *(step.id for step in self.one.own.ledger.read(lambda tx: jobs.steps_of(tx, job)))]

    def _listed(self) -> Listed:
        """What a person is shown, by job."""
        words = [sys.executable, "-P", "-m", "worker.cli", "jobs", "unsure", "--json"]
        shown = subprocess.run(words, env=bare(**self.one.told), stdout=subprocess.PIPE, check=True)
        found: Listed = defaultdict(list)
        for one in json.loads(shown.stdout)["unsure"]:
            found[one["job"]].append(one)
        return found

    def _record(self, name: str, taken: dict[str, int], listed: Listed, stuck: str | None) -> Record:
        job = self._job(name)
        rows = self.one.report(job)["rows"]
        mine = [one for each in self._jobs(name) for one in listed[each]]
        came = sum(map(bool, taken.values()))
        spoken_for = sum(rows[what] for what in ("accepted", "refused", "unsure", "skipped"))
        return {
            "name": name,
            "stuck": stuck,
            **{what: rows[what] for what in ("accepted", "refused", "unsure", "skipped", "repeated")},
            "unsure_chunks": len(mine),
            "unlisted": max(0, rows["unsure"] - sum(one["rows"] for one in mine)),
            "nameless": sum(name not in one["look_for"] for one in mine),
            "lost": PEOPLE - spoken_for + max(0, rows["accepted"] - came),
            "doubled": sum(times > 1 for times in taken.values()),
            "denied": max(0, came - rows["accepted"] - rows["unsure"]),
            "torn": sum(len({bool(taken[who]) for who in self._people(one)}) > 1 for one in mine),
        }

    def _decide(self, name: str, taken: dict[str, int], listed: Listed) -> None:
        """Each unsure request, as somebody does who looked at the platform."""
        for one in (one for each in self._jobs(name) for one in listed[each]):
            was_sent = any(taken[who] for who in self._people(one))
            self.one.decide(one["job"], "was-sent" if was_sent else "send", [one["chunk"]])

    def _people(self, listed: dict[str, Any]) -> list[str]:
        """Whom an unsure request was for."""
        chunk = self.one.own.ledger.read(lambda tx: planning.chunk_of(tx, listed["job"], listed["chunk"]))
        assert chunk is not None
        asked = self.one.own.seal.open(chunk.payload)["checked"]
        mails = [one if isinstance(one, str) else one["email"] for one in asked.get("emails", ())]
        return mails or [one["contact"]["email"] for one in asked["contacts"]]

    def _look_at_the_end(self, found: list[Record], names: Sequence[str]) -> None:
        in_the_end = self.kind.taken(self.played, names)
        for record, name in zip(found, names, strict=True):
            report = self.one.report(self._job(name))
            times = list(in_the_end[name].values())
            record["sums_meet"] = report["state"] == "finished" and report["rows"]["accepted"] == PEOPLE == sum(times)
            record["doubled_in_the_end"] = sum(each > 1 for each in times)
