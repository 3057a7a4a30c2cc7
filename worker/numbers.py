"""Row numbers as a short text, `2-57,59`: which rows of a stretch of a file are a chunk's, or went with a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def written(numbers: Iterable[int]) -> str:
    """Ascending numbers, those that follow each other as a span."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans(numbers))


def read(text: str) -> list[int]:
    """The numbers of a text that `written` made."""
    return [number for first, last in _spans_of(text) for number in range(first, last + 1)]


def spans(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """First and last of those that follow each other."""
    begun: tuple[int, int] | None = None
    for number in numbers:
        if begun is not None and number == begun[1] + 1:
            begun = (begun[0], number)
            continue
        if begun is not None:
            yield begun
        begun = (number, number)
    if begun is not None:
        yield begun


def _spans_of(text: str) -> Iterator[tuple[int, int]]:
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        yield int(first), int(last or first)
