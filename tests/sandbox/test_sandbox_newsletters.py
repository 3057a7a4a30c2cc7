"""Omnisense's newsletters, as the document has them, and whom they reach."""

from __future__ import annotations

import pytest

# The hash of the document's example.
LETTER = {
    "newsletter_template_id": 45,
    "sender_profile_id": 11,
    "title": "Lorem ipsum title",
    "delivery_time": "2017-06-30 11:45:00",
    "is_transactional": True,
    "variables": {"promo_code": "123456", "promo_link": "https://omnisense.io?promo=123456"},
}


def send(caller, *emails, letter=LETTER, **changes):
    keys = {"master_key": "sandbox-master-key", "admin": {"email": "admin@sandbox.test", "token": "sandbox-token"}}
    content = keys | {"newsletter": letter, "emails": list(emails) or ["yourcustomer@test.com"]} | changes
    return caller.call("POST", "/api/v1/newsletter", content)


@pytest.fixture
def known(caller):
    """Saves people, each with or without an opt-in."""

    def save(**people):
        for name, optin in people.items():
            user = {"email": f"{name}@b.co"} | ({} if optin is None else {"optin": optin})
            saved = caller.call("POST", "/api/v1/subscriber", {"api_key": "sandbox-api-key", "user": user})
            assert saved.status == 200

    return save


def got(caller, *emails, letter=LETTER):
    return caller.sandbox.taken([{"newsletter": letter, "email": email} for email in emails])


def test_the_documents_example_is_taken_and_answered_with_nothing(caller):
    heard = send(caller)
    assert (heard.status, heard.body) == (200, b"")


def test_an_address_that_is_not_found_is_ignored(caller, known):
    known(a=True)
    assert send(caller, "a@b.co", "stranger@b.co").status == 200
    assert got(caller, "a@b.co", "stranger@b.co") == [1, 0]
    assert caller.sandbox.counts()["events"] == 1


def test_only_what_is_transactional_goes_past_the_optin_flag(caller, known):
    known(yes=True, no=False, silent=None)
    people = ["yes@b.co", "no@b.co", "silent@b.co"]
    for plain in (LETTER | {"is_transactional": False}, {"newsletter_template_id": 45}):
        send(caller, *people, letter=plain)
        assert got(caller, *people, letter=plain) == [1, 0, 1]
    send(caller, *people)
    assert got(caller, *people) == [1, 1, 1]


def test_a_mail_that_is_sent_twice_shows(caller, known):
    known(a=True, b=True)
    send(caller, "a@b.co", "b@b.co")
    send(caller, "a@b.co", letter=LETTER | {"title": "Another"})
    send(caller, "a@b.co", "a@b.co")
    assert got(caller, "a@b.co", "b@b.co") == [3, 1]
    counts = caller.sandbox.counts()
    assert (counts["events"], counts["distinct"], counts["doubled"]) == (5, 3, 1)


def test_it_can_be_asked_over_http_whether_a_mail_was_sent(caller, known):
    known(a=True)
    send(caller, "a@b.co")
    asked = [{"newsletter": LETTER, "email": "a@b.co"}, {"newsletter": LETTER, "email": "b@b.co"}]
    assert caller.call("POST", "/_sandbox/taken", asked).json == [1, 0]
    heard = caller.call("POST", "/_sandbox/taken", [{"newsletter": {"title": 5}, "email": "a@b.co"}])
    assert (heard.status, heard.json["at"]) == (422, "newsletter.title")


@pytest.mark.parametrize("time", ["2017-06-30T11:45:00Z", "2017-06-30T11:45:00+0200", "2017-06-30 11:45:00+02:00"])
def test_a_delivery_time_may_say_its_offset(caller, time):
    assert send(caller, letter=LETTER | {"delivery_time": time}).status == 200


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"newsletter": None}, "newsletter"),
        ({"newsletter": []}, "newsletter"),
        ({"newsletter": LETTER | {"subject": "x"}}, "newsletter"),
        ({"newsletter": LETTER | {"newsletter_template_id": "45"}}, "newsletter.newsletter_template_id"),
        ({"newsletter": LETTER | {"newsletter_template_id": True}}, "newsletter.newsletter_template_id"),
        ({"newsletter": LETTER | {"sender_profile_id": 1.5}}, "newsletter.sender_profile_id"),
        ({"newsletter": LETTER | {"title": None}}, "newsletter.title"),
        ({"newsletter": LETTER | {"delivery_time": "30.06.2017"}}, "newsletter.delivery_time"),
        ({"newsletter": LETTER | {"delivery_time": "2017-06-31 11:45:00"}}, "newsletter.delivery_time"),
        ({"newsletter": LETTER | {"delivery_time": None}}, "newsletter.delivery_time"),
        ({"newsletter": LETTER | {"is_transactional": "true"}}, "newsletter.is_transactional"),
        ({"newsletter": LETTER | {"variables": []}}, "newsletter.variables"),
        ({"newsletter": LETTER | {"variables": {"a": [1]}}}, "newsletter.variables.a"),
        ({"newsletter": LETTER | {"variables": {"a": "\ud800"}}}, "newsletter"),
        ({"emails": []}, "emails"),
        ({"emails": "a@b.co"}, "emails"),
        ({"emails": None}, "emails"),
        ({"emails": ["a@b.co", "nobody"]}, "emails[1]"),
        ({"emails": [{"email": "a@b.co"}]}, "emails[0]"),
        ({"variables": {}}, ""),
        ({"api_key": "sandbox-api-key"}, ""),
    ],
)
def test_what_the_document_does_not_allow_is_refused_with_its_place_and_reaches_nobody(caller, known, changes, at):
    known(a=True)
    heard = send(caller, "a@b.co", **changes)
    assert (heard.status, heard.json.get("at", "")) == (422, at)
    assert heard.json["error"]
    assert caller.sandbox.counts()["events"] == 0


@pytest.mark.parametrize(
    "changes", [{"master_key": "wrong"}, {"admin": {"email": "admin@sandbox.test"}}, {"admin": None}]
)
def test_other_credentials_are_unauthorised_and_reach_nobody(caller, known, changes):
    known(a=True)
    assert send(caller, "a@b.co", **changes).status == 401
    assert caller.sandbox.counts()["events"] == 0


def test_a_newsletter_is_sent_whose_answer_is_cut_and_not_sent_whose_connection_is_reset(caller, known):
    known(a=True)
    for fault, taken in {"reset": 0, "cut": 1}.items():
        caller.sandbox.fault(fault, times=1)
        with pytest.raises(ConnectionError):
            send(caller, "a@b.co")
        assert got(caller, "a@b.co") == [taken]
