"""Faults on demand: which there are, what each may be told, and which request meets one."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# What each fault may be told beyond `times`, `share`, `method` and `path`. How it is played stands in mischief.py.
TAKES: Mapping[str, frozenset[str]] = {
    "status": frozenset({"status", "retry_after", "headers", "body", "applied"}),
    "hang": frozenset({"seconds", "applied"}),
    "cut": frozenset(),
    "half": frozenset(),
    "reset": frozenset(),
    "garbage": frozenset(),
    "empty": frozenset(),
    "html": frozenset({"applied"}),
    "drip": frozenset({"every"}),
    "delay": frozenset({"seconds"}),
    "change": frozenset({"at", "to"}),
}
EVERY_FAULT = frozenset({"times", "share", "method", "path"})
LONGEST_WAIT = 1_000_000.0


class BadFault(ValueError):
    """The sentence says which parameter is wrong and what would be right."""


@dataclass(frozen=True)
class Fault:
    """A rule: the next `times` requests (None: for ever), a `share` of those whose path ends in `path`,
    with this `method` where one is given.

    `applied` says whether the request is taken although its answer is spoilt (`status`, `hang`, `html`; the
    other faults decide by their nature). `seconds` of None is for ever. `at` is the place in a JSON answer
    (`paging.next`) that is changed, `to` what stands there then.
    """

    fault: str
    times: int | None = None
    share: float = 1.0
    method: str = ""
    path: str = ""
    status: int = 503
    retry_after: float | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    applied: bool = False
    seconds: float | None = None
    every: float = 1.0
    at: str = ""
    to: Any = None


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_wait(value: Any) -> bool:
    """A finite number of seconds, as a wait may last."""
    return _number(value) and 0 <= value < LONGEST_WAIT


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _one_line(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and value.isascii()


CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "times": (lambda v: v is None or (is_whole(v) and v > 0), "a whole number from 1, or null for ever"),
    "share": (lambda v: _number(v) and 0 <= v <= 1, "a number from 0 to 1"),
    "method": (lambda v: isinstance(v, str) and v == v.upper(), "a method in capitals, like POST"),
    "path": (lambda v: isinstance(v, str), "the end of a path"),
    "status": (lambda v: is_whole(v) and 200 <= v <= 599, "a status from 200 to 599"),
    "retry_after": (lambda v: v is None or _one_line(v) or (_number(v) and v >= 0), "seconds, or the header's text"),
    "headers": (lambda v: isinstance(v, Mapping) and all(map(_one_line, [*v, *v.values()])), "names and values"),
    "body": (lambda v: isinstance(v, str), "text"),
    "applied": (lambda v: isinstance(v, bool), "true or false"),
    "seconds": (lambda v: v is None or is_wait(v), "seconds from 0, or null for ever"),
    "every": (is_wait, "seconds from 0"),
    "at": (lambda v: isinstance(v, str) and all(v.split(".")), "names with dots between them"),
    "to": (lambda _: True, "anything"),
}


def fault(name: Any, **parameters: Any) -> Fault:
    """A fault that was checked; raises `BadFault`."""
    if not isinstance(name, str) or name not in TAKES:
        raise BadFault(f"fault {name!r} is not known; there are {', '.join(TAKES)}.")
    for parameter, value in parameters.items():
        if parameter not in TAKES[name] | EVERY_FAULT:
            raise BadFault(f"{name} takes no {parameter!r}; it takes {', '.join(sorted(TAKES[name] | EVERY_FAULT))}.")
        good, right = CHECKS[parameter]
        if not good(value):
            raise BadFault(f"{parameter} of {name} has to be {right}.")
    if name == "delay" and parameters.get("seconds") is None:
        raise BadFault("delay needs its seconds; what never answers is a hang.")
    if name == "change" and not parameters.get("at"):
        raise BadFault("change needs at, the place in the answer.")
    return Fault(name, **parameters)


@dataclass
class _Rule:
    fault: Fault
    fired: int = 0

    def concerns(self, method: str, path: str) -> bool:
        ours = path.endswith(self.fault.path) and self.fault.method in ("", method)
        return ours and (self.fault.times is None or self.fired < self.fault.times)


class Faults:
    """The rules in force, oldest first; a request meets at most one. Shares are drawn from a seeded generator."""

    def __init__(self, seed: int) -> None:
        self._lock = threading.Lock()
        self._seed = seed
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._rules: list[_Rule] = []
            self._dice = random.Random(self._seed)  # noqa: S311  a test wants the same faults again, not secrecy

    def add(self, new: Fault) -> None:
        with self._lock:
            self._rules.append(_Rule(new))

    def meet(self, method: str, path: str) -> Fault | None:
        """The fault that a `method` request for `path` meets now, which uses up one of its times."""
        with self._lock:
            for rule in self._rules:
                if rule.concerns(method, path) and self._dice.random() < rule.fault.share:
                    rule.fired += 1
                    return rule.fault
            return None

    def listed(self) -> list[dict[str, Any]]:
        """Each rule's name, path, times and how often it has `fired`."""
        with self._lock:
            return [
                {"fault": r.fault.fault, "path": r.fault.path, "times": r.fault.times, "fired": r.fired}
                for r in self._rules
            ]
