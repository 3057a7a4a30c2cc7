"""What became of messages: each status that Devino tells is kept, and settles a call whose answer was lost.

A status that brings our own reference proves that its row reached Devino. One that brings a forged reference proves
nothing, whatever else it says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tasks.consent import same
from tasks.devino.callbacks import CALLBACKS
from tasks.devino.messages import REFERENCE
from tasks.devino.statuses import final
from worker import references
from worker.housekeeping.alarms import raise_alarm
from worker.housekeeping.watch import SENT_TWICE
from worker.ledger import messages, planning, proofs
from worker.ledger.messages import LONGEST_STATUS
from worker.ledger.types import Connection
from worker.notices import Notice, Quarantine, follows
from worker.processes.process import Process
from worker.receiver.told import shown
from worker.references import Reference

LONGEST_ID = 40
TWICE = "Messages went twice: somebody decided that their request had not arrived, and Devino tells now that it had."
JSON = Mapping[str, Any]


@follows(*CALLBACKS.kinds)
def status_of_a_message(process: Process, notice: Notice) -> bool:
    """Keep the status; settle what was unsure. False while the request that it is of is still under way."""
    reference = referred(process, notice)
    message = notice.subject or (str(reference) if reference else None)
    if message is None:
        if notice.content.get("email"):
            return True  # it tells of a person, not of a message
        raise Quarantine("It names no message, and refers to none of ours.")
    return process.ledger.write(lambda tx: _learn(process, tx, notice, message, reference))


def referred(process: Process, notice: Notice) -> Reference | None:
    """The row of ours that a status refers to. Raises `Quarantine` where the reference is none of ours."""
    data = notice.content.get("callbackData")
    if isinstance(data, str):
        data = _object(data)
    text = data.get(REFERENCE) if isinstance(data, Mapping) else None
    if text is None:
        return None
    try:
        return references.read(process, str(notice.account), str(text))
    except references.Forged:
        raise Quarantine("The reference in its callbackData is none that we gave: it may be forged.") from None


def reference_of(process: Process, notice: Notice) -> Reference | None:
    """The row of ours that a status is of: it refers to it, or its message did before. Raises `Quarantine`."""
    found = referred(process, notice)
    if found is not None or not notice.subject:
        return found
    of_id = process.ledger.read(lambda tx: messages.of_id(tx, notice.subject))
    known = [row for row in of_id if row.account == notice.account and row.job_id]
    return Reference(known[0].job_id, known[0].chunk, known[0].row) if known else None


def person_of(process: Process, tx: Connection, reference: Reference) -> JSON:
    """The contact that a message went to, as the call named it; empty when its payload is no longer kept."""
    chunk = planning.chunk_of(tx, reference.job, reference.chunk)
    stored = process.seal.open(chunk.payload) if chunk is not None and chunk.payload else {}
    contacts = stored.get("checked", {}).get("contacts", ()) if isinstance(stored, dict) else ()
    person: JSON = contacts[reference.row - 1]["contact"] if reference.row <= len(contacts) else {}
    return person


def _learn(process: Process, tx: Connection, notice: Notice, message: str, reference: Reference | None) -> bool:
    said = notice.content
    status = shown(str(said["status"]).strip().lower())[:LONGEST_STATUS]
    person = person_of(process, tx, reference) if reference else said
    known: dict[str, Any] = {name: _mark(process, tx, person.get(name)) for name in ("email", "phone")}
    known |= {"cascade": _id(said.get("taskId")), "cascade_trigger": _id(said.get("triggerId"))}
    if reference is not None:
        known |= {"job_id": reference.job, "chunk": reference.chunk, "row": reference.row}
    messages.learn(tx, str(notice.account), message, status, notice.happened_at, final, **known)
    return reference is None or _settle(tx, reference, notice.told_at)


def _settle(tx: Connection, reference: Reference, told_at: float) -> bool:
    job, chunk = reference.job, reference.chunk
    if not proofs.proven(tx, job, chunk, messages.proven_rows(tx, job, chunk)):
        return False
    twice = proofs.told_before(tx, job, chunk, told_at) or messages.doubled(tx, job, chunk)
    if twice and proofs.sent_twice(tx, job, chunk):
        raise_alarm(tx, SENT_TWICE, job, f"{TWICE} `omniworker jobs remarks {job}` says which.")
    return True


def _mark(process: Process, tx: Connection, address: Any) -> str | None:
    found = same(address) if isinstance(address, str) else None
    return process.people.everywhere(tx, found) if found else None


def _id(said: Any) -> str | None:
    known = isinstance(said, str | int) and not isinstance(said, bool) and bool(said)
    return shown(str(said))[:LONGEST_ID] if known else None


def _object(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
