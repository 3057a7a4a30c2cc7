"""Which contacts of a request Devino took (platforms.md D12 and D28).

Its answer names no contact of the request. An error is matched by the addresses that its description dumped, a contact
of the address book by its id; the rest are the messages sent, if their number is that of the contacts left over.
Whatever can't be told for certain is unsure.
"""

from __future__ import annotations

from typing import Any

from tasks.devino import marks
from tasks.strict import JSON
from worker.facts.wire import Sorted
from worker.outcome import Refusal

ADVICE = "Mend the contact, then send it again."


def sort(messages: JSON, answer: JSON) -> Sorted:
    """Rows are `contacts`, then `contactIds`, numbered from 1. Raises nothing: what does not fit is unsure."""
    return _Sorting(messages, answer["result"]).sorted()


class _Sorting:
    """Rows leave `left` as soon as their outcome is known."""

    def __init__(self, messages: JSON, result: JSON) -> None:
        contacts = messages.get("contacts", [])
        self.people = {row: marks.of_person(one["contact"]) for row, one in enumerate(contacts, 1)}
        ids = messages.get("contactIds", [])
        self.ids = {str(one): row for row, one in enumerate(ids, len(contacts) + 1)}
        self.left = set(range(1, len(contacts) + len(ids) + 1))
        self.sent, self.errors = list(result["sendAnswers"]), list(result["errorAnswers"])
        self.refused: list[Refusal] = []

    def sorted(self) -> Sorted:
        self.sent = [item for item in self.sent if not self._known_by_id(item)]
        self.errors = [error for error in self.errors if not self._matched(error)]
        if not self.sent and len(self.errors) == len(self.left) and not any(map(self._names_somebody, self.errors)):
            for row, error in zip(sorted(self.left), self.errors, strict=True):
                self._refuse(row, error)
        elif not self.errors and len(self.sent) == len(self.left):
            self.left.clear()
        return Sorted(tuple(sorted(self.refused, key=lambda one: one.row)), tuple(sorted(self.left)))

    def _known_by_id(self, item: JSON) -> bool:
        row = self._row_of_id(item.get("mergeKey"))
        self.left.discard(row or 0)
        return row is not None

    def _matched(self, error: JSON) -> bool:
        row = self._row_of_id(error.get("mergeKey")) or self._row_of_marks(frozenset(error["marks"]))
        if row is not None:
            self._refuse(row, error)
        return row is not None

    def _names_somebody(self, error: JSON) -> bool:
        return any(not person.isdisjoint(error["marks"]) for person in self.people.values())

    def _row_of_id(self, key: Any) -> int | None:
        """Devino shortens ids: an equal one first, then the only one that begins so."""
        if not isinstance(key, str) or not key:
            return None
        rows = [self.ids[key]] if key in self.ids else [row for one, row in self.ids.items() if one.startswith(key)]
        return rows[0] if len(rows) == 1 and rows[0] in self.left else None

    def _row_of_marks(self, found: frozenset[str]) -> int | None:
        """The only contact with all of these addresses, or else the only one with some of them."""
        people = self.people.items()
        rows = [row for row, person in people if person == found] or [row for row, person in people if person & found]
        return rows[0] if len(rows) == 1 and rows[0] in self.left else None

    def _refuse(self, row: int, error: JSON) -> None:
        self.left.discard(row)
        reason = f"Devino refused the contact: {error['text'] or error['key']}".rstrip(".")
        self.refused.append(Refusal(row, error["key"], f"{reason}.", ADVICE))
