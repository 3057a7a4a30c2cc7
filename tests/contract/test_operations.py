"""Contract: what every declared operation must do, whatever platform it belongs to."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.server import Sandbox
from worker import platforms
from worker.answers import Answer, Lost, NotSent, lost, meaning
from worker.checking.check import check_payload
from worker.client import Client, Parcel
from worker.errors import Busy, Down, Forbidden, Refused, Unsure
from worker.facts.rows import Brief, Rows
from worker.facts.wire import Sending, Wire
from worker.operation import JSON, Access, Operation, Reading, Repeat, Timeouts
from worker.orders.parts import parts_of
from worker.people import traces
from worker.platforms import Account
from worker.runner.wires import wire_of_rows

# A flow makes no request of its own.
OPERATIONS = sorted(name for name, one in platforms.operations().items() if one.steps is None)
PATIENT = Timeouts(connect=60.0, read=60.0, total=60.0)  # a loaded machine is no fault of the platform
QUICK = replace(PATIENT, read=0.4, total=0.8)  # for answers that never come whole
NEVER_WHOLE = ("hang", "drip")
SAFE, HARMFUL = Repeat.SAFE, Repeat.HARMFUL

# What the sandbox is told to do with the next request, and what its answer means where a repeat is safe and where
# it is harmful: the table of design §6, row by row.
TABLE: dict[str, tuple[dict[str, Any], type[Exception], type[Exception]]] = {
    "401": ({"fault": "status", "status": 401}, Forbidden, Forbidden),
    "403": ({"fault": "status", "status": 403}, Forbidden, Forbidden),
    "429": ({"fault": "status", "status": 429}, Busy, Busy),
    "429 with Retry-After": ({"fault": "status", "status": 429, "retry_after": 7}, Busy, Busy),
    "503 with Retry-After": ({"fault": "status", "status": 503, "retry_after": 7}, Busy, Busy),
    "503": ({"fault": "status", "status": 503}, Down, Unsure),
    "400": ({"fault": "status", "status": 400}, Refused, Refused),
    "404": ({"fault": "status", "status": 404}, Refused, Refused),
    "413": ({"fault": "status", "status": 413}, Refused, Refused),
    "422": ({"fault": "status", "status": 422}, Refused, Refused),
    "408": ({"fault": "status", "status": 408}, Down, Unsure),
    "425": ({"fault": "status", "status": 425}, Down, Unsure),
    "500": ({"fault": "status", "status": 500}, Down, Unsure),
    "500 after taking it": ({"fault": "status", "status": 500, "applied": True}, Down, Unsure),
    "502": ({"fault": "status", "status": 502}, Down, Unsure),
    "504": ({"fault": "status", "status": 504}, Down, Unsure),
    "307": ({"fault": "status", "status": 307, "headers": {"Location": "/elsewhere"}}, Down, Unsure),
    "302": ({"fault": "status", "status": 302, "headers": {"Location": "/elsewhere"}}, Down, Unsure),
    "a page of HTML with 200": ({"fault": "html"}, Down, Unsure),
    "an empty 200": ({"fault": "empty"}, Down, Unsure),
    "200 that says no": ({"fault": "status", "status": 200}, Refused, Refused),
    "cut after accepting": ({"fault": "cut"}, Down, Unsure),
    "half an answer": ({"fault": "half"}, Down, Unsure),
    "reset before reading": ({"fault": "reset"}, Down, Unsure),
    "garbage": ({"fault": "garbage"}, Down, Unsure),
    "hang": ({"fault": "hang", "seconds": 5}, Down, Unsure),
    "drip": ({"fault": "drip", "every": 0.3}, Down, Unsure),
}

# A platform's own no inside a 200, and those that answer a request with nothing at all.
NO = {
    "omnisense": '{"error": "no such thing"}',
    "omnisend": '{"error": "no such thing"}',
    "devino": '{"result": {"code": "REJECTED", "result": null, "description": "#name.invalid; No such thing"}}',
}
SILENT = {"omnisense"}


@pytest.fixture(params=OPERATIONS)
def operation(request: pytest.FixtureRequest) -> Operation:
    return replace(platforms.operation(request.param), timeouts=PATIENT)


def wire_of(operation: Operation, account: Account) -> Wire:
    """The first request that its example makes, as it is on the wire but for credentials."""
    payload, refusals = check_payload(operation.example, operation.shape)
    assert refusals == []
    assert payload is not None
    if operation.rows and not operation.takes_calls:
        return _wire_of_row(operation, operation.rows, payload, account)
    payload = parts_of(operation, operation.example)[0].payload
    if operation.compose:
        return operation.compose(payload, Sending(datetime.now(UTC), account.told))
    return Wire(operation.path, body=payload)


def _wire_of_row(operation: Operation, rows: Rows, row: JSON, account: Account) -> Wire:
    brief = Brief({}, account.told, datetime.now(UTC), columns=tuple(row))
    return wire_of_rows(operation, rows.encode([rows.fit(row, brief) if rows.fit else row], brief), brief)


def way_in(operation: Operation, account: Account) -> Access:
    """A token of the sandbox's stands in for the account's link, where the operation goes by it."""
    return account.linked(os.environ["TOKEN"]) if account.by_link(operation) else account.access


def packed(operation: Operation, client: Client, account: Account) -> Parcel:
    return client.pack(operation, account.platform, way_in(operation, account), wire_of(operation, account))


def ask(operation: Operation, repeat: Repeat) -> Reading:
    """One request as the runner makes it: what its answer means, or the error it raises."""
    account, client = platforms.account(f"{operation.platform}/default"), Client()
    parcel = packed(operation, client, account)
    try:
        client.open(parcel, operation)
        return meaning(operation, account.platform, repeat, client.send(parcel, operation))
    except NotSent as error:
        raise Down(str(error)) from None
    except Lost as error:
        raise lost(str(error), repeat) from None


def test_whom_it_speaks_to_is_found_again(operation: Operation) -> None:
    """Every address of its example but those of senders."""
    whole = json.dumps(operation.example)
    addresses = set(re.findall(r"[\w.+-]+@[\w.-]+\w", whole)) - {"shop@example.com"}
    payload, _ = check_payload(operation.example, operation.shape)
    asked = {name for _, name in traces.of_payload(operation, payload, rows=9)}
    assert addresses <= (asked | set(traces.of_row(operation, operation.example)))


def test_its_example_passes_its_shape(operation: Operation) -> None:
    account = platforms.account(f"{operation.platform}/default")
    assert wire_of(operation, account).path.startswith("/")


def test_what_passed_its_shape_can_be_kept(operation: Operation) -> None:
    checked, _ = check_payload(operation.example, operation.shape)
    assert json.loads(json.dumps(checked)) == checked


def test_it_names_where_it_is_documented(operation: Operation) -> None:
    assert operation.summary
    assert operation.source
    assert operation.path.startswith("/")


def test_the_platform_takes_its_example(operation: Operation, connected: Sandbox) -> None:
    assert ask(operation, HARMFUL).accepted
    assert connected.counts()["by_status"] == {"200": 1}


def test_wrong_keys_are_forbidden(operation: Operation, connected: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in platforms.platforms()[operation.platform].settings:
        if setting.secret:
            monkeypatch.setenv(setting.name, "wrong")
    monkeypatch.setenv("TOKEN", "wrong")
    platforms.account.cache_clear()
    with pytest.raises(Forbidden):
        ask(operation, HARMFUL)


@pytest.mark.parametrize("repeat", [SAFE, HARMFUL], ids=["safe", "harmful"])
@pytest.mark.parametrize("row", TABLE)
def test_the_table_of_answers(operation: Operation, connected: Sandbox, row: str, repeat: Repeat) -> None:
    fault, safe, harmful = TABLE[row]
    says_no = {"body": NO[operation.platform]} if row == "200 that says no" else {}
    parameters = {name: value for name, value in fault.items() if name != "fault"}
    connected.fault(fault["fault"], times=1, **parameters, **says_no)
    expected = safe if repeat is SAFE else harmful
    operation = replace(operation, timeouts=QUICK) if row in NEVER_WHOLE else operation
    if row == "an empty 200" and operation.platform in SILENT:
        assert ask(operation, repeat).accepted
        return
    with pytest.raises(expected):
        ask(operation, repeat)


@pytest.mark.parametrize("repeat", [SAFE, HARMFUL], ids=["safe", "harmful"])
def test_nobody_there_means_not_sent(
    operation: Operation, connected: Sandbox, repeat: Repeat, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in connected.environment().items():
        if name.endswith("BASE_URL"):
            monkeypatch.setenv(name, value.replace(connected.url, "http://127.0.0.1:1"))
    platforms.account.cache_clear()
    with pytest.raises(Down):
        ask(operation, repeat)


def test_keys_are_added_at_the_last_moment_and_shown_nowhere(operation: Operation, connected: Sandbox) -> None:
    account = platforms.account(f"{operation.platform}/default")
    parcel = packed(operation, Client(), account)
    access = way_in(operation, account)
    secrets = list(access.credentials.values())
    sent = (parcel.request.body or b"") + repr(parcel.request.headers).encode()
    assert any(secret.encode() in sent for secret in secrets)
    shown = repr(parcel) + repr(access) + repr(Answer(200, {}, b"x"))
    assert not any(secret in shown for secret in secrets)
