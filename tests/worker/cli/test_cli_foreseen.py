"""A dry run tells what the options of its file would do: who stays behind, and whether the job would pause."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.worker.cli.conftest import IMPORT, Ow, event
from worker.ledger import fingerprints
from worker.platforms import operation
from worker.processes.process import process
from worker.runner.unchanged import Prints, remembered
from worker.sources.chosen import chosen


def dry(ow: Ow, *words: str) -> Any:
    return json.loads(ow("import", IMPORT, "events.ndjson", "--dry-run", "--json", *words).stdout)


def write(folder: Path, *rows: str) -> None:
    (folder / "events.ndjson").write_text("".join(f"{row}\n" for row in rows))


def test_rows_that_are_said_again_are_counted_wherever_they_stand(ow: Ow, folder: Path) -> None:
    write(folder, *(event(n % 700) for n in range(1400)), "{")
    found = dry(ow, "--unique", "email")
    assert found["rows"] == {"total": 1401, "accepted": 700, "refused": 1, "skipped": 700}
    assert (found["skipped_by"], found["requests"]) == ({"duplicate": 700}, 2)
    text = ow("import", IMPORT, "events.ndjson", "--dry-run", "--unique", "email").stdout
    assert text.startswith("1,401 rows: 700 would be sent in 2 requests, 1 refused, 700 skipped (duplicate 700).")
    assert not (folder / "var").exists()


def test_what_is_unchanged_by_the_ledger_stays_behind(ow: Ow, folder: Path) -> None:
    write(folder, event(1), event(2))
    assert "There is no ledger" in dry(ow, "--unique", "email", "--changed-only")["warnings"][0]
    ow("migrate")
    ow("import", IMPORT, "events.ndjson")  # makes the key that seals
    assert dry(ow, "--unique", "email", "--changed-only")["rows"]["accepted"] == 2
    own, asked = process(), chosen({"unique": ["email"], "changed_only": True})
    prints = Prints(own.ledger, own.secret, "omnisense/default", operation(IMPORT), asked)
    seen = remembered(prints.of([1], [event(1).encode()]), set())
    own.ledger.write(lambda tx: fingerprints.remember(tx, seen))
    found = dry(ow, "--unique", "email", "--changed-only")
    assert (found["rows"]["accepted"], found["skipped_by"], found["warnings"]) == (1, {"unchanged": 1}, [])
    assert dry(ow)["rows"]["accepted"] == 2


def test_whether_the_job_would_pause_is_told_by_its_first_thousand_rows(ow: Ow, folder: Path) -> None:
    write(folder, *(event(n) if n % 2 else "{" for n in range(1500)))
    found = dry(ow, "--max-refused", "20%")
    assert found["pauses"] is True
    assert found["warnings"] == ["max_refused (20%) pauses the job: of the first 1,000 rows 500 are refused."]
    assert dry(ow, "--max-refused", "50%")["pauses"] is False


def test_a_file_that_is_over_before_it_could_be_held_is_told_so(ow: Ow, folder: Path) -> None:
    write(folder, *("{" for _ in range(900)))
    found = dry(ow, "--max-refused", "20%")
    assert found["pauses"] is False
    assert "holds nothing back: of the first 900 rows 900 are refused, and no request is left" in found["warnings"][0]
