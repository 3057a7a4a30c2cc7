"""Random valid payloads: every strategy draws pairs, a value as a caller writes it and as Devino reads it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from tasks.devino.shapes import MACRO_STATES, STATES

Pair = tuple[Any, Any]
Pairs = st.SearchStrategy[Pair]

DAY = 86_400
MOSCOW = timezone(timedelta(hours=3))
LETTERS = st.characters(codec="utf-8", exclude_characters="\0")


def _same(values: st.SearchStrategy[Any]) -> Pairs:
    return values.map(lambda value: (value, value))


def _text(most: int = 40) -> Pairs:
    return _same(st.text(LETTERS, min_size=1, max_size=most).filter(str.strip))


def _whole(least: int = 0, most: int = 10**6) -> Pairs:
    return _same(st.integers(least, most))


def _several(inner: Pairs, most: int = 3) -> Pairs:
    return st.lists(inner, min_size=1, max_size=most).map(lambda pairs: ([a for a, _ in pairs], [b for _, b in pairs]))


@st.composite
def _object(draw: st.DrawFn, needed: Mapping[str, Pairs], further: Mapping[str, Pairs]) -> Pair:
    """An optional field that is null is left out."""
    drawn = draw(st.fixed_dictionaries(dict(needed), optional={n: st.none() | pairs for n, pairs in further.items()}))
    asked = {name: pair if pair is None else pair[0] for name, pair in drawn.items()}
    return asked, {name: pair[1] for name, pair in drawn.items() if pair is not None}


def _at(when: datetime, offset: int) -> str:
    return when.astimezone(timezone(timedelta(minutes=15 * offset))).isoformat()


def _local(when: datetime, separator: str = " ") -> str:
    return when.astimezone(MOSCOW).replace(tzinfo=None).isoformat(separator, "seconds")


def _moment(separator: str = " ") -> Pairs:
    moments = st.datetimes(datetime(2090, 1, 1), datetime(2098, 12, 31), timezones=st.just(UTC))
    return st.builds(lambda when, by: (_at(when, by), _local(when, separator)), moments, st.integers(-40, 40))


FLAG = _same(st.booleans())
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(LETTERS, max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(LETTERS, max_size=5), inner, max_size=2),
    max_leaves=4,
)
ANY_OBJECT = _same(st.dictionaries(st.text(LETTERS, max_size=5), ANY, max_size=3))
PLAIN_OBJECT = _same(
    st.dictionaries(st.text(LETTERS, max_size=5), st.booleans() | st.integers() | st.text(LETTERS), max_size=3)
)
STRINGS = _same(st.dictionaries(st.text(LETTERS, max_size=5), st.text(LETTERS, max_size=5), max_size=3))
ID = st.integers(1, (1 << 63) - 1).flatmap(lambda number: st.sampled_from([(number, number), (str(number), number)]))
IDS = st.lists(ID, min_size=1, max_size=4, unique_by=lambda pair: pair[1]).map(
    lambda pairs: ([a for a, _ in pairs], [b for _, b in pairs])
)
LINK = _same(
    st.sampled_from(["https://shop.test/a?b=c#d", "http://127.0.0.1:8000/x", "${Link}", "https://магазин.рф/"])
)
IMAGE = _same(st.sampled_from(["https://shop.test/a.PNG", "https://shop.test/a.jpeg?x=1", "https://shop.test/image"]))
PHONE = st.builds(
    lambda digits, lead, gap: (f"{lead}{digits[:3]}{gap}{digits[3:]}", digits),
    st.from_regex(r"[0-9]{8,15}", fullmatch=True),
    st.sampled_from(["", "+"]),
    st.sampled_from(["", " ", "-"]),
)
EMAIL = _same(
    st.from_regex(r"[a-z0-9_+-]{1,10}(\.[A-Za-z0-9]{1,5})?@(shop\.test|пример\.рф|EXAMPLE\.com)", fullmatch=True)
)
HTML = _text().map(lambda pair: (f"{pair[0]}${{Unsubscribe}}", f"{pair[1]}${{Unsubscribe}}"))
SENDER = _same(st.from_regex(r"[A-Za-z0-9][ -~]{0,10}|[0-9]{1,15}", fullmatch=True))
TEMPLATE_ID = st.integers(1, 10**6).flatmap(
    lambda number: st.sampled_from([(number, str(number)), (str(number), str(number))])
)
ROUTES = _same(st.permutations(["VK", "OK"])) | _same(st.sampled_from([["VK"], ["OK"]]))
DEEPLINK = _object({"target": _same(st.sampled_from(["card", "campaign", "campaigns"])), "campaignId": _text(512)}, {})
PAYLOAD = _object({"message": _text()}, {"title": _text(50), "image": LINK, "deeplink": DEEPLINK})
BUTTON = {"action": LINK, "caption": _text(30)}
VIBER = {"validity": _whole(15, 14 * DAY)}
FROM = {"from": _text()}

TEMPLATES: dict[str, tuple[str, Pairs]] = {
    "SMS": (
        "smsTemplate",
        _object({"from": SENDER, "text": _text()}, {"validity": _whole(0, 3 * DAY), "shortenUrl": FLAG}),
    ),
    "VIBER": (
        "viberTemplate",
        _object({**FROM, "text": _text()}, VIBER)
        | _object({**FROM, **BUTTON, "text": _text()}, VIBER | {"image": IMAGE})
        | _object({**FROM, **BUTTON, "image": IMAGE}, VIBER),
    ),
    "EMAIL": (
        "emailTemplate",
        _object(
            {"sourceAddress": EMAIL, "subject": _text(), "htmlBody": HTML},
            {"sourceName": _text(150), "plainText": _text(), "attachmentIds": _several(ID)},
        ),
    ),
    "PUSH": (
        "pushTemplate",
        _object(
            {"from": ID, "text": _text(1024)},
            {
                "title": _text(200),
                "badge": _whole(),
                "validity": _whole(30, DAY),
                "silentPush": FLAG,
                "android": ANY_OBJECT,
                "apns": ANY_OBJECT,
                "options": STRINGS,
            },
        ),
    ),
    "PUSH_WALLET": (
        "pushWalletTemplate",
        _object(
            {**FROM, "payload": PAYLOAD},
            {
                "to": PHONE,
                "callbackUrl": LINK,
                "callbackData": _same(st.text(LETTERS)),
                "mergeKey": _text(),
                "validity": _whole(1),
            },
        ),
    ),
    "VK": (
        "vkTemplate",
        _object(
            {"templateId": TEMPLATE_ID, "routes": ROUTES},
            {
                "templateData": ANY_OBJECT,
                "deliveryPolicy": st.sampled_from(
                    [("any", "ANY"), ("MOBILE_DEVICE_REQUIRED", "MOBILE_DEVICE_REQUIRED")]
                ),
                "validity": _whole(15, DAY),
                "callbackData": _same(st.text(LETTERS)),
                "callbackUrl": LINK,
            },
        ),
    ),
}
STATES_OF = {
    "SMS": ["delivered", "Expired"],
    "VIBER": ["delivered", "expired", "OPENED", "clicked"],
    "EMAIL": ["delivered", "opened", "clicked", "unsubscribed", "subscribed"],
}
BOOK = {
    "addressBookSourceType": _same(st.sampled_from(["SIMPLE", "PERIODIC"])),
    "byTimeZone": FLAG,
    "byOptimalSendTime": FLAG,
    "checkDuplicate": FLAG,
    "stopContactGroupIds": IDS,
    "contactCountId": ID,
    "smoothSendMinutes": _whole(0, 1440),
}


@st.composite
def _events(draw: st.DrawFn, channel: str) -> Pair:
    known = channel in STATES_OF
    values = st.sampled_from(STATES_OF[channel]) if known else st.sampled_from(["Tapped", "MSISDN_NOT_REGISTERED"])
    asked = [
        {"channel": channel, "eventType": "STATE", "eventValue": value}
        for value in draw(st.lists(values, min_size=1, max_size=2))
    ]
    return asked, [
        event | {"eventValue": event["eventValue"].lower() if known else event["eventValue"]} for event in asked
    ]


@st.composite
def _trigger(
    draw: st.DrawFn, index: int, beginning: str, parent: tuple[dict[str, Any], datetime] | None
) -> tuple[Pair, datetime]:
    """A trigger and its start; its window ends after its own and its parent's start."""
    channel = draw(st.sampled_from(sorted(TEMPLATES)))
    start = draw(st.datetimes(datetime(2090, 1, 1), datetime(2098, 1, 1), timezones=st.just(UTC))).replace(
        microsecond=0
    )
    end = max(start, parent[1] if parent else start) + timedelta(seconds=draw(st.integers(1, 10**6)))
    by = draw(st.integers(-40, 40))
    key, template = TEMPLATES[channel][0], draw(TEMPLATES[channel][1])
    kind = draw(st.sampled_from(["EVENT_SOURCE", "NO_EVENT_SOURCE"])) if parent else beginning
    both: dict[str, Any] = {"index": index, "channel": channel, "type": kind}
    asked = both | {"startTime": _at(start, by), "endTime": _at(end, by), "template": {key: template[0]}}
    sent = both | {"startTime": _local(start), "endTime": _local(end), "template": {key: template[1]}}
    events = draw(_events(parent[0]["channel"] if parent else "SMS"))
    if parent or draw(st.booleans()):
        asked[draw(st.sampled_from(["eventSources", "EventSource"]))] = events[0]
    if parent:
        sent |= {"eventSources": events[1], "parentIndex": parent[0]["index"]}
        asked |= {"parentIndex": parent[0]["index"]}
    if kind == "NO_EVENT_SOURCE":
        wait = {"noEventSourceSettings": {"stateWaitMaxTimeSec": draw(st.integers(1, DAY))}}
        asked, sent = asked | wait, sent | wait
    return (asked, sent), start


