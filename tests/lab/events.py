"""Files of events: every row is good, about 240 bytes long, and unlike all others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LINE = (
    '{"email":"customer%08d@shop.example.com","date":"2026-11-20 10:00:00Z","identifier":"%s",'
    '"segments":{"order_id":%d,"order_amount":150,"order_currency":"EUR","payment":"card",'
    '"product_id":"reference-%08d","channel":"web"}}\n'
)
BYTES = 240
AT_ONCE = 10_000


def write(path: Path, rows: int, first: int = 0) -> Path:
    """`rows` events, numbered from `first`, as NDJSON."""
    with path.open("w") as file:
        for start in range(first, first + rows, AT_ONCE):
            file.writelines(line(i) for i in range(start, min(start + AT_ONCE, first + rows)))
    return path


def line(number: int, identifier: str = "product.order") -> str:
    return LINE % (number, identifier, number, number)


def read(path: Path) -> list[Any]:
    with path.open() as file:
        return [json.loads(text) for text in file]
