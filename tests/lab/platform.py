"""The sandbox as a process of its own, and what an experiment asks of it over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from sandbox.omnisend import Omnisend
from sandbox.omnisense import Omnisense
from tests.lab.surroundings import bare
from tests.lab.waiting import until
from worker.processes.embedded import HOST, free_port


class Platform:
    """A sandbox that answers after `latency` seconds. It lives through every fault and counts what it took."""

    def __init__(self, latency: float) -> None:
        port = free_port(HOST, 0)
        self._url = f"http://{HOST}:{port}/_sandbox/"
        words = [sys.executable, "-P", "-m", "sandbox", "--port", str(port), "--latency", str(latency)]
        self._process = subprocess.Popen(
            words, env=bare(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, process_group=0
        )
        url = f"http://{HOST}:{port}"
        roles = (Omnisense(), Omnisend())
        self.environ: Mapping[str, str] = {
            name: value for role in roles for name, value in role.environment(url + role.prefix).items()
        }
        until(self._answers, 15, "the sandbox answers")

    def counts(self) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("GET", "counts")
        return found

    def requests(self) -> int:
        return int(self.counts()["requests"])

    def wire(self, moment: float) -> int:
        """Calls on the wire at this moment of `time.monotonic()`, which all processes of a machine share."""
        return int(self._ask("GET", f"wire?at={moment!r}")["calls"])

    def left_by(self, moment: float, at: float) -> dict[str, int]:
        """Of calls whose every caller was killed at this moment, by both clocks: how many were on the `wire`, and how
        many had been `answered`. Ask before anybody new calls.

        A busy sandbox notices a call some time after it has left: what it notices after the kill had left before it.
        """
        until(lambda: not self.counts()["on_the_wire"], 10, "the calls of the dead are over", every=0.005)
        ended = sum(bool(entry["at"] <= at) for entry in self.log())
        return {"wire": max(self.wire(moment), self.requests() - ended), "answered": ended}

    def taken(self, events: Sequence[Any]) -> list[int]:
        """How often each event was taken, in order."""
        times: list[int] = self._ask("POST", "taken", events)
        return times

    def distance(self, seconds: float) -> None:
        """Each request and each answer is on its way for anything from 0 to so many seconds."""
        self._ask("POST", "distance", {"seconds": seconds})

    def arrivals(self, platform: str = "Omnisense") -> list[float]:
        """When its requests arrived, by the monotonic clock."""
        moments: list[float] = self._ask("GET", f"arrivals?platform={platform}")["at"]
        return moments

    def state(self) -> list[Any]:
        """Everybody of whom a file of subscribers spoke."""
        found: list[Any] = self._ask("GET", "state?platform=omnisense")
        return found

    def times(self) -> dict[str, int]:
        """How often each contact of a batch was worked through."""
        found: dict[str, int] = self._ask("GET", "state?platform=omnisend&of=times")
        return found

    def fault(self, **rule: Any) -> None:
        self._ask("POST", "faults", rule)

    def clear(self) -> None:
        self._ask("DELETE", "faults")

    def log(self) -> list[dict[str, Any]]:
        last: list[dict[str, Any]] = self._ask("GET", "log")
        return last

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _answers(self) -> bool:
        try:
            return bool(self.counts())
        except URLError:
            return False

    def _ask(self, method: str, path: str, content: Any = None) -> Any:
        body = None if content is None else json.dumps(content).encode()
        request = Request(self._url + path, body, {"Content-Type": "application/json"}, method=method)  # noqa: S310
        with urlopen(request, timeout=120) as answer:  # noqa: S310 - our own loopback address
            return json.load(answer)
