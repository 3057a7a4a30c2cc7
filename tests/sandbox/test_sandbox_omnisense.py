"""Omnisense as its document has it, and nothing beyond."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.omnisense import Omnisense
from sandbox.server import start

# The two examples of the document, with the sandbox's credentials and without trailing commas and ellipsis.
TRACKED = """{
  "api_key" : "sandbox-api-key",
  "trid": "9876543210abcdef1234567890",
  "email": "foo@bar.com",
  "user_event" : {
    "identifier": "product.view",
    "segments" : {"id": "1234", "name": "foo", "media": "iphone_app"}
  }
}"""
IMPORTED = """{
"master_key" : "sandbox-master-key",
"admin": {"email": "admin@sandbox.test", "token" : "sandbox-token"},
"user_events": [
  {
    "email": "yourcustomer@test.com",
    "date": "2018-11-13 10:00:00Z",
    "identifier": "product.order",
    "segments" : {
      "order_id": 1234, "order_amount": 150, "order_currency": "EUR", "payment": "cb",
      "product_id": "the_product_ref", "product_price": 75, "product_quantity": 2
    }
  },
  {
    "email": "anothercustomer@test.com",
    "identifier": "product.order",
    "date": "2016-09-13 11:00:00Z",
    "segments" : {
      "order_id": 2345, "order_amount": 250, "order_currency": "EUR", "payment": "check",
      "product_id": "the_product_ref", "product_price": 150, "product_quantity": 2
    }
  }
]
}"""


def test_the_documents_example_of_a_user_event_is_taken_and_answered_with_its_trid(caller):
    heard = caller.call("POST", "/api/v1/user_event", TRACKED.encode())
    assert (heard.status, heard.json) == (200, {"trid": "9876543210abcdef1234567890"})
    assert caller.sandbox.events("foo@bar.com") == 1


def test_the_documents_example_of_an_import_is_taken_and_answered_with_nothing(caller):
    heard = caller.call("POST", "/api/v1/user_event/import", IMPORTED.encode())
    assert (heard.status, heard.body) == (200, b"")
    assert caller.sandbox.taken(json.loads(IMPORTED)["user_events"]) == [1, 1]


def tracked(**changes: Any) -> dict[str, Any]:
    base = {"api_key": "sandbox-api-key", "email": "foo@bar.com", "user_event": {"identifier": "product.view"}}
    return {key: value for key, value in (base | changes).items() if value is not None}


def test_a_person_has_one_trid_and_another_person_another(caller):
    trids = [caller.call("POST", "/api/v1/user_event", tracked(email=e)).json for e in ("a@b.c", "a@b.c", "d@b.c")]
    assert trids[0] == trids[1] != trids[2]


def test_a_trid_alone_names_the_person(caller):
    heard = caller.call("POST", "/api/v1/user_event", tracked(email=None, trid="42"))
    assert (heard.status, heard.json) == (200, {"trid": "42"})


def test_segments_may_be_left_out_and_that_is_the_same_event_as_empty_ones(caller, event):
    bare = {key: value for key, value in event(1).items() if key != "segments"}
    assert caller.bring(bare, event(1, segments={})).status == 200
    assert caller.sandbox.taken([bare]) == [2]


def test_an_import_takes_five_hundred_events(caller, event):
    assert caller.bring(*map(event, range(500))).status == 200
    assert caller.sandbox.counts()["distinct"] == 500


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"user_segments": []}, ""),
        ({"api_key": "sandbox-api-key"}, ""),
        ({"user_events": []}, "user_events"),
        ({"user_events": {"0": {}}}, "user_events"),
        ({"user_events": None}, "user_events"),
        ({"user_events": ["foo@bar.com"]}, "user_events[0]"),
        ({"user_events": [{}] * 501}, "user_events"),
        (
            {"admin": {"email": "admin@sandbox.test", "token": "sandbox-token", "name": "x"}},
            "admin",
        ),
    ],
)
def test_an_import_that_the_document_does_not_allow_is_refused_with_its_place(caller, changes, at):
    heard = caller.bring(**changes)
    assert (heard.status, heard.json.get("at", "")) == (422, at)
    assert heard.json["error"]


def test_the_name_that_the_table_gives_the_list_is_not_taken_in_place_of_the_examples(caller, event):
    body = caller.body(user_segments=[event(1)])
    del body["user_events"]
    assert caller.call("POST", "/api/v1/user_event/import", body).status == 422


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"email": None}, ".email"),
        ({"email": "nobody"}, ".email"),
        ({"email": ["a@b.c"]}, ".email"),
        ({"email": "a b@c.d"}, ".email"),
        ({"date": None}, ".date"),
        ({"date": 1542103200}, ".date"),
        ({"date": "2018-11-13 10:00:00"}, ".date"),
        ({"date": "2018-11-13T10:00:00Z"}, ".date"),
        ({"date": "2018-11-13 10:00:00+00:00"}, ".date"),
        ({"date": "2018-11-13 10:00:00 +0000"}, ".date"),
        ({"date": "2018-11-13 10:00:00.5Z"}, ".date"),
        ({"date": "2018-11-13 10:00Z"}, ".date"),
        ({"date": "2018-02-30 10:00:00Z"}, ".date"),
        ({"date": "2018-11-13 24:00:00Z"}, ".date"),
        ({"date": "2018-11-13 10:00:00Z\n"}, ".date"),
        ({"date": "٢٠١٨-11-13 10:00:00Z"}, ".date"),
        ({"identifier": ""}, ".identifier"),
        ({"identifier": "  "}, ".identifier"),
        ({"identifier": 7}, ".identifier"),
        ({"segments": []}, ".segments"),
        ({"segments": None}, ".segments"),
        ({"segments": {"basket": {"id": 1}}}, ".segments.basket"),
        ({"segments": {"ids": [1]}}, ".segments.ids"),
        ({"trid": "42"}, ""),
        ({"metadata": {}}, ""),
        ({"segments": {"name": "\ud800"}}, ""),
    ],
)
def test_one_event_that_the_document_does_not_allow_refuses_its_whole_import(caller, event, changes, at):
    heard = caller.bring(event(1), event(2, **changes))
    assert (heard.status, heard.json["at"]) == (422, f"user_events[1]{at}")
    assert caller.sandbox.counts()["events"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"email": None},
        {"email": ""},
        {"email": "nobody"},
        {"trid": 42},
        {"trid": ""},
        {"udid": "12345-abcdef"},
        {"date": "2018-11-13 10:00:00Z"},
        {"user_event": None},
        {"user_event": "product.view"},
        {"user_event": {"segments": {}}},
        {"user_event": {"identifier": ""}},
        {"user_event": {"identifier": "x", "segments": {"a": {}}}},
        {"user_event": {"identifier": "x", "date": "2018-11-13 10:00:00Z"}},
    ],
)
def test_a_user_event_that_the_document_does_not_allow_is_refused(caller, changes):
    assert caller.call("POST", "/api/v1/user_event", tracked(**changes)).status == 422
    assert caller.sandbox.counts()["events"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"master_key": "wrong"},
        {"master_key": None},
        {"admin": None},
        {"admin": {}},
        {"admin": "admin@sandbox.test"},
        {"admin": {"email": "admin@sandbox.test", "token": "wrong"}},
        {"admin": {"email": "wrong@sandbox.test", "token": "sandbox-token"}},
    ],
)
def test_an_import_with_other_credentials_is_unauthorised_and_not_taken(caller, changes):
    assert caller.bring(**changes).status == 401
    assert caller.sandbox.counts()["events"] == 0


@pytest.mark.parametrize("key", ["wrong", None, 5])
def test_a_user_event_with_another_key_is_unauthorised(caller, key):
    assert caller.call("POST", "/api/v1/user_event", tracked(api_key=key)).status == 401


def test_credentials_given_to_the_constructor_are_the_ones_that_count(calling):
    mine = Omnisense("key", "master", "me@shop.test", "mine")
    with start(roles=(mine,)) as sandbox:
        caller = calling(sandbox)
        assert caller.bring().status == 401
        assert caller.bring(master_key="master", admin={"email": "me@shop.test", "token": "mine"}).status == 200
        assert sandbox.environment()["OMNISENSE_ADMIN_TOKEN"] == "mine"
    assert "mine" not in repr(mine)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b"\xef\xbb\xbf{}",
        b'{"a": NaN}',
        b'{"a": 1, "a": 2}',
        b'{"a": 1,}',
        b"[" * 100_000,
        IMPORTED.replace("2\n    }", "2,\n    }").encode(),
    ],
)
def test_what_is_no_strict_json_is_a_bad_request(caller, body):
    assert caller.call("POST", "/api/v1/user_event/import", body).status == 400


def test_a_number_too_large_for_json_numbers_is_refused(caller):
    body = IMPORTED.replace("150,", "1e999,", 1).encode()
    assert caller.call("POST", "/api/v1/user_event/import", body).status == 422


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
def test_another_content_type_is_unsupported(caller, kind):
    heard = caller.call("POST", "/api/v1/user_event/import", IMPORTED.encode(), Content_Type=kind)
    assert heard.status == 415


def test_a_compressed_body_is_unsupported(caller):
    heard = caller.call("POST", "/api/v1/user_event/import", IMPORTED.encode(), Content_Encoding="gzip")
    assert heard.status == 415


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/api/v1/subscribers", 404),
        ("POST", "/api/v1/user_event/", 404),
        ("POST", "/api/v1", 404),
        ("POST", "/api/v2/user_event", 404),
        ("POST", "/", 404),
        ("GET", "/api/v1/user_event", 405),
        ("PUT", "/api/v1/user_event/import", 405),
        ("POST", "/api/v1/user_event/import?master_key=sandbox-master-key", 400),
    ],
)
def test_paths_methods_and_queries_that_the_document_does_not_have_are_refused(caller, method, path, status):
    assert caller.call(method, path, IMPORTED.encode()).status == status


def test_a_body_above_one_mebibyte_is_refused_and_the_answer_arrives(caller, event):
    heard = caller.bring(event(1, segments={"text": "x" * (1 << 20)}))
    assert heard.status == 422
    assert "1048576" in heard.json["error"]
    assert caller.sandbox.counts()["events"] == 0


def test_a_body_of_just_under_one_mebibyte_is_taken(caller, event):
    spare = (1 << 20) - len(json.dumps(caller.body(event(1, segments={"text": ""}))))
    assert caller.bring(event(1, segments={"text": "x" * spare})).status == 200
