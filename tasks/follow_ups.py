"""What each notice sets going, one function a business rule."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from tasks import travel
from tasks.consent import ACT, BOUNCE, CLAIM, COMPLAINT, UNSUBSCRIPTION, channels_of
from tasks.devino.callbacks import OTHER, moment
from tasks.message_history import person_of, reference_of
from tasks.said_of import channel_of, said_of
from worker.ledger import jobs, planning, under_way
from worker.notices import Notice, Quarantine, follows
from worker.orders.words import MARKETING
from worker.people import register
from worker.people.consent import Event
from worker.processes.process import Process
from worker.references import Reference
from worker.runner.went import rows_again
from worker.sources.read_back import SourceChanged
from worker.sources.refused import SourceAway, SourceRefused
from worker.wake import wake_up

# Omnisense's own words; what it adds some day counts as an unsubscription.
OPTOUT_TYPES = {"unsubscription": UNSUBSCRIPTION, "bounce": BOUNCE, "complaint": COMPLAINT}
STATUSES = {
    "devino.unsubscribed": UNSUBSCRIPTION,
    "devino.complained": COMPLAINT,
    "devino.bounced": BOUNCE,
    "devino.subscribed": ACT,
}
SAYS_SO = ("omnisense.save_subscriber",)
MINUTE = 60.0


@follows("omnisense.opted_out")
def opted_out_at_omnisense(process: Process, notice: Notice) -> bool:
    """An opt-out from e-mail, by the person, a bounce or a complaint."""
    reason = OPTOUT_TYPES.get(str(notice.content.get("optout_type")).lower(), UNSUBSCRIPTION)
    return _enter(process, notice, notice.content["email"], reason)


@follows("omnisend.opted_out")
def opted_out_at_omnisend(process: Process, notice: Notice) -> bool:
    """Found in its list, which names the channel."""
    return _enter(process, notice, notice.content["address"], UNSUBSCRIPTION, (notice.content["channel"],))


@follows("omnisense.opted_in")
def opted_in_at_omnisense(process: Process, notice: Notice) -> bool:
    """The act of a person; but while we ourselves are saying so of many, it may be what we said that comes back."""
    account, at = str(notice.account), notice.happened_at

    def ours(tx: Any) -> bool:
        return under_way.rows_went(tx, account, at - MINUTE, at + MINUTE, SAYS_SO) or bool(under_way.to(tx, account))

    return _enter(process, notice, notice.content["email"], CLAIM if process.ledger.read(ours) else ACT)


@follows(*STATUSES)
def said_of_a_message(process: Process, notice: Notice) -> bool:
    """What somebody made of a message of Devino's. It names the person by our own reference, or by an address, and the
    channel by the trigger of a cascade, as far as that was ever read (platforms.md D27). Called again later while
    storage is away, for the row that a message was of is read there."""
    try:
        person = _person(process, reference_of(process, notice))
    except SourceAway:
        return False
    if not person and STATUSES[notice.kind] == ACT:
        raise Quarantine("It is an opt-in, and not of a message of ours whose person is known: it may be forged.")
    if STATUSES[notice.kind] == ACT and moment(notice.content.get("ts")) is None:
        raise Quarantine("It is an opt-in that names no time: what it would lift may be later.")
    place = said_of(person or notice.content, channel_of(process, notice))
    if place is None:
        raise Quarantine("It does not say of whom: write it down with `omniworker consent set` if you know.")
    return _enter(process, notice, place[0], STATUSES[notice.kind], place[1])


@follows(OTHER)
def nobody_knows_what_it_means(_process: Process, _notice: Notice) -> bool:
    """It stands in the history of its message; but it may be an opt-out in words that no document has."""
    raise Quarantine("Its status is none of Devino's document: is it an opt-out in other words?")


@follows(register.OPTED_OUT)
def opt_out_travels(process: Process, notice: Notice) -> bool:
    """Every other platform is told, each once."""
    for job in process.ledger.write(lambda tx: travel.tell_all(process, tx, int(notice.subject))):
        wake_up(job)
    return True


@follows(travel.ONCE_MORE)
def opt_out_travels_once_more(process: Process, notice: Notice) -> bool:
    """What was on its way to the platform when it was told may have undone it."""
    account, held = notice.content["account"], notice.content["held"]
    why = notice.content.get("why", travel.UNDER_WAY)
    if held and process.ledger.read(lambda tx: under_way.any_of(tx, held)):
        return False
    job = process.ledger.write(lambda tx: travel.tell_again(process, tx, int(notice.subject), account, why))
    if job is not None:
        wake_up(job)
    return True


def _person(process: Process, reference: Reference | None) -> Mapping[str, Any]:
    """The contact that a message went to; nothing where that is not known any more. Raises `SourceAway`."""
    if reference is None:
        return {}
    job, chunk = process.ledger.read(lambda tx: _of(tx, reference))
    if job is None or chunk is None or job.kind != "file":
        return process.ledger.read(lambda tx: person_of(process, tx, reference))
    try:
        rows = rows_again(process, job, chunk, [reference.row])
    except (SourceChanged, SourceRefused):
        return {}
    return dict(rows[0]["contact"]) if rows else {}


def _of(tx: Any, reference: Reference) -> tuple[Any, Any]:
    return jobs.get(tx, reference.job), planning.chunk_of(tx, reference.job, reference.chunk)


def _enter(process: Process, notice: Notice, address: str, reason: str, channels: Sequence[str] = ()) -> bool:
    account, at = str(notice.account), min(notice.happened_at, time.time())
    events = [Event(address, one, reason, at, account, MARKETING) for one in channels or channels_of(address)]
    process.ledger.write(lambda tx: [register.enter(process, tx, event, account) for event in events])
    return True
