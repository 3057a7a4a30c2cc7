"""A cascade on the wire, and how it is looked for when nobody heard whether it was created."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tasks.devino.names import parted
from tasks.devino.opt_outs import stopped
from tasks.devino.times import local, parsed
from tasks.strict import JSON
from worker.errors import Refused
from worker.facts.wire import Query, Sending, Wire
from worker.outcome import Refusal

PATH = "/omni-task-api/tasks"
NEWEST = 100
# Devino doesn't say in which zone it reads the dates of a search; the token tells our cascade from all others.
EARLIER = timedelta(days=1)


def compose(cascade: JSON, sending: Sending) -> Wire:
    """The request, its windows by Devino's clock. Refused (`too_late`) when one would begin in the past."""
    late = list(_late(cascade, sending.at))
    if late:
        raise Refused(late, whole=True)
    triggers = [{**trigger, **_window(trigger, sending)} for trigger in cascade["triggers"]]
    return Wire(PATH, body={**stopped(cascade, sending.settings), "triggers": triggers})


def question(cascade: JSON, sent_at: datetime) -> Wire:
    """Asks for the newest cascades of this name."""
    since = (sent_at.astimezone(UTC) - EARLIER).replace(tzinfo=None).isoformat(" ", "seconds")
    query: Query = (
        ("ascending", "false"),
        ("count", str(NEWEST)),
        ("offset", "0"),
        ("orderBy", "ID"),
        ("name", cascade["taskName"]),
        ("createdDateFrom", since),
    )
    return Wire(PATH, query)


def found(cascade: JSON, answer: JSON) -> JSON | None:
    """What Devino would have answered, if a cascade in this list carries our token."""
    token = parted(cascade["taskName"])[1]
    ids = [row.get("id") for row in answer["result"] if token is not None and row.get("token") == token]
    return {"result": {"code": "OK", "result": ids[0]}} if ids else None


def _late(cascade: JSON, now: datetime) -> Iterator[Refusal]:
    for number, trigger in enumerate(cascade["triggers"]):
        if parsed(trigger["startTime"]) <= now:
            advice = "Choose a later window, then ask again."
            yield Refusal(1, "too_late", f"triggers.{number}.startTime passed before the call could leave.", advice)


def _window(trigger: JSON, sending: Sending) -> dict[str, str]:
    return {name: local(trigger[name], sending) for name in ("startTime", "endTime")}