@st.composite
def cascades(draw: st.DrawFn) -> Pair:
    kind = draw(st.sampled_from(["API", "SIMPLE", "PERIODIC"]))
    beginning = "TRAN_API_SOURCE" if kind == "API" else "ADDRESS_BOOK_SOURCE"
    grown: list[tuple[Pair, datetime]] = []
    for index in draw(st.lists(st.integers(0, 999), min_size=1, max_size=4, unique=True)):
        chosen = draw(st.sampled_from(grown)) if grown else None
        grown.append(draw(_trigger(index, beginning, (chosen[0][1], chosen[1]) if chosen else None)))
    channels = {pair[1]["channel"] for pair, _ in grown}
    channel = "OMNI" if kind == "API" or len(channels) > 1 else channels.pop()
    shuffled = draw(st.permutations(grown))
    name = draw(_text(83))[0]
    periods = ["ONCE"] if kind == "SIMPLE" else ["ONCE", "DAILY", "WEEKLY", "MONTHLY"]
    groups = draw(st.sampled_from(["contactGroupIds", "segmentIds"]))
    book = draw(_object({groups: IDS}, BOOK | {"period": _same(st.sampled_from(periods))}))
    books: list[dict[str, Any]] = [{}, {}] if kind == "API" else [{"addressBookSource": one} for one in book]
    asked = {"taskName": name, "type": kind, "triggers": [pair[0] for pair, _ in shuffled], **books[0]}
    sent = {
        "taskName": name,
        "type": kind,
        "channel": channel,
        "triggers": [pair[1] for pair, _ in shuffled],
        **books[1],
    }
    return asked | draw(st.sampled_from([{}, {"channel": channel}])), sent


