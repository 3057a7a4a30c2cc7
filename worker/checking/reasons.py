"""What marshmallow says of a row or a payload, as refusals: a stable code, a sentence, advice. Fields are named, never
values: a refused row is somebody's data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from worker.outcome import Refusal

MOST_REASONS = 10
LONGEST_NAME = 60

# marshmallow's standard messages: the problem, what the sentence says of the field, and advice.
PROBLEMS = {
    "Missing data for required field.": ("missing", "is missing", "Add it."),
    "Field may not be null.": ("null", "is null", "Give it a value."),
    "Unknown field.": ("unknown", "is not a known field", "Leave it out, or correct its name."),
}


def reasons(number: int, found: Any, path: str = "") -> Iterator[Refusal]:
    """One refusal a problem. A validator's own `{"code", "reason", "advice"}` is one; its reason ends the sentence
    that begins with the field's name."""
    if isinstance(found, str):
        problem, reason, advice = PROBLEMS.get(found, ("invalid", f"is not valid ({found.rstrip('.')})", "Correct it."))
        yield Refusal(number, f"{path or 'row'}.{problem}", f"{path or 'row'} {reason}.", advice)
    elif isinstance(found, list):
        for one in found:
            yield from reasons(number, one, path)
    elif isinstance(found.get("code"), str):
        reason = f"{path or 'row'} {found['reason']}."
        yield Refusal(number, f"{path or 'row'}.{found['code']}", reason, found.get("advice", ""))
    else:
        for name, inner in found.items():
            yield from reasons(number, inner, _below(path, name))


def _below(path: str, name: Any) -> str:
    if name == "_schema":
        return path
    shown = _shown(str(name))
    return f"{path}.{shown}" if path else shown


def _shown(name: str) -> str:
    """A field's name as the row has it is somebody's data: short, printable, and never an address."""
    if "@" in name:
        return "(address)"
    return "".join(letter if letter.isprintable() else "?" for letter in name[:LONGEST_NAME]) or "(empty)"


def as_one(refusals: list[Refusal]) -> Refusal:
    """All that is wrong with one row, under the code of the first."""
    first, reasons = refusals[0], [one.reason for one in refusals[:MOST_REASONS]]
    if len(refusals) > MOST_REASONS:
        reasons.append(f"And {len(refusals) - MOST_REASONS} more.")
    advice = dict.fromkeys(one.advice for one in refusals[:MOST_REASONS] if one.advice)
    return Refusal(first.row, first.code, " ".join(reasons), " ".join(advice))
