"""Files of subscribers as CSV: every row is good, about 100 bytes long, and unlike all others."""

from __future__ import annotations

import csv
from pathlib import Path

SUBSCRIBERS = "omnisense.import_subscribers"
HEADER = "email,first_name,last_name,lang,member,postal_code,city,country,customer_number\n"
SAYS_YES = HEADER.replace("member", "optin")
LINE = "customer%08d@shop.example.com,Foo%d,Bar,fr,true,75001,Paris,FR,%08d\n"
QUOTED = 'customer%08d@shop.example.com,Foo%d,"Bar, ""Foo""",fr,true,75001,"Paris, 5e",FR,%08d\n'
AT_ONCE = 10_000


def write(path: Path, rows: int, first: int = 0, line: str = LINE, header: str = HEADER) -> Path:
    """`rows` people, numbered from `first`."""
    with path.open("w", newline="") as file:
        file.write(header)
        for start in range(first, first + rows, AT_ONCE):
            file.writelines(line % (i, i, i) for i in range(start, min(start + AT_ONCE, first + rows)))
    return path


def read(path: Path) -> list[dict[str, str]]:
    """The cells of each row by the names of their columns."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file, strict=True))
