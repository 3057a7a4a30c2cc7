"""What docs/operate.md says of a night, by its file: the table that the tests of nights hold the house to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "operate.md"
HEADING = "### What a night does"


@dataclass(frozen=True)
class Night:
    """Words of the table: `slot` is `started` or the reason of one that was missed, `job` its state or `none`, `rows`
    what of them the platform has (`all`, `none`, `all or none`), `calls` how many it got (`some`, `none`), `alarm` its
    kind or `none`."""

    slot: str
    job: str
    rows: str
    calls: str
    alarm: str


def documented() -> dict[str, Night]:
    """By the name of the night. A page without the table is an error."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n{HEADING}\n")[2].partition("\n#")[0]
    rows = [_cells(line) for line in text.splitlines() if line.startswith("| ")]
    found = {name: Night(*cells) for name, *cells in rows[2:]}
    assert found, f"{PAGE} has no table under {HEADING!r}"
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]
