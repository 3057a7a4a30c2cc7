"""Five errors, each named for what happens next. Nothing else decides about retrying."""

from __future__ import annotations

from worker.outcome import Refusal


class Refused(Exception):
    """The platform, or our own check, said no for good: never sent again, the rows are named.

    `whole` where one refusal speaks for the whole request.
    """

    def __init__(self, refusals: list[Refusal], *, whole: bool = False) -> None:
        super().__init__("; ".join(sorted({refusal.code for refusal in refusals})))
        self.refusals = refusals
        self.whole = whole


class Forbidden(Exception):
    """The account is refused, its keys or its balance: its door closes, the chunk waits, a person has to act.

    `first` is what that person has to do, as a clause. With `link` it is the account's link that is refused, which is
    in this state now: nothing else of the account is.
    """

    def __init__(self, why: str | None, first: str = "", link: str | None = None) -> None:
        super().__init__(why)
        self.first = first
        self.link = link


class Busy(Exception):
    """Not now, and nothing went wrong: sent again after `wait` seconds, the try is not counted."""

    def __init__(self, wait: float, why: str = "busy") -> None:
        super().__init__(why)
        self.wait = wait


class Down(Exception):
    """It was not done (or repeating is harmless) because something is broken: the try is counted."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


class Unsure(Exception):
    """The request left and its answer is lost: neither success nor failure, never repeated in silence."""
