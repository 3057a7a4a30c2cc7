"""A newsletter that is planned as a whole: whom a file names, when Omnisense delivers it, and where to look for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from tasks.omnisense.recipients import Recipient
from tasks.strict import JSON
from worker.facts.campaign import Campaign
from worker.facts.rows import Cells, Rows


def person(row: JSON, names: Sequence[str]) -> str | JSON:
    """Whom a row of a file names, with those of its columns that fill the template."""
    own = {name: value for name, value in row.get("variables", {}).items() if name in names}
    return {"email": row["email"], "variables": own} if own else str(row["email"])


def deliver(payload: JSON, moment: datetime) -> JSON:
    """Omnisense itself waits for the `delivery_time`."""
    at = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**payload, "newsletter": {**payload["newsletter"], "delivery_time": at}}


def look_for(payload: JSON) -> str:
    letter = payload["newsletter"]
    titled = f" titled “{letter['title']}”" if letter.get("title") else ""
    return (
        f"In Omnisense's own console, look among the newsletters for one of template {letter['newsletter_template_id']}"
        f"{titled}, and how many people it went to."
    )


PEOPLE = Rows("emails", Recipient, cells=Cells(("email",), rest="variables"))
IGNORES = "Omnisense ignores addresses that it does not know."
CAMPAIGN = Campaign(PEOPLE, person, look_for, deliver, IGNORES)
