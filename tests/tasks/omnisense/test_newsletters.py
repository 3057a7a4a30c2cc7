"""What a newsletter may be, in how many requests it goes, and when it no longer does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.omnisense import PLATFORM
from tasks.omnisense.newsletters import compose, count, split
from tasks.omnisense.shapes import KEYS, NEWSLETTER, Newsletter
from tests.tasks.omnisense.conftest import Post
from worker.checking.check import check_payload
from worker.errors import Refused
from worker.facts.wire import Sending
from worker.operation import Limits, Unsigned
from worker.outcome import Refusal

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
LETTER: dict[str, Any] = {"newsletter_template_id": 45}
LISTED = {"OMNISENSE_TRANSACTIONAL_TEMPLATES": "7, 45,8"}


def _payload(*emails: Any, **letter: Any) -> dict[str, Any]:
    return {"newsletter": LETTER | letter, "emails": list(emails) or ["a@b.co"]}


def _loaded(payload: dict[str, Any]) -> dict[str, Any]:
    loaded, refusals = check_payload(payload, Newsletter)
    assert refusals == []
    assert loaded is not None
    return loaded


def _codes(payload: dict[str, Any]) -> list[str]:
    return [refusal.code for refusal in check_payload(payload, Newsletter)[1]]


def _own(email: str, **variables: Any) -> dict[str, Any]:
    return {"email": email, "variables": variables}


def _requests(payload: dict[str, Any], limits: Limits = NEWSLETTER) -> list[tuple[Any, list[str]]]:
    """Variables and addresses of each request."""
    return [(one["newsletter"].get("variables"), one["emails"]) for one in split(_loaded(payload), limits)]


def _refused(payload: dict[str, Any], at: datetime = NOW, **settings: str) -> Refusal:
    with pytest.raises(Refused) as refused:
        compose(payload, Sending(at, settings))
    assert refused.value.whole
    return refused.value.refusals[0]


def test_a_newsletter_needs_its_template_and_nothing_else() -> None:
    assert _loaded(_payload()) == {"newsletter": LETTER, "emails": ["a@b.co"]}
    assert _codes({"newsletter": {}, "emails": ["a@b.co"]}) == ["newsletter.newsletter_template_id.missing"]
    assert _codes({}) == ["newsletter.missing", "emails.missing"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"newsletter_template_id": None}, "newsletter_template_id.null"),
        ({"newsletter_template_id": "45"}, "newsletter_template_id.invalid"),
        ({"newsletter_template_id": 0}, "newsletter_template_id.invalid"),
        ({"newsletter_template_id": 45.0}, "newsletter_template_id.invalid"),
        ({"newsletter_template_id": True}, "newsletter_template_id.invalid"),
        ({"sender_profile_id": -1}, "sender_profile_id.invalid"),
        ({"title": ""}, "title.empty"),
        ({"title": 5}, "title.invalid"),
        ({"delivery_time": "2026-01-31 12:00:00"}, "delivery_time.naive"),
        ({"delivery_time": "2026-02-30T12:00:00Z"}, "delivery_time.invalid"),
        ({"delivery_time": "tomorrow"}, "delivery_time.invalid"),
        ({"is_transactional": "true"}, "is_transactional.invalid"),
        ({"variables": []}, "variables.invalid"),
        ({"variables": {"a": {}}}, "variables.nested"),
        ({"variables": {"a": None}}, "variables.null"),
        ({"subject": "x"}, "subject.unknown"),
        ({"emails": ["a@b.co"]}, "emails.unknown"),
    ],
)
def test_a_newsletter_in_another_form_is_refused(change: dict[str, Any], code: str) -> None:
    assert _codes(_payload(**change)) == [f"newsletter.{code}"]


@pytest.mark.parametrize(
    ("emails", "codes"),
    [
        (None, ["emails.null"]),
        ("a@b.co", ["emails.invalid"]),
        ({}, ["emails.invalid"]),
        ([], ["emails.empty"]),
        (["nobody"], ["emails.0.invalid"]),
        (["a@b.co", None, 5], ["emails.1.null", "emails.2.invalid"]),
        ([{}], ["emails.0.email.missing"]),
        ([{"email": "nobody"}], ["emails.0.email.invalid"]),
        ([{"email": "a@b.co", "name": "A"}], ["emails.0.name.unknown"]),
        ([{"email": "a@b.co", "variables": {"a": []}}], ["emails.0.variables.nested"]),
        (["a@b.co", _own("A@b.co", a=1)], ["emails.1.contradicts"]),
        ([_own("a@b.co", a=1), _own("a@b.co", a=True)], ["emails.1.contradicts"]),
        (["nobody"] * 1000, [f"emails.{place}.invalid" for place in range(10)]),
    ],
)
def test_recipients_in_another_form_are_refused_by_their_places(emails: Any, codes: list[str]) -> None:
    assert _codes({"newsletter": LETTER, "emails": emails}) == codes


def test_a_field_of_the_newsletter_that_stands_beside_it_is_told_where_it_belongs() -> None:
    (refusal,) = check_payload(_payload() | {"title": "x"}, Newsletter)[1]
    assert (refusal.code, refusal.advice) == ("title.unknown", "Write it into newsletter.")


def test_half_a_character_in_a_variable_is_refused_like_anywhere_else() -> None:
    assert _codes(_payload(_own("a@b.co", a="\ud800"), "c@b.co")) == ["row.surrogate"]


def test_everybody_gets_it_once() -> None:
    payload = _payload(
        "a@b.co", "c@b.co", "A@B.co", {"email": "a@b.co"}, _own("d@b.co", x=1), _own("D@b.co", x=1), "a@b.co"
    )
    assert _loaded(payload)["emails"] == ["a@b.co", "c@b.co", _own("d@b.co", x=1)]


def test_those_with_equal_variables_share_a_request_and_own_ones_win() -> None:
    own = [_own("b@b.co", code=2), _own("d@b.co", code=2), _own("e@b.co", code=1, x="y"), _own("f@b.co", code=1)]
    payload = _payload("a@b.co", own[0], "c@b.co", *own[1:], variables={"code": 1})
    assert _requests(payload) == [
        ({"code": 1}, ["a@b.co", "c@b.co", "f@b.co"]),
        ({"code": 2}, ["b@b.co", "d@b.co"]),
        ({"code": 1, "x": "y"}, ["e@b.co"]),
    ]


def test_variables_are_equal_in_any_order_of_their_names() -> None:
    payload = _payload(_own("a@b.co", x=1, y=2), _own("b@b.co", y=2, x=1), _own("A@b.co", y=2, x=1))
    assert _requests(payload) == [({"x": 1, "y": 2}, ["a@b.co", "b@b.co"])]


def test_variables_that_only_look_equal_are_not() -> None:
    payload = _payload(*(_own(f"{n}@b.co", a=value) for n, value in enumerate([1, True, "1", 1.0])))
    assert len(_requests(payload)) == 4


def test_every_request_of_a_newsletter_is_a_newsletter_that_its_shape_takes() -> None:
    payload = _loaded(_payload("a@b.co", _own("b@b.co", x=1), title="T", delivery_time="2026-01-31T14:00:00+02:00"))
    for request in split(payload, NEWSLETTER):
        assert _loaded(request) == request
        assert split(request, NEWSLETTER) == [request]


def test_a_request_counts_its_recipients() -> None:
    payload = _loaded(_payload(*(f"{n}@b.co" for n in range(25)), _own("own@b.co", x=1)))
    requests = split(payload, Limits(10, 1 << 20))
    assert [count(request) for request in requests] == [10, 10, 5, 1]
    assert sum(map(count, requests)) == count(payload)


def test_no_request_is_larger_than_a_mebibyte_and_nobody_is_left_out(post: Post) -> None:
    everybody = [f"ключ-{n}-{'x' * (n % 50)}@example.com" for n in range(40_000)]
    sent = post("send_newsletter", _payload(*everybody, title="x" * 1000))
    assert [email for request in sent for email in request.body["emails"]] == everybody
    sizes = [len(json.dumps(request.body, ensure_ascii=False, separators=(",", ":")).encode()) for request in sent]
    assert max(sizes) <= NEWSLETTER.bytes - KEYS
    assert min(sizes[:-1]) > NEWSLETTER.bytes - KEYS - 200


def test_keys_of_a_usual_size_fit_into_the_room_that_is_left_for_them() -> None:
    keys = dict.fromkeys([setting.name for setting in PLATFORM.settings], "k" * 1000)
    way_in = PLATFORM.access(keys | {"OMNISENSE_BASE_URL": "https://x/api/v1"})
    (operation,) = (one for one in PLATFORM.operations if one.shape is Newsletter)
    assert len(json.dumps(PLATFORM.sign(operation, Unsigned({}, {}), way_in).body)) < KEYS


def test_what_no_request_could_carry_is_refused_with_its_reason() -> None:
    room = NEWSLETTER.bytes - KEYS - len('{"newsletter":{"newsletter_template_id":45,"title":""},"emails":["a@b.co"]}')
    assert len(_requests(_payload("a@b.co", "c@b.co", title="x" * room))) == 2
    assert _codes(_payload(title="x" * (room + 3))) == ["newsletter.too_large"]
    assert _codes(_payload("a@b.co", _own("c@b.co", text="x" * room))) == ["newsletter.too_large"]


def test_it_is_not_transactional_unless_somebody_says_so() -> None:
    body = compose(_payload(), Sending(NOW, {})).body
    assert body == {"newsletter": {"is_transactional": False, "newsletter_template_id": 45}, "emails": ["a@b.co"]}
    assert compose(_loaded(_payload(is_transactional=None)), Sending(NOW, {})).body == body


def test_it_may_be_transactional_where_its_template_is_listed() -> None:
    body = compose(_payload(is_transactional=True), Sending(NOW, LISTED)).body
    assert body is not None
    assert body["newsletter"]["is_transactional"] is True


@pytest.mark.parametrize("listed", ["", "4", "7,8", "145", "045"])
def test_it_may_not_be_transactional_where_its_template_is_not_listed(listed: str) -> None:
    refusal = _refused(_payload(is_transactional=True), OMNISENSE_TRANSACTIONAL_TEMPLATES=listed)
    assert refusal.code == "not_transactional"
    assert "OMNISENSE_TRANSACTIONAL_TEMPLATES" in refusal.advice


def test_its_time_is_written_in_utc_as_iso_8601_has_it() -> None:
    loaded = _loaded(_payload(delivery_time="2026-01-31 14:00:00+02:00"))
    assert loaded["newsletter"]["delivery_time"] == "2026-01-31T12:00:00Z"


def test_it_leaves_until_its_time_and_not_after() -> None:
    payload = _loaded(_payload(delivery_time="2026-01-31T12:00:00Z"))
    assert compose(payload, Sending(NOW, {})).body
    refusal = _refused(payload, NOW + timedelta(seconds=1))
    assert (refusal.code, refusal.reason) == ("too_late", "Its delivery_time has passed.")


def test_only_those_who_are_known_and_have_not_opted_out_get_it_each_once(post: Post) -> None:
    for email, more in {"in": {"optin": True}, "out": {"optin": False}, "silent": {}}.items():
        post("save_subscriber", {"user": {"email": f"{email}@b.co", **more}})
    everybody = ["in@b.co", "out@b.co", "silent@b.co", "stranger@b.co"]
    (sent,) = post("send_newsletter", _payload(*everybody, "in@b.co"))
    asked = [{"newsletter": sent.body["newsletter"], "email": email} for email in everybody]
    assert post.sandbox.taken(asked) == [1, 0, 1, 0]
    (sent,) = post("send_newsletter", _payload(*everybody, is_transactional=True), settings=LISTED)
    asked = [{"newsletter": sent.body["newsletter"], "email": email} for email in everybody]
    assert post.sandbox.taken(asked) == [1, 1, 1, 0]
