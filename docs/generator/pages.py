"""Which page is made of what: whole pages, and derived stretches inside pages whose prose is written by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from docs.generator import codes, operations, orders, settings, whys

ROOT = Path(__file__).resolve().parents[2]
WHOLE: Mapping[str, Callable[[], str]] = {
    "docs/operations.md": operations.page,
    "docs/settings.md": settings.page,
    ".env.example": settings.dot_env,
}
IN_PAGES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "docs/tasks.md": {
        "queues": orders.queues,
        "call words": orders.call_words,
        "file words": orders.file_words,
        "file options": orders.file_options,
        "call options": orders.call_options,
        "codes": codes.codes,
    },
    "docs/operate.md": {"accounts": whys.of_accounts, "sources": whys.of_sources},
}
STRETCH = re.compile(r"(<!-- derived: (?P<name>[^>]+) -->\n).*?(<!-- end -->)", re.DOTALL)


class BadPage(Exception):
    """A page written by hand has lost a place for what is derived, or names one that nobody fills."""


def pages(root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Every page that is wholly or partly derived, by its path in the project, as it should be. Raises `BadPage`."""
    for name, make in WHOLE.items():
        yield name, make().rstrip("\n") + "\n"
    for name, stretches in IN_PAGES.items():
        yield name, _filled(name, (root / name).read_text(encoding="utf-8"), stretches)


def stale(root: Path = ROOT) -> list[str]:
    """The pages that are not as they should be."""
    return [name for name, text in pages(root) if _written(root / name) != text]


def write(root: Path = ROOT) -> list[str]:
    """Write the stale ones; which they were."""
    changed = [(name, text) for name, text in pages(root) if _written(root / name) != text]
    for name, text in changed:
        (root / name).write_text(text, encoding="utf-8")
    return [name for name, _ in changed]


def _written(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _filled(page: str, text: str, stretches: Mapping[str, Callable[[], str]]) -> str:
    found = [match["name"] for match in STRETCH.finditer(text)]
    if sorted(found) != sorted(stretches):
        raise BadPage(
            f"{page} has the derived stretches {', '.join(found) or '(none)'}; it should have each of "
            f"{', '.join(stretches)} once, between `<!-- derived: NAME -->` and `<!-- end -->`."
        )
    return STRETCH.sub(lambda match: f"{match[1]}\n{stretches[match['name']]()}\n\n{match[3]}", text)
