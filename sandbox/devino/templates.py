"""The six templates, with the limits of "Template Filling" and of the documents of the single channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.devino.rules import (
    Rule,
    anything,
    flag,
    link,
    moment,
    named,
    record,
    refuse,
    several,
    string,
    text,
    whole,
    word,
)
from sandbox.strict import JSON, mapping

DAY = 86_400
NAMES = {
    "SMS": "smsTemplate",
    "VIBER": "viberTemplate",
    "EMAIL": "emailTemplate",
    "PUSH": "pushTemplate",
    "PUSH_WALLET": "pushWalletTemplate",
    "VK": "vkTemplate",
}
DEEPLINK = record({"target": word("card", "campaign", "campaigns")}, {"campaignId": text(512)})
PAYLOAD = record({"message": text(2048)}, {"title": text(50), "image": link(512), "deeplink": DEEPLINK})

# For each template what it needs when a cascade is created, and what it may have besides.
FIELDS: Mapping[str, tuple[Mapping[str, Rule], Mapping[str, Rule]]] = {
    "smsTemplate": (
        {"from": text(15), "text": text(34_170)},
        {"validity": whole(0, 3 * DAY), "shortenUrl": flag},
    ),
    "viberTemplate": (
        {"from": text()},
        {"text": text(2000), "action": link(), "caption": text(30), "image": link(), "validity": whole(15, 14 * DAY)},
    ),
    "emailTemplate": (
        {"sourceAddress": text(), "subject": text()},
        {"sourceName": text(150), "htmlBody": text(), "plainText": text(), "attachmentIds": several(whole(1))},
    ),
    "pushTemplate": (
        {"from": whole(1)},
        {
            "title": text(200),
            "text": text(1024),
            "badge": whole(),
            "validity": whole(30, DAY),
            "silentPush": flag,
            "android": named(anything),
            "apns": named(anything),
            "options": named(string),
        },
    ),
    "pushWalletTemplate": (
        {"from": text(), "payload": PAYLOAD},
        {
            "to": text(15),
            "callbackUrl": link(1000),
            "callbackData": string,
            "scheduledTime": moment("T"),
            "mergeKey": text(),
            "validity": whole(1),
        },
    ),
    "vkTemplate": (
        {"templateId": text(), "routes": several(word("VK", "OK"))},
        {
            "templateData": named(anything),
            "deliveryPolicy": word("ANY", "MOBILE_DEVICE_REQUIRED"),
            "validity": whole(15, DAY),
            "callbackData": string,
            "callbackUrl": link(),
        },
    ),
}


def template(value: Any, at: str) -> None:
    """A whole template: one of the six."""
    _check(value, at, overriding=False)


def override(value: Any, at: str) -> None:
    """What replaces the parameters of a template for one call; it may lack what stays."""
    _check(value, at, overriding=True)


def channel_name(content: JSON) -> str:
    """The key of the one template in it."""
    return next(iter(content))


def _check(value: Any, at: str, overriding: bool) -> None:
    content = mapping(value, at)
    if len(content) != 1 or channel_name(content) not in FIELDS:
        raise refuse(at, f"has to hold one of {', '.join(FIELDS)}.")
    key = channel_name(content)
    needed, further = FIELDS[key]
    rule = record({}, {**needed, **further}) if overriding else record(needed, further)
    rule(content[key], f"{at}.{key}")
    letter = content["emailTemplate"].get("htmlBody", "") if key == "emailTemplate" else ""
    if letter and "${Unsubscribe}" not in letter:
        raise refuse(f"{at}.{key}.htmlBody", "has to hold ${Unsubscribe}.")
