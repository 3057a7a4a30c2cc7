"""What became of a job's rows, from what became of the rows of its steps."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from worker.facts.wire import Steps
from worker.ledger import reports
from worker.ledger.types import Connection, Row
from worker.operation import JSON
from worker.outcome import Outcome, Refusal, refused, skipped

MOST_NAMED = 100_000


def came_of(
    tx: Connection, chunk: Row[Any], steps: Steps, taken: list[Row[Any]], answer: JSON | None
) -> tuple[Outcome, bool]:
    """What became of the last step's rows became of the job's, beside those that fell in the `first` one; where an
    earlier step fell, of all of them. And whether any are unsure."""
    carrying = [step for step in taken if step is taken[-1] or step.step == steps.first]
    found = [_report(tx, step.id) for step in carrying]
    named = [one for step in carrying for one in refusals_of(tx, step.id)]
    last, fallen = found[-1]["rows"], sum(_fallen(report["rows"]) for report in found[:-1])
    if last["total"] + fallen == chunk.rows:
        return _summed(found, named, answer), bool(last["unsure"])
    if named:
        return refused(chunk.rows, of_all(chunk, named)), bool(last["unsure"])
    if last["skipped"]:
        return skipped(chunk.rows, next(iter(found[-1]["skipped_by"]))), bool(last["unsure"])
    return Outcome(), bool(last["unsure"])


def accepted(tx: Connection, step: Row[Any]) -> int:
    return int(_report(tx, step.id)["rows"]["accepted"])


def refusals_of(tx: Connection, job_id: str) -> list[Refusal]:
    found = reports.refused_rows(tx, job_id, most=MOST_NAMED)
    return [Refusal(row.row, row.code, row.reason, row.advice, row.last) for row in found]


def of_all(chunk: Row[Any], named: list[Refusal]) -> list[Refusal]:
    return [replace(one, row=1, last=chunk.rows if chunk.rows > 1 else None) for one in named]


def _report(tx: Connection, job_id: str) -> dict[str, Any]:
    report = reports.of(tx, job_id)
    assert report is not None  # noqa: S101 - a job's steps are there as long as it is
    return report


def _fallen(rows: dict[str, int]) -> int:
    return rows["refused"] + rows["skipped"]


def _summed(found: list[dict[str, Any]], named: list[Refusal], answer: JSON | None) -> Outcome:
    rows, by = found[-1]["rows"], {name: _counts(found, name) for name in ("refused_by", "skipped_by")}
    out, left = (sum(report["rows"][name] for report in found) for name in ("refused", "skipped"))
    return Outcome(rows["accepted"], out, left, by["refused_by"], by["skipped_by"], tuple(named), answer)


def _counts(found: list[dict[str, Any]], name: str) -> dict[str, int]:
    return dict(sum((Counter(report[name]) for report in found), Counter()))
