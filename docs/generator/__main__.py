"""`python -m docs.generator [--check]`."""

from __future__ import annotations

import sys
from pathlib import Path

from docs.generator.pages import ROOT, BadPage, stale, write


def main(words: list[str], root: Path = ROOT) -> int:
    """1 when a page is stale (`--check`) or can't be filled."""
    try:
        return _check(root) if "--check" in words else _write(root)
    except BadPage as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _check(root: Path) -> int:
    old = stale(root)
    for name in old:
        sys.stderr.write(f"{name} is stale: it no longer says what the code does. Run `make docs` and commit it.\n")
    return 1 if old else 0


def _write(root: Path) -> int:
    for name in write(root):
        sys.stdout.write(f"{name} is written anew.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