FIELD = _object(
    {"name": _text(), "type": _same(st.sampled_from([0, 1, 2, 3, 5, 8]))},
    {"displayName": _text(), "value": _same(ANY.filter(lambda value: value is not None))},
)
DEVICE = _object({"appId": _text(), "os": _whole(), "pushToken": _text()}, {})
REACHED = {"email": EMAIL, "phone": PHONE, "pushInfo": _several(DEVICE)}
PERSON = st.sampled_from(sorted(REACHED)).flatmap(
    lambda name: _object(
        {name: REACHED[name]}, {**{k: v for k, v in REACHED.items() if k != name}, "fields": _several(FIELD)}
    )
)
CONTACT = _object({"contact": PERSON}, {"callbackUrl": LINK, "callbackData": PLAIN_OBJECT})
RECEIVED = _same(st.integers(1, 10**6) | st.from_regex(r"[0-9a-f]{16}-[0-9a-f]{16}", fullmatch=True)).filter(
    lambda pair: not str(pair[0]).endswith("404")
)


def _each_once(pair: Pair) -> Pair:
    return pair[0], [one for number, one in enumerate(pair[1]) if one not in pair[1][:number]]


MESSAGES = st.sampled_from(["contacts", "contactIds"]).flatmap(
    lambda name: _object(
        {
            "taskId": st.sampled_from([(7004, 7004), ("7004", 7004)]),
            name: {"contacts": _several(CONTACT, 4), "contactIds": _several(RECEIVED, 9)}[name].map(_each_once),
        },
        {
            "templates": st.sampled_from([("63321", "EMAIL"), ("63322", "SMS")]).flatmap(
                lambda of: TEMPLATES[of[1]][1].map(
                    lambda pair: ({of[0]: {TEMPLATES[of[1]][0]: pair[0]}}, {of[0]: {TEMPLATES[of[1]][0]: pair[1]}})
                )
            )
        },
    )
)
SOME_STATES = _same(st.lists(st.sampled_from(STATES), min_size=1, max_size=3, unique=True))
SEARCH: dict[str, Pairs] = {
    "channel": _same(st.sampled_from(["OMNI", *sorted(TEMPLATES)])),
    "name": _text(),
    **{f"{what}Date{end}": _moment() for what in ("created", "start", "end") for end in ("From", "To")},
    "includedStates": SOME_STATES,
    "excludedStates": SOME_STATES,
    "types": _same(st.lists(st.sampled_from(["SIMPLE", "API"]), min_size=1, max_size=2, unique=True)),
}
LISTS = _object(
    {
        "ascending": FLAG,
        "count": _whole(1, 100),
        "offset": _whole(),
        "orderBy": _same(st.sampled_from(["ID", "NAME", "STATE", "CREATION_DATE"])),
    },
    SEARCH,
)
MACROS = _object(
    {}, {"taskIds": IDS, "taskStates": _same(st.lists(st.sampled_from(MACRO_STATES), min_size=1, unique=True))}
)
