"""Of whom, and on which channel, a status of a message speaks (platforms.md D27).

Devino's callback names no channel. Where its cascade was read, the trigger tells it; else it is that of the address: of
mails, whose statuses such ones are (2.5), then of the telephone. A person is never taken for something else than what
the field says: what stands under `email` and is no address is nobody's push token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tasks.consent import EMAIL, PUSH, SMS, VIBER, channels_of, is_mail
from worker.ledger import watched
from worker.notices import Notice
from worker.processes.process import Process
from worker.receiver.told import shown

CHANNELS = {"EMAIL": EMAIL, "SMS": SMS, "VIBER": VIBER, "PUSH": PUSH}
FIELDS = {EMAIL: "email", SMS: "phone", VIBER: "phone", PUSH: "pushToken"}
Place = tuple[str, tuple[str, ...]]  # an address, and the channels that lead there


def channel_of(process: Process, notice: Notice) -> str | None:
    """That of the trigger which sent the message; None where it is not known, or no channel of consent's."""
    cascade, trigger = (shown(str(notice.content.get(name) or "")) for name in ("taskId", "triggerId"))
    said = process.ledger.read(lambda tx: watched.channel(tx, str(notice.account), cascade, trigger))
    return CHANNELS.get(str(said).upper())


def said_of(person: Mapping[str, Any], channel: str | None) -> Place | None:
    """The address on that channel, else the first there is: an opt-out is never dropped for want of a channel."""
    places = list(_places(person))
    on_it = [(address, (channel,)) for address, channels in places if channel is not None and channel in channels]
    return next(iter([*on_it, *places]), None)


def _places(person: Mapping[str, Any]) -> Iterator[Place]:
    named = person.get("pushInfo")
    devices = [one for one in named if isinstance(one, Mapping)] if isinstance(named, list) else []
    for said in (person, *devices):
        for field in dict.fromkeys(FIELDS.values()):
            channels = tuple(one for one, name in FIELDS.items() if name == field)
            address = said.get(field)
            if isinstance(address, str) and address.strip() and _is_one(address, channels):
                yield address, channels


def _is_one(address: str, channels: tuple[str, ...]) -> bool:
    """Of a device's token nobody knows the form."""
    return channels == (PUSH,) or (is_mail(address) if channels == (EMAIL,) else channels_of(address) == channels)
