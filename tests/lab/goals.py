"""A bound that a figure has to keep."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """`found` is at most `bound`, or at least where `most` is false."""

    words: str
    found: float
    bound: float
    most: bool = True

    @property
    def met(self) -> bool:
        return self.found <= self.bound if self.most else self.found >= self.bound

    def line(self) -> str:
        sign = "<=" if self.most else ">="
        return f"{'met   ' if self.met else 'MISSED'}  {self.words}: {self.found:.4g} (goal {sign} {self.bound:g})"
