"""Who lets an application in: OAuth 2.0 as Omnisend's document has it (authorization code), and nothing else has it.

Nobody is asked: whoever comes to authorize is sent back at once with a code, unless `play` says that a person would
refuse or grant less. The document calls the parameter `scopes` in its table and `scope` in its example: either is
taken. It shows no error of the token call; they are those of RFC 6749, 5.2. One token is there from the beginning.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from sandbox.answer import Answer, Refusal, json_answer
from sandbox.request import Request
from sandbox.role import Reply

AUTHORIZE, TOKEN = "/oauth2/authorize", "/oauth2/token"
FOR_EVER = 9223372036
SCOPES = re.compile(r"[A-Za-z][\w.]*( [A-Za-z][\w.]*)*")
FIELDS = {"client_id", "client_secret", "grant_type", "code", "redirect_uri"}
HERE = {"127.0.0.1", "localhost", "::1"}  # the sandbox sends nobody elsewhere


@dataclass
class Grants:
    """One application, its codes that nobody exchanged yet, and the tokens that are good."""

    client_id: str = "sandbox-omnisend-app"
    client_secret: str = field(default="sandbox-omnisend-app-secret", repr=False)
    first_token: str = field(default="sandbox-omnisend-token", repr=False)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._codes: dict[str, tuple[str, str]] = {}
            self._tokens = {self.first_token}
            self._denies, self._granted, self._lasts = "", "", FOR_EVER
            self.exchanges = 0

    def play(self, told: Mapping[str, Any]) -> None:
        """`denies`, the error with which a person is sent back; `granted`, the scopes in place of those asked for;
        `expires_in` of the next tokens; `revoke`: no token is good any more."""
        with self._lock:
            self._denies = str(told.get("denies", self._denies))
            self._granted = str(told.get("granted", self._granted))
            self._lasts = told.get("expires_in", self._lasts)
            if told.get("revoke"):
                self._tokens.clear()

    def knows(self, authorization: str | None) -> bool:
        kind, _, token = (authorization or "").partition(" ")
        return kind == "Bearer" and token in self._tokens

    def reply(self, request: Request) -> Reply:
        wanted = (request.head.method, request.head.path)
        if wanted == ("GET", AUTHORIZE):
            return Reply(self._authorize(request))
        if wanted == ("POST", TOKEN):
            return Reply(self._exchange(request))
        raise Refusal(404, f"There are GET {AUTHORIZE} and POST {TOKEN}.")

    def _authorize(self, request: Request) -> Answer:
        asked = _parameters(request.head.query)
        scopes = asked.pop("scope", None) or asked.pop("scopes", "")
        if asked.keys() != {"client_id", "redirect_uri", "response_type", "state"} or not SCOPES.fullmatch(scopes):
            raise Refusal(400, "Give client_id, redirect_uri, response_type, state, and scope separated by %20.")
        if asked["client_id"] != self.client_id or asked["response_type"] != "code" or not asked["state"]:
            raise Refusal(400, "The client is unknown, response_type is not code, or state is empty.")
        if urlsplit(asked["redirect_uri"]).hostname not in HERE:
            raise Refusal(400, "redirect_uri does not lie on this machine.", "redirect_uri")
        said = {"error": self._denies} if self._denies else {"code": self._code(asked["redirect_uri"], scopes)}
        joined = "&" if "?" in asked["redirect_uri"] else "?"
        place = f"{asked['redirect_uri']}{joined}{urlencode(said | {'state': asked['state']}, quote_via=quote)}"
        return Answer(302, headers={"Location": place})

    def _code(self, redirect_uri: str, scopes: str) -> str:
        code = token_urlsafe(16)
        with self._lock:
            self._codes[code] = (redirect_uri, self._granted or scopes)
        return code

    def _exchange(self, request: Request) -> Answer:
        if request.head.headers.get_content_type() != "application/x-www-form-urlencoded":
            return _error("invalid_request", 415)
        pairs = parse_qsl(request.body.decode("ascii", "replace"), keep_blank_values=True, separator="&")
        given = dict(pairs)
        with self._lock:
            self.exchanges += 1
            if len(pairs) != len(given) or given.keys() != FIELDS:
                return _error("invalid_request")
            if (given["client_id"], given["client_secret"]) != (self.client_id, self.client_secret):
                return _error("invalid_client", 401)
            if given["grant_type"] != "authorization_code":
                return _error("unsupported_grant_type")
            redirect_uri, scopes = self._codes.pop(given["code"], ("", ""))
            if not redirect_uri or redirect_uri != given["redirect_uri"]:
                return _error("invalid_grant")
            return json_answer(200, self._granting(scopes))

    def _granting(self, scopes: str) -> dict[str, Any]:
        token = token_urlsafe(24)
        self._tokens.add(token)
        return {
            "access_token": token,
            "expires_in": self._lasts,
            "refresh_token": token_urlsafe(24),
            "scope": scopes,
            "token_type": "Bearer",
        }


def _parameters(query: str) -> dict[str, str]:
    """As the document writes them: a space is %20, so a plus is a plus."""
    pairs = [part.partition("=") for part in query.split("&") if part]
    found = {unquote(name): unquote(value) for name, _, value in pairs}
    if len(found) < len(pairs):
        raise Refusal(400, "A parameter stands twice.")
    return found


def _error(name: str, status: int = 400) -> Answer:
    return json_answer(status, {"error": name})
