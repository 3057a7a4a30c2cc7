"""Facts of how a call, or a row of a file, is found again by whoever asks "was it sent?"."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FoundBy:
    """The places of addresses and of the platform's ids: `asked` in the payload of a call, or in what stands around the
    rows of a file; `row` in a row; `answered` in the answer to a call.

    A place is a path like `user.email`; a list on the way stands for each thing in it, `*` for every name. What nobody
    gave is no mistake.
    """

    asked: tuple[str, ...] = ()
    row: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
