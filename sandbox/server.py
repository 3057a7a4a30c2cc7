"""The sandbox as a library: `with start() as sandbox: …` plays the platforms in threads of this process."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from sandbox.devino import Devino
from sandbox.faults import fault
from sandbox.listener import Listener
from sandbox.omnisend import Omnisend
from sandbox.omnisense import Omnisense
from sandbox.role import Role
from sandbox.stage import Stage

POLL_SECONDS = 0.02  # stopping waits for one of these


class NotLoopback(ValueError):
    """The sandbox knows only made-up credentials and hides nothing: it is for this machine alone."""


class Sandbox:
    """A running sandbox. What `/_sandbox/` offers over HTTP, its methods offer in the process."""

    def __init__(self, listener: Listener, stage: Stage) -> None:
        self._listener, self._stage = listener, stage
        host, port = listener.server_address[:2]
        self.url = f"http://{host!s}:{port}"
        self._thread = threading.Thread(target=listener.serve_forever, args=(POLL_SECONDS,), daemon=True)
        self._thread.start()

    @property
    def omnisense_url(self) -> str:
        return self.url + self._stage.role_called("Omnisense").prefix

    def environment(self) -> dict[str, str]:
        """The variables that connect omniworker to every platform played here."""
        return {
            name: value
            for role in self._stage.roles
            for name, value in role.environment(self.url + role.prefix).items()
        }

    def fault(self, name: str, **parameters: Any) -> None:
        """From now on requests meet this fault (faults.py); raises `BadFault`."""
        self._stage.faults.add(fault(name, **parameters))

    def faults(self) -> list[dict[str, Any]]:
        return self._stage.faults.listed()

    def clear(self) -> None:
        """No more faults."""
        self._stage.faults.clear()

    def set_latency(self, seconds: float) -> None:
        self._stage.set_latency(seconds)

    def set_distance(self, seconds: float) -> None:
        """From now on each request and each answer is on its way for anything from 0 to so many seconds."""
        self._stage.set_distance(seconds)

    def arrivals(self, platform: str = "") -> list[float]:
        """When the requests of this platform arrived, by this machine's monotonic clock."""
        return self._stage.arrivals.of(self._stage.role_called(platform).title)

    def counts(self) -> dict[str, Any]:
        """requests, by_path, by_status; events, distinct, doubled; on_the_wire, most_on_the_wire."""
        return self._stage.counts()

    def taken(self, events: Iterable[Any], platform: str = "") -> list[int]:
        """How often each of these events was taken; `Refusal` names one that no request could carry."""
        return self._stage.taken(events, platform)

    def events(self, email: str) -> int:
        """How many events of this person were taken."""
        return self._stage.tally.of(email)

    def person(self, whom: str, platform: str = "") -> dict[str, Any] | None:
        """What the platform knows of the person with this address or id, as it was said last; None for a stranger."""
        return self._stage.person(whom, platform)

    def state(self, platform: str, **query: str) -> Any:
        """What this platform has now, narrowed by `query`."""
        return self._stage.state(platform, query)

    def play(self, platform: str, **told: Any) -> None:
        """How this platform plays what its documents leave open, until `reset`."""
        self._stage.play(platform, told)

    def set_window(self, platform: str, calls: int, seconds: float, tells: bool = False) -> None:
        """From now on this platform takes so many calls in so many seconds; `tells`: 429 comes with a Retry-After."""
        self._stage.set_window(platform, calls, seconds, tells)

    def wire(self, at: float) -> int:
        """How many calls were on the wire at this moment of `time.monotonic()`."""
        return self._stage.wire.at(at)

    def log(self) -> list[dict[str, Any]]:
        return self._stage.log.last()

    def reset(self) -> None:
        """Forget counts, log, faults, and what the platforms were told."""
        self._stage.reset()

    def stop(self) -> None:
        """Hang up and let the port go."""
        self._listener.stop()
        self._thread.join()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()


def start(
    port: int = 0,
    latency: float = 0.0,
    host: str = "127.0.0.1",
    seed: int = 0,
    roles: Sequence[Role] | None = None,
) -> Sandbox:
    """Listen on `port` (0: any free one) and play `roles`, by default every platform there is.

    `seed` decides which requests meet a fault that has a share.
    Raises `NotLoopback` for a host that others can reach, OSError for a port that is taken.
    """
    if not _is_loopback(host):
        raise NotLoopback(f"{host} is not on the loopback: use 127.0.0.1.")
    stage = Stage(every_role() if roles is None else roles, latency, seed)
    return Sandbox(Listener((host, port), stage), stage)


def every_role() -> tuple[Role, ...]:
    """New ones: a platform that keeps things keeps them for one sandbox."""
    return Omnisense(), Devino(), Omnisend()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return host == "localhost"
