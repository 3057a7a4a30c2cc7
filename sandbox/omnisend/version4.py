"""The only request of version 4 that Omnisend's document shows: a contact by its e-mail address, with a Bearer token.

It shows no answer: a contact is answered as version 3 has it.
"""

from __future__ import annotations

from urllib.parse import unquote

from sandbox.answer import Refusal, json_answer
from sandbox.omnisend.contacts import Contacts
from sandbox.omnisend.requests import NOBODY, shown
from sandbox.request import Request
from sandbox.role import Reply

PREFIX = "/v4"
BY_EMAIL = f"{PREFIX}/contacts/email:"


def reply(contacts: Contacts, request: Request) -> Reply:
    path = request.head.path
    address = unquote(path.removeprefix(BY_EMAIL))
    if not path.startswith(BY_EMAIL) or not address:
        raise Refusal(404, NOBODY)
    if request.head.method != "GET" or request.head.query:
        raise Refusal(405, "This path takes GET, without a query.", headers={"Allow": "GET"})
    found = contacts.of("email", address)
    if found is None:
        raise Refusal(404, NOBODY)
    return Reply(json_answer(200, shown(found)))
