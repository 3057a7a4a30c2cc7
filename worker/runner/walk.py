"""Walks a list of a platform page by page, for whoever wants all of it at once (`omniworker export`).

Each page is a safe request of its own, sent with the account's budget and past its door; nothing of it is recorded.
Two pages are held, and a short fingerprint of every page that was asked for: a platform that leads back to one of them
would be walked for ever.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from worker.checking.check import check_payload
from worker.errors import Busy, Forbidden, Refused
from worker.facts.wire import Wire
from worker.ledger.jobs import GIVE_UP
from worker.linking.links import access_of
from worker.operation import JSON, Operation, Reading, Repeat
from worker.platforms import Account
from worker.processes.process import Process
from worker.runner import asking, books, results
from worker.runner.consignment import Question
from worker.runner.wires import wire_of
from worker.seal import digest

SAID_FROM = 2.0
FINGERPRINT = 24
Say = Callable[[str], None]


class Stopped(Exception):
    """The list could not be walked to its end; the sentence says why."""


@dataclass(frozen=True)
class Page:
    """`following` asks for the next one; None after the last."""

    rows: list[JSON] = field(repr=False)
    following: JSON | None = field(repr=False)


@dataclass
class Walk:
    """The pages of one list. `say` is told of waits, and of an end that is not the platform's own. `patience` is how
    many seconds a page may be waited for. With `bulk`, a name of its own, its requests share the budget with files and
    leave calls their tenth; without it each is a call."""

    process: Process
    operation: Operation
    account: Account
    say: Say
    patience: float = GIVE_UP["call"]
    bulk: str | None = None
    _seen: set[str] = field(default_factory=set, repr=False)

    def pages(self, first: JSON) -> Iterator[list[JSON]]:
        """The rows of each page. Raises `Stopped`, `results.Refused`, `NotConnected`."""
        return (page.rows for page in self.steps(first))

    def steps(self, first: JSON) -> Iterator[Page]:
        """Each page with the payload of the next; the same errors."""
        pages = self.operation.pages
        assert pages is not None  # noqa: S101 - only lists are walked
        following: JSON | None = first
        before: list[JSON] = []
        while following is not None:
            payload = self._checked(following)
            wire = self._wire(payload)
            if self._asked_before(wire):
                return
            answer = self._page(wire).answer or {}
            rows: list[JSON] = answer[pages.items]
            self._refuse_the_same(before, rows)
            before, following = rows, pages.following(payload, answer)
            yield Page(rows, following)

    def _asked_before(self, wire: Wire) -> bool:
        fingerprint = digest(wire.path, *(f"{name}={value}" for name, value in sorted(wire.query)))[:FINGERPRINT]
        if fingerprint in self._seen:
            self.say(f"{self._title} led back to a page that it gave before: the list ends there.")
            return True
        self._seen.add(fingerprint)
        return False

    def _refuse_the_same(self, before: list[JSON], rows: list[JSON]) -> None:
        """One that does not look at the place it is asked for would never come to an end."""
        if rows and rows == before:
            raise Stopped(f"{self._title} gave the same page for two places: the list can't be read to its end.")

    @property
    def _title(self) -> str:
        return self.account.platform.title

    def _checked(self, payload: JSON) -> JSON:
        """A next page is the platform's word, and goes through the same check as anybody's."""
        body, refusals = check_payload(payload, self.operation.shape)
        if body is None:
            raise results.Refused.of(refusals, None)
        return body

    def _wire(self, payload: JSON) -> Wire:
        """Where the page lies; a place that is not the platform's own gets no key of ours."""
        try:
            return wire_of(self.process, self.operation, self.account, payload, None)
        except Refused as error:
            raise results.Refused.of(error.refusals, None) from None

    def _page(self, wire: Wire) -> Reading:
        tries, until = 0, time.monotonic() + self.patience
        while True:
            match result := self._ask(wire):
                case Reading():
                    return result
                case Refused():
                    raise results.Refused.of(result.refusals, None)
                case Busy():
                    wait = result.wait
                case Forbidden():
                    wait = 0.0  # the door is shut by now, and knows the sentence how to open it
                case _:
                    tries += 1
                    wait = getattr(result, "wait", None) or books.backoff(tries)
            if tries >= books.TRIES or time.monotonic() + wait > until:
                raise Stopped(f"{self._title} could not be asked for the whole list: {result}.")
            self._wait(wait, result)

    def _ask(self, wire: Wire) -> books.Result:
        """One request for one page. Raises `Stopped` where the account's door is shut."""
        try:
            return asking.ask(self.process, self._question(wire))
        except Forbidden as shut:
            raise Stopped(str(shut)) from None
        except Busy as error:
            return error

    def _question(self, wire: Wire) -> Question:
        access = access_of(self.process, self.operation, self.account)
        pack = partial(self.process.client.pack, self.operation, self.account.platform, access, wire)
        return Question(self.operation, self.account, access, Repeat.SAFE, pack, self.bulk)

    def _wait(self, seconds: float, why: books.Result) -> None:
        if seconds >= SAID_FROM:
            self.say(f"Waiting {seconds:.0f} s: {why}.")
        self.process.stopping.wait(seconds)
