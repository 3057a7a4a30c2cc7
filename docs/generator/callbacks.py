"""What docs/operations.md says of platforms calling us, and of people coming back from them: from the records."""

from __future__ import annotations

import json
from collections.abc import Iterator

from docs.generator.markdown import code, example, paragraphs, table
from worker.linking.connecting import path
from worker.operation import Platform
from worker.platforms import operations, platforms

LONGEST = 300  # characters of a command that anybody would type
HEADING = "## What platforms call us for"
INTRODUCTION = """
`web` has a door for each account with a secret, and answers 200 when what came is on disk
([operate](operate.md#when-platforms-call) has the other answers). What is not understood is kept for a person:
`omniworker quarantine list`.
"""


def section() -> str:
    every = platforms().values()
    return paragraphs(HEADING, INTRODUCTION, *(part for one in every for part in (*_callback(one), *_way_back(one))))


def _callback(platform: Platform) -> Iterator[str]:
    facts = platform.callbacks
    if facts is None:
        return
    door = f"/callbacks/{platform.name}"
    yield f"### Callbacks of {platform.title}"
    yield table(
        ("", ""),
        [
            ("request", code(f"POST {door}?secret_key=…")),
            ("further accounts", code(f"POST {door}/ACCOUNT?secret_key=…")),
            ("secrets", code(facts.secrets)),
            ("source", facts.source),
            ("becomes", ", ".join(map(code, facts.kinds))),
        ],
    )
    yield facts.asked_for
    yield table(
        ("field", "takes", "what becomes of it"), [(_names(one.name), one.takes, one.meaning) for one in facts.fields]
    )
    yield "The document's own:" if len(facts.examples) == 1 else "The document's own, each a call:"
    yield from map(example, facts.examples)
    curl = _curl(door, facts.examples[0])
    if len(curl) < LONGEST:
        yield f"```console\n{curl}\n```"


def _curl(door: str, said: object) -> str:
    body = json.dumps(said, ensure_ascii=False)
    return f"$ curl -d '{body}' 'http://127.0.0.1:8000{door}?secret_key=SECRET'"


def _way_back(platform: Platform) -> Iterator[str]:
    link = platform.link
    if link is None:
        return
    by_link = [one.name for one in operations().values() if one.platform == platform.name and one.auth == link.auth]
    yield f"### The way back from {platform.title}"
    yield table(
        ("", ""),
        [
            ("request", code(f"GET {path(platform)}?code=…&state=…")),
            ("by", "the browser of a person who was asked by `omniworker accounts connect`"),
            ("for", ", ".join(map(code, by_link))),
        ],
    )


def _names(text: str) -> str:
    return ", ".join(code(name) for name in text.split(", "))
