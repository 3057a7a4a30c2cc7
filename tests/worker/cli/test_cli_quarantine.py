"""`omniworker quarantine`: what nobody understood is listed, opened, read again and dismissed, with receipts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import update

from worker import notices
from worker.housekeeping import retention
from worker.ledger import consents, handlings
from worker.ledger.notices import notices as table
from worker.people.register import hashed
from worker.platforms import account
from worker.processes.process import process
from worker.receiver import told

Ow = Callable[..., Result]
Document = Callable[..., Any]
ANNA = "anna@shop.example.com"
OPT_OUT = {"email": ANNA, "notification_type": "OPT_OUT", "optout_type": "complaint"}
AT = "2018-10-05 08:30:00 +0200"


@pytest.fixture
def called(ow: Ow) -> Callable[..., int]:
    """A callback comes in and is handed out; the newest notice in quarantine."""
    ow("consent", "set", "eva@example.com", "in")  # there is a ledger then

    def one(platform: str, *said: Any) -> int:
        told.keep(process(), account(f"{platform}/default"), json.dumps(said[0] if len(said) == 1 else said).encode())
        while notices.hand_out(process()):
            pass
        return int(process().ledger.read(lambda tx: handlings.waiting(tx, 1))[0].id)

    return one


def state(number: int) -> str:
    row = process().ledger.read(lambda tx: handlings.get(tx, number))
    assert row is not None
    return str(row.state)


def reasons(address: str) -> set[str]:
    rows = process().ledger.read(lambda tx: consents.of(tx, hashed(process(), tx, address)))
    return {row.reason for row in rows if row.state == "out"}


def test_an_opt_out_in_unknown_words_is_shown_to_a_person(ow: Ow, document: Document, called: Any) -> None:
    number = called("omnisense", OPT_OUT | {"opt_out_at": AT})
    found = document("quarantine", "list")
    assert [one["notice"] for one in found["quarantined"]] == [number]
    assert [(one["notices"], one["kind"], one["account"]) for one in found["sums"]] == [
        (1, "omnisense.unread", "omnisense/default")
    ]
    assert "neither optout nor optin" in ow("quarantine", "list").stdout
    assert ANNA not in ow("quarantine", "list").stdout
    assert found["quarantined"] == document("find", "--quarantined")["quarantined"]
    assert found["quarantined"] == document("find", f" {ANNA.upper()}")["quarantined"]
    assert document("find", "nobody@example.com")["quarantined"] == []
    assert "quarantined\nnotice" in ow("find", ANNA).stdout
    checks = {one["name"]: one["verdict"] for one in document("doctor")["checks"]}
    assert checks["quarantine"] == "wrong"


def test_it_is_opened_for_who_asks_and_that_is_written_down(ow: Ow, document: Document, called: Any) -> None:
    number = str(called("omnisense", OPT_OUT))
    found = document("quarantine", "open", number, "--by", "Eva")
    assert found["content"] == OPT_OUT
    assert [(one["did"], one["by"]) for one in found["handled"]] == [("opened", "Eva")]
    assert ANNA in ow("quarantine", "open", number).stdout
    assert len(document("quarantine", "open", number)["handled"]) == 3


def test_what_is_understood_now_is_followed_now(
    ow: Ow, document: Document, called: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.omnisense import callbacks

    number = called("omnisense", OPT_OUT | {"opt_out_at": AT})
    still = ow("quarantine", "release", str(number))
    assert (still.exit_code, "still not understood" in still.stdout, state(number)) == (1, True, "quarantined")
    monkeypatch.setitem(callbacks.KINDS, "opt_out", "omnisense.opted_out")
    [done] = document("quarantine", "release", str(number), "--by", "Eva")["notices"]
    assert (done["done"], done["said"]) == (True, "is read: omnisense.opted_out")
    while notices.hand_out(process()):
        pass
    assert (state(number), reasons(ANNA)) == ("released", {"complaint"})
    assert ow("quarantine", "release", str(number)).exit_code == 1
    assert document("quarantine", "list")["quarantined"] == []


def test_what_a_follower_set_aside_is_handed_out_once_more(ow: Ow, document: Document, called: Any) -> None:
    number = called("devino", {"messageId": 5, "status": "unsubscribed", "ts": 1_700_000_000})
    assert "does not say of whom" in document("quarantine", "list")["quarantined"][0]["why"]
    assert "devino.unsubscribed" in ow("quarantine", "release", str(number)).stdout
    while notices.hand_out(process()):
        pass
    [again] = document("quarantine", "list")["quarantined"]
    assert (state(number), again["kind"]) == ("released", "devino.unsubscribed")
    assert again["notice"] > number


def test_an_unknown_status_is_in_the_history_and_before_a_persons_eyes(document: Document, called: Any) -> None:
    called("devino", {"messageId": 6, "status": "OPT-OUT", "ts": 1_700_000_000, "email": ANNA})
    assert "in other words" in document("quarantine", "list")["quarantined"][0]["why"]
    assert [one["status"] for one in document("find", "6")["messages"]] == ["opt-out"]


def test_what_is_dismissed_stays_away_with_who_did_it(ow: Ow, document: Document, called: Any) -> None:
    number = str(called("devino", "nonsense"))
    assert ow("quarantine", "dismiss", number, "--by", "Eva", "--reason", "a test of ours").exit_code == 0
    assert document("quarantine", "list") == {"quarantined": [], "sums": []}
    [receipt] = process().ledger.read(lambda tx: handlings.of(tx, int(number)))
    assert (receipt.did, receipt.said_by, receipt.note) == ("dismissed", "Eva", "a test of ours")
    assert ow("quarantine", "dismiss", number).exit_code == 1


def test_words_for_no_such_notice(ow: Ow, called: Any) -> None:
    called("devino", "nonsense")
    assert "is not in quarantine" in ow("quarantine", "open", "999").stderr
    assert ow("quarantine", "open", "x").exit_code == 2


def test_what_nobody_deals_with_for_ninety_days_is_dismissed_aloud(
    called: Any, caplog: pytest.LogCaptureFixture
) -> None:
    number = called("devino", "nonsense")
    aged = update(table).where(table.c.id == number)
    process().ledger.write(lambda tx: tx.execute(aged.values(created_at=time.time() - 89 * 86400)))
    retention.let_go(process())
    assert state(number) == "quarantined"
    process().ledger.write(lambda tx: tx.execute(aged.values(created_at=time.time() - 91 * 86400)))
    retention.let_go(process())
    assert process().ledger.read(lambda tx: handlings.get(tx, number)) is None
    [receipt] = process().ledger.read(lambda tx: handlings.of(tx, number))
    assert (receipt.did, receipt.said_by) == ("dismissed", "retention")
    assert "nobody dealt with 1 notices" in caplog.text
