"""The older form of a contact, `email`, `phone`, `status` and `statusDate` beside its name, made identifiers.

There was one status for both: it is that of the e-mail address, and of the telephone number where there is no address.
`unsubscribed` counts for both: an opt-out in doubt is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.omnisend.identifiers import CHANNEL_OF, UNSAID
from tasks.strict import JSON

ADDRESSES = ("email", "phone")
STATUS = ("status", "statusDate")


def identifiers(content: JSON, names: Sequence[str] = ADDRESSES) -> list[JSON]:
    """Those among `names` that the contact has."""
    given = [name for name in names if content.get(name)]
    return [_identifier(content, name, first=name == given[0]) for name in given]


def without(content: JSON, *names: str) -> JSON:
    return {name: value for name, value in content.items() if name not in names}


def _identifier(content: JSON, name: str, first: bool) -> JSON:
    said = {part: content[part] for part in STATUS if content.get(part)}
    concerns = "status" in said and (first or said["status"] == "unsubscribed")
    channel: dict[str, Any] = said if concerns else UNSAID
    return {"type": name, "id": content[name], "channels": {CHANNEL_OF[name]: channel}}
