"""Whatever a shape lets pass, the sandbox takes, and what it took equals what was asked for.

Values whose form changes on the way are drawn as pairs: what is asked, and what the platform has to hear. The sandbox
is written from the document alone, so neither side can forgive the other's mistakes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tasks.omnisense.conftest import Post

JSON = dict[str, Any]
Pairs = st.SearchStrategy[tuple[Any, Any]]
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
PROVED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
TEXT = ANY_TEXT.filter(str.strip)
ADDRESS = st.from_regex(r"[a-z0-9_+-]{1,8}(\.[A-Z0-9]{1,4})?@([a-z]{1,5}\.){1,2}[a-z]{2,4}", fullmatch=True)
NUMBER = st.one_of(st.integers(-(2**63), 2**63), st.floats(-1e15, 1e15, allow_subnormal=False))
SCALAR = st.one_of(ANY_TEXT, NUMBER, st.booleans())
HASH = st.dictionaries(ANY_TEXT, SCALAR, max_size=4)


def same(values: st.SearchStrategy[Any]) -> Pairs:
    return values.map(lambda value: (value, value))


def pair(asked: Iterable[tuple[str, tuple[Any, Any]]]) -> tuple[JSON, JSON]:
    """Names with pairs as a pair of objects; what is asked as null the platform doesn't hear of."""
    named = dict(asked)
    heard = {name: both[1] for name, both in named.items() if both[0] is not None}
    return {name: both[0] for name, both in named.items()}, heard


def objects(required: dict[str, Pairs], optional: dict[str, Pairs]) -> Pairs:
    nothing = st.just((None, None))
    chosen = {name: one | nothing for name, one in optional.items()}
    return st.fixed_dictionaries(required, optional=chosen).map(lambda named: pair(named.items()))


def _degrees(most: int) -> Pairs:
    """Tenths of a degree, as a number or as its text."""
    tenths = st.integers(-most * 10, most * 10)
    texts = tenths.map(lambda n: f"{'-' * (n < 0)}{abs(n) // 10}.{abs(n) % 10}")
    return texts.map(lambda text: (text, text)) | tenths.map(lambda n: (n / 10, str(n / 10)))


DAY = st.dates().map(str).map(lambda day: (day, day))
CODE = st.from_regex(r"[A-Za-z]{2}", fullmatch=True)
FLAG = same(st.booleans())
USER = objects(
    {},
    {
        **dict.fromkeys(
            ["first_name", "last_name", "phone", "address", "city", "postal_code", "company"], same(ANY_TEXT)
        ),
        **dict.fromkeys(["optin", "optin_sms", "registered"], FLAG),
        **dict.fromkeys(["birthday", "custom_event_date"], DAY),
        "fb_id": same(TEXT),
        "country": CODE.map(lambda code: (code, code.upper())),
        "lang": CODE.map(lambda code: (code, code.lower())),
        "sex": same(st.sampled_from(["male", "female"])),
    },
)
METADATA = st.dictionaries(
    ANY_TEXT,
    same(ANY_TEXT)
    | st.integers().map(lambda n: (n, str(n)))
    | st.integers(-1000, 1000).map(lambda n: (n / 4, f"{n / 4}"))
    | st.sampled_from([(True, "true"), (False, "false"), (None, None)]),
    max_size=4,
).map(lambda named: pair(named.items()))
SUBSCRIBER = objects(
    {"udid": same(TEXT)},
    {
        "trid": same(TEXT),
        "user": USER,
        "platform": st.sampled_from([("android", "android"), ("iphone", "iphone"), ("ios", "iphone")]),
        "token": same(TEXT),
        "location": objects({"latitude": _degrees(90), "longitude": _degrees(180)}, {}),
        "metadata": METADATA,
    },
)


@given(SUBSCRIBER, ADDRESS | st.none())
@PROVED
def test_a_subscriber_is_saved_as_asked(post: Post, subscriber: tuple[JSON, JSON], email: str | None) -> None:
    post.sandbox.reset()
    asked, heard = subscriber
    if email is not None:
        asked["user"], heard["user"] = (
            {**(asked.get("user") or {}), "email": email},
            {**heard.get("user", {}), "email": email},
        )
    (sent,) = post("save_subscriber", asked)
    assert sent.body == heard
    saved = post.sandbox.person(email or heard["udid"])
    assert sent.answer is not None
    assert saved == heard | {"trid": sent.answer["trid"]}


