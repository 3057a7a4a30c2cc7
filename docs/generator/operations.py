"""`docs/operations.md`: one section a platform, one entry an operation, all of it from their records."""

from __future__ import annotations

from typing import Any

from docs.generator import callbacks
from docs.generator.markdown import code, example, paragraphs, table
from worker.cli import fields
from worker.cli.operations import facts_of
from worker.ledger.jobs import GIVE_UP
from worker.operation import Operation, Platform
from worker.orders.words import CALL_OPTIONS, FILE_OPTIONS, ON_UNSURE
from worker.platforms import operations, platforms
from worker.wake import queue_of

INTRODUCTION = """
# Operations

<!-- Written by `make docs` from the records in tasks/*/operations.py: change them there. -->

What can be asked for, as [a task](tasks.md) or on the command line. `omniworker operations NAME` shows the same of
one of them. An unknown field, a missing one and a wrong value are each refused with a reason before any call. The
[last part](#what-platforms-call-us-for) is what platforms call us for.
"""
UNSURE = {
    "safe": "harmless: one whose answer was lost is simply sent again",
    "harmful": "harmful: one whose answer was lost is unsure, and never sent again in silence",
    "depends on the payload": "depends on the payload: where it harms, one whose answer was lost is unsure",
}
LOOKED_UP = (
    "harmful: one whose answer was lost is looked up at the platform, "
    "and made again only if the platform does not know it"
)
LATER = (
    "harmless; the platform takes rows first, and tells later what came of each: one whose answer was lost is looked "
    "for there, and made again only if it is not found"
)
AGAIN = "; {} may choose that it is sent again and counted as repeated"
HEADS = ("field", "type", "needed", "may be null", "rules")


def page() -> str:
    return paragraphs(INTRODUCTION, _contents(), *map(_platform, platforms().values()), callbacks.section())


def _contents() -> str:
    every = [one for platform in platforms().values() for one in _of(platform)]
    rows = ((f"[`{one.name}`](#{_anchor(one.name)})", facts_of(one)["takes"], one.summary) for one in every)
    return table(("operation", "takes a", "what it does"), rows)


def _anchor(name: str) -> str:
    """As GitHub and others make it of a heading."""
    return name.replace(".", "").lower()


def _platform(platform: Platform) -> str:
    return paragraphs(f"## {platform.title}", *map(_operation, _of(platform)))


def _of(platform: Platform) -> list[Operation]:
    """Its own, then the flows that go to it."""
    return [one for one in operations().values() if one.platform == platform.name]


def _operation(one: Operation) -> str:
    facts = facts_of(one)
    return paragraphs(
        f"### {one.name}",
        one.summary,
        *filter(None, [one.deprecated]),
        table(("", ""), _facts(one, facts)),
        _shape(one),
        *filter(None, [_own_options(one)]),
        *_file(facts["file"], facts["file_command"]),
        "For example:",
        example(one.example),
        f"```console\n$ {facts['command']}\n```\n\n```python\n{facts['celery']}\n```",
    )


def _file(facts: dict[str, Any] | None, command: str | None) -> list[str]:
    """Of those that take one."""
    if facts is None:
        return []
    rows = ((code(one["name"]), one["type"], _yes(one["needed"]), "; ".join(one["rules"])) for one in facts["columns"])
    words = f" `{command}`." if command else ""
    return [
        f"Columns of a file in CSV; {facts['others']}.{words}",
        table(("column", "type", "needed", "rules"), rows),
        f"```csv\n{facts['example'].rstrip()}\n```",
    ]


def _facts(one: Operation, facts: dict[str, Any]) -> list[tuple[str, str]]:
    kind = facts["takes"]
    return [
        ("request", code(facts["request"])),
        ("source", one.source),
        ("takes", _takes(one)),
        ("queue", code(queue_of(one.platform, kind))),
        ("limits", _limits(one)),
        ("a repeat is", _repeat(one, facts) + _again(one, kind)),
        ("a request lasts", f"at most {one.timeouts.total:g} s, {one.timeouts.connect:g} s of them to connect"),
        ("is given up", f"{GIVE_UP[kind] / 3600:g} h after it was asked for: refused, `gave_up`; it was not sent"),
        ("single rows", "the answer speaks for each" if one.verified else "the platform says nothing about them"),
    ]


def _repeat(one: Operation, facts: dict[str, Any]) -> str:
    return LATER if one.later else LOOKED_UP if one.lookup else UNSURE[facts["repeat"]]


def _own_options(one: Operation) -> str:
    """Those that no other operation takes."""
    rows = ((code(option["name"]), option["takes"], option["meaning"]) for option in facts_of(one)["options"])
    found = table(("option", "takes", "meaning"), rows)
    beside = (
        "Beside [the options of every file](tasks.md)" if one.rows else "Beside [the options of every call](tasks.md)"
    )
    return f"{beside}, it takes:\n\n{found}" if facts_of(one)["options"] else ""


def _again(one: Operation, kind: str) -> str:
    if not one.may_repeat:
        return ""
    setting = platforms()[one.platform].on_unsure
    says = [code(setting.name)] if setting else []
    if ON_UNSURE in (FILE_OPTIONS if kind == "file" else CALL_OPTIONS):
        says.insert(0, f"the option {code(ON_UNSURE.name)}")
    return AGAIN.format(" or ".join(says)) if says else ""


def _takes(one: Operation) -> str:
    if one.steps:
        return "a call: one payload, for several calls that follow each other, each a job of its own"
    call, file = f"a call: one payload, {_requests(one)}", "a file; its rows go under `{}`"
    if one.rows is None:
        return call
    rows = file.format(one.rows.key)
    return f"{call}; or {rows}, and what stands around them is its payload" if one.takes_calls else rows


def _requests(one: Operation) -> str:
    return "in as many requests as its rows need" if one.split else "one request"


def _limits(one: Operation) -> str:
    rows = f"{one.limits.rows:,} rows and " if one.rows else ""
    assumed = " (assumed: no document names a limit)" if one.limits.assumed else ""
    return f"{rows}{one.limits.bytes:,} bytes a request{assumed}"


def _shape(one: Operation) -> str:
    shape = one.shown_shape
    rows = (
        (code(fact.path), fact.type, _yes(fact.needed), _yes(fact.nullable), "; ".join(fact.rules))
        for fact in fields.of(shape)
    )
    return paragraphs(fields.about(shape), table(HEADS, rows))


def _yes(fact: bool) -> str:
    return "yes" if fact else ""
