"""The columns of a CSV file of an operation, from its shape and from what its columns are to a row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from worker.cli import fields
from worker.cli.fields import Fact
from worker.facts.rows import Rows


def of(rows: Rows) -> Iterator[Fact]:
    """The columns with a meaning of their own; the shape may have them deeper in a row than the file has."""
    facts = list(fields.of(rows.shape))
    for name in rows.cells.fields if rows.cells else ():
        found = [one for one in facts if one.path == name or one.path.endswith(f".{name}")]
        exact = next((one for one in found if one.path == name), None)
        if found:
            yield exact or replace(found[0], path=name, needed=False)


def others(rows: Rows) -> str:
    """What every other column is."""
    assert rows.cells is not None  # noqa: S101 - asked of sheets alone
    if rows.cells.rest:
        return f"every other column goes under `{rows.cells.rest}`, by its own name; an empty cell is a value not given"
    return "every other column goes as it is, by its own name"


def facts_of(rows: Rows | None) -> dict[str, Any] | None:
    """None where there can be no such file."""
    if rows is None or rows.cells is None:
        return None
    columns = [{"name": one.path, "type": one.type, "needed": one.needed, "rules": list(one.rules)} for one in of(rows)]
    return {"columns": columns, "others": others(rows), "example": rows.cells.example}