EVENT = objects({"identifier": same(TEXT)}, {"segments": same(HASH)})
MOMENT = st.datetimes(timezones=st.just(UTC), min_value=datetime(1900, 1, 1)).map(
    lambda when: (when.isoformat(), f"{when:%Y-%m-%d %H:%M:%S}Z")
)
WHO = st.sampled_from([("email",), ("trid",), ("email", "trid")])


@given(WHO, ADDRESS, TEXT, EVENT)
@PROVED
def test_an_event_is_recorded_as_asked(post: Post, who: tuple[str, ...], email: str, trid: str, event: Any) -> None:
    post.sandbox.reset()
    named = {"email": email, "trid": trid}
    person = {name: named[name] for name in who}
    (sent,) = post("record_user_event", person | {"user_event": event[0], "date": None})
    assert sent.body == person | {"user_event": event[1]}
    assert post.sandbox.taken([sent.body]) == [1]


@given(ADDRESS, EVENT, MOMENT, st.integers(0, 10))
@PROVED
def test_an_event_with_a_date_is_recorded_once_on_either_way(
    post: Post, email: str, event: Any, moment: tuple[str, str], minutes: int
) -> None:
    post.sandbox.reset()
    asked = {"email": email, "user_event": event[0], "date": moment[0]}
    left = datetime.fromisoformat(moment[1].replace("Z", "+00:00")) + timedelta(minutes=minutes)
    (sent,) = post("record_user_event", asked, at=left)
    row = {"email": email, "date": moment[1], **event[1]}
    assert sent.body == ({"user_events": [row]} if minutes > 5 else {"email": email, "user_event": event[1]})
    assert post.sandbox.counts()["events"] == 1


@given(st.lists(st.tuples(ADDRESS, EVENT, MOMENT), min_size=1, max_size=5))
@PROVED
def test_rows_of_an_import_are_taken_as_asked(post: Post, rows: list[Any]) -> None:
    post.sandbox.reset()
    for email, event, moment in rows:
        (sent,) = post("import_user_events", {"email": email, "date": moment[0], **event[0]})
        assert sent.body == {"user_events": [{"email": email, "date": moment[1], **event[1]}]}
    assert post.sandbox.counts()["events"] == len(rows)


LETTER = objects(
    {"newsletter_template_id": same(st.integers(1, 2**40))},
    {
        "sender_profile_id": same(st.integers(1, 2**40)),
        "title": same(TEXT),
        "delivery_time": st.datetimes(min_value=datetime(2027, 1, 1), timezones=st.just(UTC)).map(
            lambda when: (when.isoformat(" "), f"{when:%Y-%m-%dT%H:%M:%S}Z")
        ),
        "is_transactional": FLAG,
        "variables": same(HASH),
    },
)
PEOPLE = st.lists(st.tuples(ADDRESS, st.none() | HASH), min_size=1, max_size=8, unique_by=lambda one: one[0].lower())


@given(LETTER, PEOPLE, st.data())
@PROVED
def test_a_newsletter_reaches_everybody_once_with_their_own_variables(
    post: Post, letter: tuple[JSON, JSON], people: list[tuple[str, JSON | None]], data: st.DataObject
) -> None:
    post.sandbox.reset()
    for email, _ in people:
        post("save_subscriber", {"user": {"email": email}})
    asked = [email if own is None else {"email": email, "variables": own} for email, own in people]
    again = data.draw(st.lists(st.sampled_from(asked)))
    listed = {"OMNISENSE_TRANSACTIONAL_TEMPLATES": str(letter[0]["newsletter_template_id"])}
    sent = post("send_newsletter", {"newsletter": letter[0], "emails": asked + again}, settings=listed, at=NOW)
    heard = {"is_transactional": False} | letter[1]
    mails = [{"newsletter": _filled(heard, own or {}), "email": email} for email, own in people]
    assert post.sandbox.taken(mails) == [1] * len(people)
    assert post.sandbox.counts()["events"] == len(people)
    assert len(sent) <= len(people)


def _filled(letter: JSON, own: JSON) -> JSON:
    variables = letter.get("variables", {}) | own
    return letter | ({"variables": variables} if variables or "variables" in letter else {})
