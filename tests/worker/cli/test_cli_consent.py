"""`omniworker consent`: a person's word, lists in and out, and sentences for what is off."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from worker.ledger import chunks, remarks
from worker.outcome import Refusal

Ow = Callable[..., Result]
Document = Callable[..., Any]
ANN = "ann@example.com"


def test_an_opt_out_is_shown_with_who_said_it(ow: Ow, document: Document) -> None:
    at = "2026-01-31T14:00:00+02:00"
    found = document("consent", "set", " Ann@Example.com", "out", "--at", at, "--by", "Eva")
    assert found["standing"] == [
        {"channel": "email", "purpose": "marketing", "state": "out", "reason": "wish", "source": "Eva",
         "at": "2026-01-31T12:00:00Z"}
    ]  # fmt: skip
    [receipt] = document("consent", "show", ANN)["receipts"]
    assert (receipt["by"], receipt["account"], receipt["state"]) == ("Eva", None, "out")
    assert "email, marketing: out, wish, 2026-01-31T12:00:00Z, Eva" in ow("consent", "show", ANN).stdout


def test_a_number_is_on_two_channels_and_compared_by_its_digits(ow: Ow, document: Document) -> None:
    ow("consent", "set", "+7 910 339-80-80", "out", "--reason", "complaint")
    found = document("consent", "show", "79103398080")["standing"]
    assert {(one["channel"], one["purpose"]) for one in found} == {
        (channel, purpose) for channel in ("sms", "viber") for purpose in ("marketing", "transactional")
    }


def test_a_persons_own_act_lifts_an_opt_out_and_a_list_does_not(ow: Ow, document: Document, folder: Path) -> None:
    ow("consent", "set", ANN, "out", "--at", "2026-01-01T00:00:00Z")
    (folder / "people.csv").write_text(f"address,state\n{ANN},in\n")
    assert document("consent", "import", "people.csv")["new"] == 1
    assert document("consent", "show", ANN)["standing"][0]["state"] == "out"
    assert document("consent", "set", ANN, "in")["standing"][0]["state"] == "in"
    assert "Nothing is new in that" in ow("consent", "set", ANN, "out", "--at", "2026-01-01T00:00:00Z").stderr


def test_nobody_ever_said_anything(ow: Ow, document: Document) -> None:
    ow("migrate")
    assert document("consent", "show", ANN) == {"address": ANN, "standing": [], "receipts": []}
    assert "the platform's own flag decides" in ow("consent", "show", ANN).stdout


def test_a_list_of_addresses_is_a_list_of_opt_outs(ow: Ow, document: Document, folder: Path) -> None:
    (folder / "list.ndjson").write_text(
        '{"address": "a@example.com"}\n{"address": "b@example.com", "channel": "email"}\n'
    )
    assert document("consent", "import", "list.ndjson") == {
        "file": "list.ndjson", "rows": 2, "new": 2, "known": 0, "refused": 0, "reasons": [],
    }  # fmt: skip
    assert document("consent", "import", "list.ndjson")["refused"] == 0
    assert document("consent", "export", "-o", "out.ndjson")["rows"] == 2
    rows = [json.loads(line) for line in (folder / "out.ndjson").read_text().splitlines()]
    assert [(row["address"], row["state"], row["reason"]) for row in rows] == [
        ("a@example.com", "out", "unsubscription"),
        ("b@example.com", "out", "unsubscription"),
    ]


def test_what_was_exported_can_be_taken_in(ow: Ow, document: Document, folder: Path) -> None:
    ow("consent", "set", ANN, "out", "--reason", "bounce")
    ow("consent", "export", "-o", "out.ndjson")
    again = document("consent", "import", "out.ndjson")
    assert (again["refused"], again["rows"]) == (0, 2)


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("{", "not valid JSON"),
        ("[]", "not a JSON object"),
        ('{"state": "out"}', "address is missing"),
        ('{"address": "a@example.com", "channel": "sms"}', "channel is none of those"),
        ('{"address": "a@example.com", "state": "maybe"}', "state is none of those"),
        ('{"address": "a@example.com", "at": "2026-01-01"}', "offset from UTC"),
        ('{"address": "a@example.com", "at": "2999-01-01T00:00:00Z"}', "in the future"),
        ('{"address": "a@example.com", "at": 5}', "not a date and time"),
        ('{"address": "a@example.com", "phone": "1"}', "not known"),
        ('{"address": "a@example.com", "reason": "act"}', "reason is of an opt-in"),
    ],
)
def test_a_bad_row_is_named_and_the_others_are_taken(row: str, sentence: str, ow: Ow, folder: Path) -> None:
    (folder / "list.ndjson").write_text(f'{{"address": "b@example.com"}}\n{row}\n')
    said = ow("consent", "import", "list.ndjson")
    assert said.exit_code == 3
    assert said.stdout.startswith("1 new")
    assert "row 2: " in said.stderr
    assert sentence in said.stderr
    assert "a@example.com" not in said.stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((" ", "out"), "ADDRESS is empty"),
        ((ANN, "off"), "neither in nor out"),
        ((ANN, "in", "--reason", "bounce"), "leave it out with `in`"),
        ((ANN, "out", "--reason", "act"), "--reason is 'act'"),
        ((ANN, "out", "--channel", "sms"), "here it can be email"),
        ((ANN, "out", "--purpose", "fun"), "marketing, transactional"),
        ((ANN, "out", "--at", "yesterday"), "write date, time and offset"),
        ((ANN, "out", "--at", "2026-01-01"), "offset from UTC"),
        ((ANN, "out", "--at", "2999-01-01T00:00:00Z"), "in the future"),
    ],
)
def test_words_that_are_off(words: tuple[str, ...], sentence: str, ow: Ow, folder: Path) -> None:
    said = ow("consent", "set", *words)
    assert (said.exit_code, said.stdout) == (2, "")
    assert sentence in said.stderr


def test_an_import_needs_a_column_of_addresses(ow: Ow, folder: Path) -> None:
    (folder / "list.csv").write_text("mail\na@example.com\n")
    said = ow("consent", "import", "list.csv")
    assert said.exit_code == 1
    assert "no column `address`" in said.stderr


def test_rows_that_went_without_something_are_named(job: Any, ow: Ow, document: Document) -> None:
    held = job.send()

    def remark(tx: Any) -> None:
        chunk = chunks.get(tx, held.id)
        remarks.write(tx, chunk, [Refusal(3, "opted_out.part", "That was left out of it.")])

    job.own.ledger.write(remark)
    assert document("jobs", "remarks", job.id)["remarks"] == [
        {"row": 3, "code": "opted_out.part", "reason": "That was left out of it."}
    ]
    assert ow("jobs", "remarks", job.id).stdout == "row 3: That was left out of it.\n"
    assert document("jobs", "show", job.id)["why"] == "1 × That was left out of it."


@pytest.mark.parametrize("address", ["notanaddress", "ann @example.com", "ann@exa mple", "12"])
def test_a_slip_is_no_address(ow: Ow, address: str) -> None:
    result = ow("consent", "set", address, "out")
    assert (result.exit_code, "--channel" in result.stderr) == (2, True)


def test_a_devices_token_is_named_as_one(document: Document) -> None:
    found = document("consent", "set", "dG9rZW4", "out", "--channel", "push")
    assert found["standing"][0]["channel"] == "push"


def test_good_rows_of_a_table_are_taken_and_bad_ones_named_by_the_line_they_begin_on(
    ow: Ow, document: Document, folder: Path
) -> None:
    rows = [b"\xef\xbb\xbfaddress,channel", b"a@example.com,", b'"b@example.com', b'",email', b"c@\xff.com,email"]
    rows += [b'"x"y,email', b"", b"d@example.com,sms", b"e@example.com,email,1", b"f@example.com"]
    (folder / "list.csv").write_bytes(b"\n".join(rows) + b"\n")
    said = document("consent", "import", "list.csv")
    assert (said["rows"], said["new"], said["refused"]) == (7, 3, 4)
    assert {one["row"]: one["reason"].split(".")[0] for one in said["reasons"]} == {
        5: "Some of its bytes are no text",
        6: "Its quotes are wrong",
        8: "channel is none of those that this address can have",
        9: "It has 3 cells, and the first line names 2 columns",
    }
    again = ow("consent", "import", "list.csv")
    assert (again.exit_code, "exit status 3" in again.stderr) == (3, True)


def test_every_bad_row_is_counted_and_a_thousand_are_named(ow: Ow, folder: Path) -> None:
    (folder / "list.ndjson").write_text("{\n" * 1003)
    said = ow("consent", "import", "list.ndjson")
    assert "3 further ones are not named" in said.stderr
