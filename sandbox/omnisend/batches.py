"""Omnisend's batches, as its API documentation v3 and its OpenAPI description have them, and nothing else has.

A batch is taken at once and worked through afterwards: `pending`, `inProgress`, then `finished`, or `stopped` after
too many errors, with items that nobody came to. How long it takes, where it stops, and what single items are answered
besides what the document demands, `play` says. No document tells whether items of an unfinished batch are shown: those
that were worked through are.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.answer import Refusal
from sandbox.omnisend.contacts import who
from sandbox.strict import JSON

MOST_ITEMS = 1000
SHOWN = ("batchID", "method", "endpoint", "status", "createdAt", "totalCount", "finishedCount", "errorsCount")
Post = Callable[[JSON], JSON]


@dataclass
class Batch:
    """`items` are as they are answered; those without a responseCode were not come to."""

    batch_id: str
    at: datetime
    due: float
    seconds: float
    stop_after: int | None
    items: list[JSON]
    status: str = "pending"
    done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def shown(self) -> JSON:
        errors = sum(one.get("responseCode", 200) >= 400 for one in self.items)
        made = self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        values = (self.batch_id, "POST", "contacts", self.status, made, len(self.items), self.done, errors)
        return dict(zip(SHOWN, values, strict=True))


class Batches:
    """By id, in the order in which they came. `post` is what a single contact is answered."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._by_id: dict[str, Batch] = {}
            self._numbers = itertools.count(1)
            self._times: Counter[str] = Counter()
            self.seconds, self.stop_after, self.missing = 0.2, None, 0
            self._answers: dict[str, deque[int]] = {}

    def play(self, told: Mapping[str, Any]) -> None:
        """`seconds` that each further batch takes; `stop_after` so many items of the next one; `answers` for an
        address, the statuses of its next tries; `missing`, the status that stands in place of batches (0: they are
        there); `forget`: all that there were are gone, as after seven days."""
        with self._lock:
            self.seconds = float(told.get("seconds", self.seconds))
            self.stop_after = told.get("stop_after", self.stop_after)
            self.missing = told.get("missing", self.missing)
            self._answers |= {address: deque(statuses) for address, statuses in told.get("answers", {}).items()}
            if told.get("forget"):
                self._by_id.clear()

    def take(self, items: list[JSON]) -> Batch:
        with self._lock:
            number = next(self._numbers)
            stop_after, self.stop_after = self.stop_after, None
            kept = [{"itemID": str(n), "request": item, "status": "pending"} for n, item in enumerate(items, 1)]
            batch = Batch(
                f"{number:024x}", datetime.now(UTC), time.monotonic() + self.seconds, self.seconds, stop_after, kept
            )
            self._by_id[batch.batch_id] = batch
        return batch

    def get(self, batch_id: str) -> Batch:
        with self._lock:
            batch = self._by_id.get(batch_id)
        if batch is None:
            raise Refusal(404, "Not found - There is no resource behind the URI.")
        self._work(batch)
        return batch

    def all(self) -> list[Batch]:
        with self._lock:
            found = list(self._by_id.values())
        for batch in found:
            self._work(batch)
        return found

    def counts(self) -> JSON:
        """How many items were worked through, how many contacts were in them, and how often one came again."""
        found = self.all()
        with self._lock:
            times = dict(self._times)
        again = sum(n - 1 for n in times.values())
        return {"batches": len(found), "items": sum(times.values()), "contacts": len(times), "again": again}

    def times(self) -> dict[str, int]:
        """How often each contact was worked through, by its first identifier."""
        self.all()
        with self._lock:
            return dict(self._times)

    def _work(self, batch: Batch) -> None:
        """As far as it would have come by now."""
        with batch.lock:
            if batch.status in ("finished", "stopped"):
                return
            left = batch.due - time.monotonic()
            share = 1.0 if left <= 0 or not batch.seconds else 1 - left / batch.seconds
            upto = int(len(batch.items) * share) if share < 1 else len(batch.items)
            stops = batch.stop_after is not None and batch.stop_after < upto
            for item in batch.items[batch.done : batch.stop_after if stops else upto]:
                self._do(item)
                batch.done += 1
            batch.status = "stopped" if stops else "finished" if share >= 1 else "inProgress" if upto else "pending"

    def _do(self, item: JSON) -> None:
        contact = item["request"]
        names = [one.get("id", "") for one in contact.get("identifiers", ()) if isinstance(one, dict)]
        with self._lock:
            told = next((self._answers[name] for name in names if self._answers.get(name)), None)
            status = told.popleft() if told else 0
        if status:
            item.update(responseCode=status, response={"error": f"played as {status}"})
        else:
            self._answer(item, contact)
        item["status"] = "finished"

    def _answer(self, item: JSON, contact: JSON) -> None:
        try:
            item.update(responseCode=200, response=self._post(contact))
        except Refusal as refusal:
            said = json.loads(refusal.answer.body)
            fields = {"0": [f"{said.get('at', '')}: {said['error']}"]}
            item.update(responseCode=refusal.answer.status, response={"error": said["error"], "fields": fields})
            return
        with self._lock:
            self._times[who(contact["identifiers"][0])[1]] += 1
