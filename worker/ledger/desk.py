"""Many threads, one transaction: whoever leads commits everything that waits.

A durable commit costs a sync of the disk, whatever it carries. Sixteen lanes that each want one share it;
and an answer that has arrived is settled by the very next commit of the process, whoever makes it, so a kill
finds hardly any call that was answered and not settled (design §6).
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import groupby
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

T = TypeVar("T")
Work = Callable[[Connection], T]
# Reads the pieces of several threads before their transaction begins, and gives their work: with a result for each.
Joint = Callable[[Sequence[Any]], Work[Sequence[Any]]]
MOST_TRIES = 20
FIRST_PAUSE, PAUSES = 0.02, 8
log = logging.getLogger(__name__)


class Undecided(SQLAlchemyError):
    """Whether the work is on disk, nobody knows. Doing it again could do it twice, so its thread is told."""


def pauses() -> Iterator[float]:
    """Seconds between the tries of what fails for a reason that passes: four in all, apart for each who waits."""
    return (random.uniform(0.5, 1) * FIRST_PAUSE * 2**n for n in range(PAUSES))  # noqa: S311 - spreads, hides nothing


class _Entry:
    """A piece of work, and the lock its thread waits at until it is done or has to lead. With `joint` it is one of the
    pieces that this function makes work of."""

    __slots__ = ("done", "error", "joint", "tries", "turn", "value", "work")

    def __init__(self, work: Any, turn: threading.Lock | None, joint: Joint | None = None) -> None:
        self.work = work
        self.turn = turn
        self.joint = joint
        self.done = False
        self.tries = 0
        self.value: Any = None
        self.error: BaseException | None = None


class Desk:
    """Takes pieces of work on the ledger and commits them together, in the order they came.

    `passes` says of an error that nothing was done, and that the same may well be done in a moment.
    """

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[Connection]],
        passes: Callable[[BaseException], bool] = lambda _error: False,
    ) -> None:
        self._begin = begin
        self._passes = passes
        self._guard = threading.Lock()
        self._queue: list[_Entry] = []
        self._led = False

    def write(self, work: Work[T], *, first: bool = False) -> T:
        """Do `work` in a transaction and come back when it is on disk, with its result or its error.

        `first`: before all that waits already, which had better know of it.
        """
        value: T = self._write(_Entry(work, threading.Lock()), first)
        return value

    def join(self, joint: Joint, piece: Any) -> Any:
        """`write` for what many threads write alike: `joint` is given their pieces together, which costs less than one
        after the other, each in a thread of its own. Comes back with the result of this piece."""
        return self._write(_Entry(piece, threading.Lock(), joint))

    def _write(self, entry: _Entry, first: bool = False) -> Any:
        assert entry.turn is not None  # noqa: S101 - somebody waits for it
        entry.turn.acquire()
        with self._guard:
            self._queue.insert(0 if first else len(self._queue), entry)
            lead, self._led = not self._led, True
        if not lead:
            entry.turn.acquire()
        if not entry.done:
            self._lead()
        if entry.error is not None:
            raise entry.error
        return entry.value

    def later(self, work: Work[Any]) -> None:
        """Do `work` with the next commit of this process. The caller's own next `write` includes it."""
        with self._guard:
            self._queue.append(_Entry(work, None))

    def _lead(self) -> None:
        """Commit what waits, tell its threads, and hand the lead to the first that has come meanwhile."""
        with self._guard:
            entries, self._queue = self._queue, []
        try:
            self._commit(entries)
        finally:
            self._hand_over(entries)

    def _hand_over(self, entries: list[_Entry]) -> None:
        with self._guard:
            following = next((entry.turn for entry in self._queue if entry.turn is not None), None)
            self._led = following is not None
        # The next leader first: the disk is what everybody waits for.
        for turn in (following, *(entry.turn for entry in entries)):
            if turn is not None and turn.locked():
                turn.release()

    def _commit(self, entries: list[_Entry]) -> None:
        try:
            self._together(entries)
        except Undecided as error:
            self._failed(entries, error)
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread whose work it is
            self._commit_alone(entries, error)
        for entry in entries:
            entry.done = True

    def _together(self, entries: list[_Entry]) -> None:
        works = [_worked(joint, list(alike)) for joint, alike in groupby(entries, attrgetter("joint"))]
        with self._begin() as tx:
            for alike, work in works:
                for entry, value in zip(alike, work(tx), strict=True):
                    entry.value = value

    def _commit_alone(self, entries: list[_Entry], error: BaseException) -> None:
        """One piece failed and took the others' transaction with it: each gets one of its own."""
        if len(entries) > 1:
            for entry in entries:
                self._commit([entry])
        elif self._passes(error):
            self._persist(entries)
        else:
            self._failed(entries, error)

    def _persist(self, entries: list[_Entry]) -> None:
        """Tries one piece until it is done, until it fails for another reason, or until patience ends."""
        failure: BaseException | None = None
        for pause in pauses():
            time.sleep(pause)
            try:
                return self._together(entries)
            except BaseException as error:  # noqa: BLE001 - as above
                failure = error
                if isinstance(error, Undecided) or not self._passes(error):
                    break
        assert failure is not None  # noqa: S101 - it has tried
        return self._failed(entries, failure)

    def _failed(self, entries: list[_Entry], error: BaseException) -> None:
        for entry in entries:
            if entry.turn is not None:
                entry.error = error
            else:
                self._keep(entry, error)

    def _keep(self, entry: _Entry, error: BaseException) -> None:
        """Nobody waits for a `later`, so nobody would hear of its failure: it goes with the commits that follow."""
        entry.tries += 1
        log.error("a settled answer could not be written (try %s): %s", entry.tries, type(error).__name__)
        if entry.tries < MOST_TRIES:
            with self._guard:
                self._queue.insert(0, entry)


def _worked(joint: Joint | None, alike: list[_Entry]) -> tuple[list[_Entry], Work[Sequence[Any]]]:
    if joint is None:
        return alike, lambda tx: [entry.work(tx) for entry in alike]
    return alike, joint([entry.work for entry in alike])
