"""Identifiers: by what a contact is known, and how it may be written to there.

Source: Omnisend API v3, "Contacts", Contact identifiers, Identifier channel, Channel statuses, Channel status date.
"""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from tasks.omnisend.values import Address, Moment, OneOf, Phone, StatusDate
from tasks.strict import JSON, Shape, Text, problem

STATUSES = ("subscribed", "unsubscribed", "nonSubscribed")
CHANNEL_OF = {"email": "email", "phone": "sms"}
KINDS: dict[str, fields.String] = {"email": Address(), "phone": Phone()}

# An identifier of which nobody said a status: Omnisend wants one, takes `subscribed` where it is left out, and leaves
# the status that it has alone if ours is older. None of its contacts is as old as this.
UNSAID = {"status": "nonSubscribed", "statusDate": "2000-01-01T00:00:00Z"}
NOT_SAID = "`email` for an e-mail address, `sms` for a number; if not given, the status that Omnisend has stays"


class Channel(Shape):
    """Whether somebody may be written to on one channel, and since when."""

    status = OneOf(*STATUSES, required=True)
    statusDate = StatusDate(allow_none=True)


class Channels(Shape):
    """An e-mail address has the channel `email`, a telephone number the channel `sms`."""

    elsewhere = dict.fromkeys(("phone", "status", "statusDate"), "Write it as channels.email.status or .sms.status.")
    email = fields.Nested(Channel, allow_none=True)
    sms = fields.Nested(Channel, allow_none=True)


class Consent(Shape):
    """How and when somebody agreed to be written to."""

    source = fields.String(allow_none=True)
    createdAt = Moment(allow_none=True)
    ip = fields.String(allow_none=True, validate=validate.Length(max=64))
    userAgent = fields.String(allow_none=True)


class Identifier(Shape):
    """`{"type", "id", "source"?, "consent"?, "channels"?}`: without channels nothing is said of its status, and the
    status that Omnisend has stays."""

    elsewhere = dict.fromkeys(("status", "statusDate"), "Write it into channels.") | dict.fromkeys(
        ("sendWelcomeEmail", "sendWelcomeMessage"), "Write sendWelcomeEmail beside identifiers."
    )
    type = OneOf(*CHANNEL_OF, required=True)
    id = Text(required=True)
    source = fields.String(allow_none=True)
    consent = fields.Nested(Consent, allow_none=True)
    channels = fields.Nested(Channels, allow_none=True, metadata={"description": NOT_SAID})

    @post_load
    def _of_its_type(self, content: JSON, **_: Any) -> JSON:
        channels = content.get("channels") or {}
        own = CHANNEL_OF[content["type"]]
        for other in channels.keys() - {own}:
            reason, advice = f"is not a channel of an identifier of type {content['type']}", f"Write {own}."
            raise ValidationError({"channels": {other: problem("other", reason, advice).messages}})
        return {**content, "id": _id(content), "channels": channels or {own: UNSAID}}


def _id(content: JSON) -> Any:
    try:
        return KINDS[content["type"]].deserialize(content["id"])
    except ValidationError as error:
        raise ValidationError({"id": error.messages}) from None
