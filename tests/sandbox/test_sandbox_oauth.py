"""OAuth and version 4 of Omnisend, as its document has them: what is sent back, what a code is good for."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

FORM = "application/x-www-form-urlencoded"
BACK = "http://127.0.0.1:9/back"
ASKED = (
    f"client_id=sandbox-omnisend-app&redirect_uri={BACK}&response_type=code&state=s&scope=contacts.read%20events.write"
)
CONTACT = "/v4/contacts/email:austin.powers%40example.com"


@pytest.fixture
def code(caller) -> str:
    heard = caller.call("GET", f"/oauth2/authorize?{ASKED}")
    assert heard.status == 302
    return parse_qs(urlsplit(heard.headers["Location"]).query)["code"][0]


@pytest.fixture
def exchange(caller):
    def call(code: str, **changes: str) -> Any:
        fields = {"client_id": "sandbox-omnisend-app", "client_secret": "sandbox-omnisend-app-secret", "code": code}
        fields |= {"grant_type": "authorization_code", "redirect_uri": BACK} | changes
        return caller.call("POST", "/oauth2/token", urlencode(fields).encode(), Content_Type=FORM)

    return call


def test_a_browser_is_sent_back_with_code_and_state(caller):
    place = urlsplit(caller.call("GET", f"/oauth2/authorize?{ASKED}").headers["Location"])
    assert f"{place.scheme}://{place.netloc}{place.path}" == BACK
    assert parse_qs(place.query).keys() == {"code", "state"}
    assert parse_qs(place.query)["state"] == ["s"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        ASKED.replace("%20", "+"),
        ASKED.replace("response_type=code", "response_type=token"),
        ASKED.replace("state=s", "state="),
        ASKED.replace("sandbox-omnisend-app", "another"),
        ASKED.replace("127.0.0.1", "elsewhere.example"),
        f"{ASKED}&state=s",
    ],
)
def test_what_the_document_does_not_have_is_refused(caller, query):
    assert caller.call("GET", f"/oauth2/authorize?{query}").status == 400


def test_a_code_is_good_once(caller, exchange, code):
    said = exchange(code).json
    assert said.keys() == {"access_token", "expires_in", "refresh_token", "scope", "token_type"}
    assert (said["expires_in"], said["scope"]) == (9223372036, "contacts.read events.write")
    again = exchange(code)
    assert (again.status, again.json) == (400, {"error": "invalid_grant"})
    assert caller.call("GET", CONTACT, Authorization=f"Bearer {said['access_token']}").status == 200


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"redirect_uri": f"{BACK}/"}, "invalid_grant"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"more": "x"}, "invalid_request"),
    ],
)
def test_an_exchange_that_is_off_gives_no_token(exchange, code, change, error):
    assert exchange(code, **change).json == {"error": error}


def test_an_exchange_is_a_form(caller):
    assert caller.call("POST", "/oauth2/token", {"code": "x"}).status == 415


def test_version_4_takes_a_token_and_no_key(caller, sandbox):
    bearer = {"Authorization": "Bearer sandbox-omnisend-token"}
    assert caller.call("GET", CONTACT, **bearer).json["firstName"] == "Austin"
    assert caller.call("GET", CONTACT.replace("austin", "nobody"), **bearer).status == 404
    assert caller.call("GET", CONTACT).status == 401
    assert caller.call("GET", CONTACT, X_API_KEY="sandbox-omnisend-key").status == 401
    assert caller.call("GET", CONTACT, X_API_KEY="sandbox-omnisend-key", **bearer).status == 401
    assert caller.call("GET", "/v3/contacts", **bearer).status == 401
    sandbox.play("omnisend", revoke=True)
    assert caller.call("GET", CONTACT, **bearer).status == 401
    sandbox.reset()
    assert caller.call("GET", CONTACT, **bearer).status == 200
