"""The contacts that Omnisend has: who they are, on which channel they may be written to, and since when."""

from __future__ import annotations

import copy
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from sandbox.omnisend.rules import PROFILE, moment
from sandbox.strict import JSON

DIGITS = 6  # "Floats are rounded to 6 digits precision."
ID_BYTES = 13
Who = tuple[str, str]


class Contacts:
    """By id, in the order in which they came. `now` of a change is its arrival."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._by_id: dict[str, JSON] = {}
            self._order: dict[str, int] = {}
            self._owners: dict[Who, str] = {}

    def save(self, content: JSON, now: datetime, contact_id: str | None = None) -> JSON:
        """Change the contact that has the first known identifier, or make one."""
        with self._lock:
            owners = (self._owners.get(who(one)) for one in content["identifiers"])
            found = next(filter(None, owners), None) or self._make(content, contact_id)
            return self._change(found, content, now)

    def change(self, contact_id: str, content: JSON, now: datetime) -> JSON | None:
        """The changed contact, or None if there is none of this id."""
        with self._lock:
            return self._change(contact_id, content, now) if contact_id in self._by_id else None

    def get(self, contact_id: str) -> JSON | None:
        with self._lock:
            return copy.deepcopy(self._by_id.get(contact_id))

    def of(self, kind: str, value: str) -> JSON | None:
        """The contact with this e-mail address or telephone number."""
        with self._lock:
            return copy.deepcopy(self._by_id.get(self._owners.get(who({"type": kind, "id": value}), "")))

    def after(self, contact_id: str | None) -> Iterator[JSON]:
        """All contacts that came later than this one; from the first if it is None. Raises KeyError for no contact."""
        with self._lock:
            begin = 0 if contact_id is None else self._order[contact_id]
            rest = list(self._by_id.values())[begin:]
        return map(copy.deepcopy, rest)

    def __len__(self) -> int:
        return len(self._by_id)

    def _make(self, content: JSON, contact_id: str | None) -> str:
        seed = f"{len(self._by_id)} {who(content['identifiers'][0])}"
        made = contact_id or blake2b(seed.encode(), digest_size=ID_BYTES).hexdigest()
        self._by_id[made] = {"contactID": made, "identifiers": []}
        self._order[made] = len(self._order) + 1
        return made

    def _change(self, contact_id: str, content: JSON, now: datetime) -> JSON:
        contact = self._by_id[contact_id]
        contact.setdefault("createdAt", now.strftime("%Y-%m-%dT%H:%M:%SZ"))
        for identifier in content.get("identifiers", ()):
            self._identify(contact, identifier, now)
        contact.update({name: content[name] for name in PROFILE - {"customProperties"} if name in content})
        for name, value in content.get("customProperties", {}).items():
            _set_property(contact.setdefault("customProperties", {}), name, value)
        return copy.deepcopy(contact)

    def _identify(self, contact: JSON, identifier: JSON, now: datetime) -> None:
        """An identifier of another contact is ignored, and so is another e-mail address than the contact's own."""
        if self._owners.get(who(identifier), contact["contactID"]) != contact["contactID"]:
            return
        had = next((one for one in contact["identifiers"] if one["type"] == identifier["type"]), None)
        if had is None:
            had = {"type": identifier["type"], "id": identifier["id"], "channels": {}}
            contact["identifiers"].append(had)
        elif who(had) != who(identifier):
            if identifier["type"] == "email":
                return
            del self._owners[who(had)]
            had.update(id=identifier["id"], channels={})
        self._owners[who(had)] = contact["contactID"]
        had.update({name: identifier[name] for name in ("source", "consent") if name in identifier})
        for name, said in identifier["channels"].items():
            _set_status(had["channels"], name, said, now)


def who(identifier: JSON) -> Who:
    """An e-mail address is case-sensitive; of a number only the digits count."""
    kind, value = identifier["type"], identifier["id"]
    return kind, re.sub(r"\D", "", value) if kind == "phone" else value


def _set_status(channels: JSON, name: str, said: JSON, now: datetime) -> None:
    """A date earlier than that in the system changes neither status nor date."""
    date = said.get("statusDate") or now.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if name not in channels or moment(date) >= moment(channels[name]["statusDate"]):
        channels[name] = {"status": said.get("status", "subscribed"), "statusDate": date}


def _set_property(properties: JSON, name: str, value: Any) -> None:
    if value in ("", None):
        properties.pop(name, None)
    else:
        properties[name] = round(value, DIGITS) if isinstance(value, float) else value
