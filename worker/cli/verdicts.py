"""What a check of `omniworker doctor` found."""

from __future__ import annotations

from dataclasses import dataclass

OK, NOTE, WRONG = "ok", "note", "wrong"


@dataclass(frozen=True)
class Check:
    """What was looked at, how it is (`ok`, `note`, `wrong`), and a sentence."""

    name: str
    verdict: str
    says: str
