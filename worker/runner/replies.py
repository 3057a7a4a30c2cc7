"""What an answer to a call means for its rows: accepted all, or sorted one by one."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from worker.ledger import chunks, fingerprints, halving, jobs, looking, remarks, tickets
from worker.ledger.types import Connection, Row
from worker.operation import Reading
from worker.outcome import Outcome, accepted
from worker.people import traces
from worker.processes.process import Process
from worker.runner.consignment import Consignment
from worker.runner.unchanged import remembered

log = logging.getLogger(__name__)


def outcome(sent: Consignment, reading: Reading) -> tuple[Outcome, int]:
    """What came of the rows, and how many of them are unsure."""
    sort = sent.operation.sort
    asked = sent.payload if sent.is_call else sent.sorted_by
    if sort is None or asked is None:
        return accepted(sent.rows, sent.left_out, with_next_page(sent, reading.answer), sent.skipped_by), 0
    try:
        found = sort(asked, reading.answer or {})
    except Exception:
        # The platform said yes to something; what to whom, a person has to see.
        log.exception("the answer to chunk %s of job %s could not be sorted", sent.chunk.n, sent.job_id)
        return accepted(0, sent.left_out, reading.answer, sent.skipped_by), sent.rows
    named = [replace(one, row=_number(sent, one.row)) for one in found.refused]
    unsure = len(found.unsure)
    all_named = [*sent.left_out, *named]
    return accepted(sent.rows - len(named) - unsure, all_named, reading.answer, sent.skipped_by), unsure


def _number(sent: Consignment, row: int) -> int:
    """Which row of the job this row of its request was."""
    if not sent.is_call:
        return sent.numbers[row - 1]
    return (sent.numbers[row - 1] if sent.numbers else row) + int(sent.chunk.first_row) - 1


def with_next_page(sent: Consignment, answer: dict[str, Any] | None) -> dict[str, Any] | None:
    """An answer that is one page of a list says which payload asks for the next; null after the last."""
    pages = sent.operation.pages
    if pages is None or answer is None or sent.payload is None:
        return answer
    return {**answer, "next": pages.following(sent.payload, answer)}


def settle(process: Process, tx: Connection, sent: Consignment, came: Outcome, unsure: int = 0) -> None:
    """Write it, keep the answer of a call, and wake who waited for this person's turn."""
    why = "the platform's answer does not say what became of every row"
    settled = chunks.settle_in_part(tx, sent.claim, came, why) if unsure else chunks.settle(tx, sent.claim, came)
    if settled and sent.noted:
        remarks.write(tx, sent.chunk, sent.noted)
    if settled and not sent.is_call:
        of_file(tx, sent, came, unsure)
    if not (settled and sent.is_call):
        return
    if came.answer is not None:
        chunks.keep_answer(tx, sent.claim, process.seal.close(came.answer))
        _keep_for_person(process, tx, sent, came.answer)
        _keep_names(process, tx, sent, came.answer)
        traces.leave(process, tx, sent.job_id, traces.of_answer(sent.operation, came.answer, sent.chunk))
    next_turn(tx, sent.chunk)


def of_file(tx: Connection, sent: Consignment, came: Outcome, unsure: int) -> None:
    """What a file's job learns of its rows: those that were accepted, and one that was although it stood alone."""
    if not came.accepted or unsure:
        return
    refused = {number for one in came.refusals for number in range(one.row, (one.last or one.row) + 1)}
    fingerprints.remember(tx, remembered(sent.prints, refused))
    if sent.chunk.rows == 1:
        halving.single_accepted(tx, sent.job_id)


def next_turn(tx: Connection, chunk: Row[Any]) -> None:
    """The next call for the same person may go."""
    following = looking.following(tx, chunk)
    if following is not None:
        jobs.look_at(tx, following)
        tickets.ready(tx, following)


def _keep_for_person(process: Process, tx: Connection, sent: Consignment, answer: dict[str, Any]) -> None:
    keeps, person = sent.operation.keeps, sent.chunk.person
    value = keeps.read(answer) if keeps and person else None
    if value is not None:
        process.people.keep(tx, person, value)


def _keep_names(process: Process, tx: Connection, sent: Consignment, answer: dict[str, Any]) -> None:
    """Later calls by any of this person's names wait for each other."""
    names, person = sent.operation.names, sent.chunk.person
    for name in names(sent.payload or {}, answer) if names and person else ():
        process.people.same(tx, sent.account.id, person, name)
