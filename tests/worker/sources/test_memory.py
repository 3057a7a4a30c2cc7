"""A process that reads a file, packed or not, needs as much memory for a large one as for a small one."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

READ = """
import pathlib, re, sys
from worker.cli.dry_run import look
from worker.platforms import operation
from worker.settings import Settings
from worker.sources.opening import open_to_look
from worker.sources.original import Named

events = operation("omnisense.import_user_events")
with open_to_look(Named(sys.argv[1], {}, events.rows), Settings({"INBOX": "."})) as source:
    found = look(events, events.rows, source)
peak = re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1]
print(found.rows - found.refused, peak)
"""
KB_IN_MB = 1024
FEW, MANY = 2_000, 40_000


def _write(path: Path, count: int) -> None:
    note = "x" * 700
    row = {"email": "a@shop.com", "date": "2026-01-31T12:00:00Z", "identifier": "order", "segments": {"note": note}}
    if path.name == "a.json":
        path.write_text(json.dumps({"user_events": [row] * count}))
        return
    head, line = "email,date,identifier,order_id,note\n", "a@shop.com,2026-01-31T12:00:00Z,order"
    text = head + "".join(f'{line},{n},"{note}"\n' for n in range(count))
    path.write_bytes(gzip.compress(text.encode(), 1) if path.suffix == ".gz" else text.encode())


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.json"])
def test_memory_is_flat(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """1.5 MB and 30 MB of text. One that held the whole file would need 28 MB more."""
    monkeypatch.chdir(tmp_path)
    peaks = []
    for count in (FEW, MANY):
        _write(tmp_path / name, count)
        process = [sys.executable, "-c", READ, name]
        said = subprocess.run(process, capture_output=True, text=True, check=True, timeout=100).stdout.split()
        assert int(said[0]) == count
        peaks.append(int(said[1]))
    assert peaks[1] - peaks[0] < 10 * KB_IN_MB
