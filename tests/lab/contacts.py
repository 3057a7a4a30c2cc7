"""Contacts that a platform takes in batches: each with an address of its own, and a number that nobody else has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

IMPORT = "omnisend.import_contacts"
DOMAIN = "contacts.example.com"


def write(path: Path, rows: int, first: int) -> Path:
    """So many contacts, numbered from `first`."""
    with path.open("w") as file:
        for n in range(first, first + rows):
            said = {"status": "subscribed", "statusDate": "2024-05-01T10:00:00Z", "number": n}
            file.write(json.dumps({"email": f"c{n}@{DOMAIN}", **said}) + "\n")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
