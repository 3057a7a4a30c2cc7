"""The facts of a request that writes to many people at once, so that it can be planned as a whole and approved. Records
like those of `operation.py`, which holds them together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from worker.facts.rows import Rows
from worker.facts.wire import JSON


@dataclass(frozen=True)
class Campaign:
    """`rows` are its people in a file, and under which key they go in a payload; `person(row, variables)` is what such
    a row becomes there, with those of its columns that fill the template. `deliver(payload, moment)` asks the platform
    itself to deliver at that moment; without it, a request is delivered when it arrives. `look_for(payload)` says what
    a person finds of it in the platform's own console, for when an answer is lost. `ignores` says in a sentence that
    the platform ignores whom it does not know, without a word; empty where it writes to everybody.
    """

    rows: Rows
    person: Callable[[JSON, Sequence[str]], Any]
    look_for: Callable[[JSON], str]
    deliver: Callable[[JSON, datetime], JSON] | None = None
    ignores: str = ""
