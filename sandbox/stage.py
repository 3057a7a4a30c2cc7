"""What all connections share: the roles played, the faults in force, and what was seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sandbox.answer import Refusal
from sandbox.arrivals import Arrivals
from sandbox.faults import BadFault, Faults, is_wait, is_whole
from sandbox.log import Log
from sandbox.role import KnowsPeople, Limited, Playful, Remembering, Role, ShowsState, prefixes
from sandbox.tally import Tally
from sandbox.wire import Wire


class Stage:
    """`latency` is the seconds that every answer takes at least."""

    def __init__(self, roles: Sequence[Role], latency: float = 0.0, seed: int = 0) -> None:
        self.roles = tuple(roles)
        self.faults, self.log, self.tally, self.wire = Faults(seed), Log(), Tally(), Wire()
        self.arrivals = Arrivals(seed)
        self.set_latency(latency)

    def set_latency(self, seconds: Any) -> None:
        if not is_wait(seconds):
            raise BadFault("latency has to be a number of seconds from 0.")
        self.latency = float(seconds)

    def set_distance(self, seconds: Any) -> None:
        """From now on each request and each answer is on its way for anything from 0 to so many seconds."""
        if not is_wait(seconds):
            raise BadFault("distance has to be a number of seconds from 0.")
        self.arrivals.distance = float(seconds)

    def role_of(self, path: str) -> Role | None:
        return next((role for role in self.roles if path.startswith(tuple(f"{at}/" for at in prefixes(role)))), None)

    def role_called(self, title: str) -> Role:
        """The role of this title in any case; the first one if it is empty."""
        for role in self.roles:
            if title.lower() in {"", role.title.lower()}:
                return role
        raise Refusal(404, f"{title!r} is not played here; there are {', '.join(r.title for r in self.roles)}.")

    def taken(self, events: Iterable[Any], title: str = "") -> list[int]:
        """How often each of these events was taken, in order."""
        role = self.role_called(title)
        return self.tally.times([role.identity(event, f"[{index}]") for index, event in enumerate(events)])

    def state(self, title: str, query: Mapping[str, str]) -> Any:
        """What this platform has now."""
        role = self.role_called(title)
        if not isinstance(role, ShowsState):
            raise Refusal(404, f"{role.title} keeps nothing that could be looked at.")
        return role.state(query)

    def set_window(self, title: str, calls: Any, seconds: Any, tells: Any = False) -> None:
        """From now on this platform takes so many calls in so many seconds; `tells`: 429 comes with a Retry-After."""
        role = self.role_called(title)
        if not isinstance(role, Limited):
            raise Refusal(404, f"{role.title} counts no calls.")
        if not (is_whole(calls) and calls > 0 and is_wait(seconds) and seconds > 0 and isinstance(tells, bool)):
            raise BadFault("A window has calls (from 1), seconds (more than 0) and tells (true or false).")
        role.window.set(calls, float(seconds), tells)

    def play(self, title: str, told: Mapping[str, Any]) -> None:
        """Tell this platform how to play what its documents leave open."""
        role = self.role_called(title)
        if not isinstance(role, Playful):
            raise Refusal(404, f"{role.title} plays nothing that its documents leave open.")
        role.play(told)

    def counts(self) -> dict[str, Any]:
        return {**self.log.counts(), **self.tally.counts(), **self.wire.counts()}

    def person(self, whom: str, title: str = "") -> dict[str, Any] | None:
        """What the platform of this title knows of the person with this address or id."""
        role = self.role_called(title)
        if not isinstance(role, KnowsPeople):
            raise Refusal(404, f"{role.title} keeps nothing of people here.")
        return role.person(whom)

    def reset(self) -> None:
        """Forget counts, intervals, log, faults, what the platforms were told; latency, distance and windows stay."""
        for part in (self.faults, self.log, self.tally, self.wire, self.arrivals):
            part.clear()
        for role in self.roles:
            if isinstance(role, Remembering):
                role.forget()
