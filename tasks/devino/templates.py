"""The six templates of Devino OMNI, one for each channel ("Template Filling"), with their documented limits.

What the OMNI document leaves open is taken from the documents of the single channels (platforms.md 2.4). All times
are in seconds. In a cascade a template has to be complete; one that overrides it for a call names what differs alone.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields, validates_schema

from tasks.devino.times import Moment
from tasks.devino.values import AnyCaseWord, Flag, Id, Link, Object, Phone, Several, Shape, Text, Whole, Word
from tasks.strict import JSON, problem

LATIN_TEXT, OTHER_TEXT = 34_170, 17_085
SENDER = re.compile(r"[ -~]{1,11}|[0-9]{1,15}")
IMAGES = ("", ".jpg", ".jpeg", ".png")
UNSUBSCRIBE = "${Unsubscribe}"
DAY = 86_400


class SmsTemplate(Shape):
    sender = Text(data_key="from", attribute="from", required=True)
    text = Text(required=True)
    validity = Whole(0, 3 * DAY)
    shortenUrl = Flag()

    @validates_schema
    def _fits(self, sms: JSON, **_: Any) -> None:
        text = sms.get("text", "")
        most = LATIN_TEXT if text.isascii() else OTHER_TEXT
        if len(text) > most:
            raise ValidationError(
                {"text": problem("too_long", f"has more than {most} characters", "Shorten it.").messages}
            )
        if not SENDER.fullmatch(sms.get("from", "any")):
            advice = "Write the approved name, to 11 Latin characters, or number, to 15 digits."
            raise ValidationError({"from": problem("invalid", "is not a sender of SMS", advice).messages})


class ViberTemplate(Shape):
    """Text; text and button; text, button and image; or button and image. A button is `action` and `caption`."""

    sender = Text(data_key="from", attribute="from", required=True)
    text = Text(2_000)
    action = Link()
    caption = Text(30)
    image = Link()
    validity = Whole(15, 14 * DAY)

    @validates_schema
    def _fits(self, viber: JSON, partial: bool | None = None, **_: Any) -> None:
        if not partial:
            _check_parts({"text", "action", "caption", "image"}.intersection(viber))
        if PurePosixPath(urlsplit(viber.get("image", "")).path).suffix.lower() not in IMAGES:
            problem_ = problem("invalid", "is not a JPG or PNG", "Give the address of a JPG, JPEG or PNG.")
            raise ValidationError({"image": problem_.messages})


def _check_parts(parts: set[str]) -> None:
    button = {"action", "caption"}
    if parts in ({"text"}, {"text"} | button, {"text", "image"} | button, {"image"} | button):
        return
    advice = "Give text; or action and caption, with text, image or both."
    raise problem("incomplete", "has parts that don't go together", advice)


class EmailTemplate(Shape):
    """A letter without its unsubscribe macro is refused by Devino's e-mail channel."""

    sourceAddress = fields.Email(required=True)
    sourceName = Text(150)
    subject = Text(required=True)
    htmlBody = Text()
    plainText = Text()
    attachmentIds = Several(Id())

    @validates_schema
    def _fits(self, letter: JSON, partial: bool | None = None, **_: Any) -> None:
        if not (partial or {"htmlBody", "plainText"}.intersection(letter)):
            raise ValidationError({"htmlBody": problem("missing", "and plainText are missing", "Give one.").messages})
        if UNSUBSCRIBE not in letter.get("htmlBody", UNSUBSCRIBE):
            advice = f"Write {UNSUBSCRIBE} where its address belongs."
            missing = problem("unsubscribe", "has no way to unsubscribe", advice)
            raise ValidationError({"htmlBody": missing.messages})


