"""The little Markdown that generated pages are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def code(text: object) -> str:
    return f"`{text}`"


def example(content: Any) -> str:
    return f"```json\n{json.dumps(content, indent=2, ensure_ascii=False)}\n```"


def paragraphs(*parts: str) -> str:
    return "\n\n".join(part.strip("\n") for part in parts if part)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
