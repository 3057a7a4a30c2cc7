"""Cells that a spreadsheet would run: a text in front of which an apostrophe stands is shown, and not run.

Both ways are exact: what was defused once is restored by one `restored`, and any other text stays as it is.
"""

from __future__ import annotations

import re

DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
DEFUSED = re.compile(r"'+[=+\-@\t\r]")


def defused(cell: str) -> str:
    return f"'{cell}" if DANGEROUS.match(cell) else cell


def restored(cell: str) -> str:
    return cell[1:] if DEFUSED.match(cell) else cell
