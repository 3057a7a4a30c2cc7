"""Every reason that the house can give for what waits, stopped or is unsure; docs/operate.md explains each."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from docs.generator.source import FILLED_IN, calls, name_of, said, texts, trees

# Who takes a reason, and as which of its words.
TAKES_REASON = {
    "Busy": 1,
    "Down": 0,
    "Forbidden": 0,
    "Unsure": 0,
    "Retry": 0,
    "lost": 0,
    "Lost": 0,
    "NotSent": 0,
    "Unreadable": 0,
    "ClockOff": 0,
    "lose": 2,
    "look_up": 3,
    "not_taken": 2,
    "leave_to_a_person": 2,
    "_try_again": 3,
}
FEWEST_WORDS = 4


def whys() -> set[str]:
    """Every reason that a job, an unsure chunk, an account's door or a waiting Celery task can show."""
    found = {text for call in calls("worker", "tasks") for text in _reasons(call)} | set(_assigned())
    return {text for text in found if text.strip(f"{FILLED_IN} .()")}


def of_accounts() -> str:
    """What is said of an account that is not connected."""
    raised = (call for call in calls("worker", "tasks") if name_of(call) == "NotConnected")
    return _listed({text for call in raised for text in said(call.args[0])})


def of_sources() -> str:
    """What is said of a file that can't be taken, one sentence a line."""
    found = {text for tree in trees("worker/sources") for text in texts(tree)}
    refusals = (call for call in calls("worker/runner") if name_of(call) == "SourceRefused")
    found |= {text for call in refusals for text in said(call.args[0])}
    return _listed({text for text in found if _is_sentence(text)})


def _listed(found: set[str]) -> str:
    return "\n".join(f"- {text}" for text in sorted(found, key=lambda text: text.lstrip("… ")))


def _reasons(call: ast.Call) -> Iterator[str]:
    place = TAKES_REASON.get(name_of(call), len(call.args))
    taken = [*call.args[place : place + 1], *(word.value for word in call.keywords if word.arg == "why")]
    for reason in taken:
        yield from said(reason)


def _assigned() -> Iterator[str]:
    """`why = …`."""
    for tree in trees("worker"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "why":
                yield from said(node.value)


def _is_sentence(text: str) -> bool:
    return len(text.replace(FILLED_IN, "").split()) >= FEWEST_WORDS and (text.endswith(".") or ": " in text)
