"""`docs/settings.md` and `.env.example`, from the worker's own settings and those of each platform's record."""

from __future__ import annotations

from collections.abc import Iterator

from docs.generator.markdown import code, paragraphs, table
from schedules.declared import SETTINGS as SCHEDULES
from worker.accounts import settings_of
from worker.operation import Setting
from worker.platforms import platforms
from worker.settings import SETTINGS

INTRODUCTION = """
# Settings

<!-- Written by `make docs` from worker/settings.py, tasks/*/ and schedules/: change them there. -->

Every setting is a variable of the environment; `.env` in the current folder is read first, and what the environment
says already wins. Each may come as `NAME_FILE` instead, the path of a file that holds the value, which is how
secrets are best given. `omniworker doctor` says what is missing or wrong. A pace is calls in a window: `5/s`,
`400/m`, `10/5s`.
"""
DOT_ENV = (
    "# Copy to .env, or set these in the environment. Every one may come as NAME_FILE, "
    "the path of a file with the value."
)


def page() -> str:
    return paragraphs(INTRODUCTION, *(_section(title, found) for title, found in _groups()))


def dot_env() -> str:
    parts = [DOT_ENV]
    for number, (title, found) in enumerate(_groups()):
        parts.append("\n".join([*([f"# {title}"] if number else []), *map(_line, found)]))
    return "\n\n".join(parts)


def _groups() -> Iterator[tuple[str, tuple[Setting, ...]]]:
    yield "The worker", SETTINGS
    for platform in platforms().values():
        yield platform.title, settings_of(platform)
    yield "Schedules that come along", SCHEDULES


def _section(title: str, found: tuple[Setting, ...]) -> str:
    return paragraphs(f"## {title}", table(("variable", "default", "meaning"), map(_row, found)))


def _row(one: Setting) -> tuple[str, str, str]:
    default = code(one.default) if one.default else "–"
    return code(one.name), default, f"{one.meaning}{' (secret)' if one.secret else ''}"


def _line(one: Setting) -> str:
    return f"# {one.meaning}\n# {one.name}={one.default or ''}"
