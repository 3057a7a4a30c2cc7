"""The file that describes a newsletter: every mistake in it is named."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from worker.newsletters import document
from worker.newsletters.document import WrongDocument

GOOD = """
operation = "omnisense.send_newsletter"
recipients = "people.csv"
variables = ["code"]
deliver_at = 2026-11-27T20:00:00
time_zone = "Europe/Paris"
lead = 30

[options]
map = { Mail = "email" }

[payload.newsletter]
newsletter_template_id = 45
"""


def test_what_was_written_is_read_and_is_the_same_after_it_was_stored(tmp_path: Path) -> None:
    file = tmp_path / "tonight.toml"
    file.write_text(GOOD)
    found = document.read(file)
    assert (found.name, found.variables, found.lead) == ("tonight", ("code",), 30)
    assert found.deliver_at == dt.datetime(2026, 11, 27, 20, 0)
    assert document.of(found.stored(), "tonight") == found


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("operation = 5", ["operation", "recipients is missing", "payload is missing"]),
        ('colour = "red"', ["colour is not a known field"]),
        (GOOD + 'colour = "red"', []),
        (GOOD.replace("lead = 30", 'lead = "soon"\nexpires_after = 0'), ["lead", "expires_after"]),
        (GOOD.replace("Europe/Paris", "Europe/Pariss"), ["time_zone is no time zone"]),
        (GOOD.replace('time_zone = "Europe/Paris"', ""), ["time_zone is missing, and deliver_at has no offset"]),
        (GOOD.replace("2026-11-27T20:00:00", '"tonight"'), ["deliver_at is neither a date and time nor a time"]),
        (GOOD.replace('"people.csv"', "[]"), ["recipients is neither a file nor a list"]),
        (GOOD.replace("lead = 30", 'purpose = "fun"'), ["purpose"]),
        (GOOD.replace('map = { Mail = "email" }', 'encoding = "cp12510"'), ["options is wrong (There is no encoding"]),
        ("= 5", ["is not TOML"]),
    ],
)
def test_every_mistake_is_named(tmp_path: Path, text: str, sentences: list[str]) -> None:
    file = tmp_path / "tonight.toml"
    file.write_text(text)
    if not sentences:
        document.read(file)  # a key below [payload.newsletter] is the platform's to refuse
        return
    with pytest.raises(WrongDocument) as wrong:
        document.read(file)
    assert all(sentence in str(wrong.value) for sentence in sentences), wrong.value