class PushTemplate(Shape):
    sender = Id(data_key="from", attribute="from", required=True)
    title = Text(200)
    text = Text(1_024)
    badge = Whole()
    validity = Whole(30, DAY)
    silentPush = Flag()
    android = Object()
    apns = Object()
    options = Object([str])

    @validates_schema
    def _fits(self, push: JSON, partial: bool | None = None, **_: Any) -> None:
        if not (partial or push.get("silentPush") or "text" in push):
            raise ValidationError(
                {"text": problem("missing", "is missing", "Add it, or make it a silentPush.").messages}
            )


class Deeplink(Shape):
    target = Word(["card", "campaign", "campaigns"], required=True)
    campaignId = Text(512)

    @validates_schema
    def _fits(self, deeplink: JSON, **_: Any) -> None:
        if deeplink.get("target") == "campaign" and "campaignId" not in deeplink:
            missing = problem("missing", "is missing", "Add it: the target is a campaign.")
            raise ValidationError({"campaignId": missing.messages})


class PushPayload(Shape):
    title = Text(50)
    message = Text(2_048, required=True)
    image = Link(512)
    deeplink = fields.Nested(Deeplink)


class PushWalletTemplate(Shape):
    """A push into the wallet application, found by telephone number. `scheduledTime` is for single calls alone: in a
    cascade the window of the trigger says when (D15)."""

    sender = Text(data_key="from", attribute="from", required=True)
    to = Phone()
    callbackUrl = Link(1_000)
    callbackData = fields.String()
    scheduledTime = Moment()
    mergeKey = Text()
    payload = fields.Nested(PushPayload, required=True)
    validity = Whole(1)

    @validates_schema
    def _fits(self, push: JSON, partial: bool | None = None, **_: Any) -> None:
        if "scheduledTime" in push and not partial:
            advice = "Leave it out: startTime and endTime of the trigger say when."
            raise ValidationError(
                {"scheduledTime": problem("not_wanted", "has no place in a cascade", advice).messages}
            )


class TemplateId(Text):
    """A number may stand without quotes; it goes out as text."""

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> str:
        return super()._deserialize(str(value) if type(value) is int else value, *rest, **more)


class VkTemplate(Shape):
    """`routes` are networks in the order in which they are tried."""

    templateId = TemplateId(required=True)
    templateData = Object()
    routes = Several(AnyCaseWord(["VK", "OK"]), distinct=True, required=True)
    deliveryPolicy = AnyCaseWord(["ANY", "MOBILE_DEVICE_REQUIRED"])
    validity = Whole(15, DAY)
    callbackData = fields.String()
    callbackUrl = Link()


TEMPLATES = {
    "SMS": "smsTemplate",
    "VIBER": "viberTemplate",
    "EMAIL": "emailTemplate",
    "PUSH": "pushTemplate",
    "PUSH_WALLET": "pushWalletTemplate",
    "VK": "vkTemplate",
}
CHANNELS = tuple(TEMPLATES)


class Template(Shape):
    """One of the six, that of the channel."""

    smsTemplate = fields.Nested(SmsTemplate)
    viberTemplate = fields.Nested(ViberTemplate)
    emailTemplate = fields.Nested(EmailTemplate)
    pushTemplate = fields.Nested(PushTemplate)
    pushWalletTemplate = fields.Nested(PushWalletTemplate)
    vkTemplate = fields.Nested(VkTemplate)

    @validates_schema
    def _only_one(self, template: JSON, **_: Any) -> None:
        if len(template) != 1:
            raise problem("invalid", "is not one template", "Write the template of the channel alone.")


class Overrides(fields.Dict):
    """Under the id of a trigger the template of its channel, with that alone which is to be different this time."""

    def __init__(self, keys: fields.Field[Any] | None = None, **more: Any) -> None:
        super().__init__(keys=keys or Id(), values=fields.Nested(Template(partial=True)), **more)

    def _deserialize(self, value: Any, *rest: Any, **more: Any) -> JSON:
        found: dict[Any, Any] = super()._deserialize(value, *rest, **more)  # type: ignore[no-untyped-call]
        return {str(key): one for key, one in found.items()}
