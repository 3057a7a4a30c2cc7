"""Messages of a cascade that are planned as a whole: whom a file names, and where to look for them at Devino."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.devino import listed
from tasks.strict import JSON
from worker.facts.campaign import Campaign
from worker.facts.rows import Rows


def person(row: JSON, _names: Sequence[str]) -> JSON:
    """A contact as it is: its fields, for macros, are all of its columns."""
    return row


def look_for(payload: JSON) -> str:
    return f"In Devino's own console, look among the messages of cascade {payload['taskId']} for these contacts."


def look_for_new(payload: JSON) -> str:
    """Of a cascade that is created with its messages."""
    named = str(payload["cascade"].get("taskName", ""))
    return f"In Devino's own console, look for the cascade whose name begins with “{named}”, and for its messages."


PEOPLE = Rows(listed.KEY, listed.ListedContact, cells=listed.CELLS)
CAMPAIGN = Campaign(PEOPLE, person, look_for)
NEW_CASCADE = Campaign(PEOPLE, person, look_for_new)
