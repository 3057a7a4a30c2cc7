"""How a job comes into being: by its key, once and for all."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from worker.ledger.ids import new_id
from worker.ledger.inserting import Inserting
from worker.ledger.jobs import patience
from worker.ledger.tables import jobs

NEW = Inserting(
    jobs,
    *("id", "operation", "account", "kind", "key", "key_hash", "content_hash", "source", "options", "on_unsure"),
    *("then", "verified", "around", "state", "planned", "created_at", "give_up_at", "wake_at", "parent", "step"),
    *("urgent", "on_error", "replay_of", "rows_of"),
)


@dataclass(frozen=True)
class Asked:
    """What an application or a person asked for. `key` is theirs, or the Celery task id."""

    operation: str
    account: str
    kind: str
    key: str | None
    key_hash: str
    content_hash: str
    source: str | None = None
    around: bytes | None = field(default=None, repr=False)
    options: dict[str, Any] = field(default_factory=dict)
    on_unsure: str = "park"
    verified: bool = True
    then: list[dict[str, Any]] = field(default_factory=list)
    on_error: list[dict[str, Any]] = field(default_factory=list)
    planned: bool = False
    parent: str | None = None
    step: str | None = None
    urgent: bool = False
    replay_of: str | None = None
    rows_of: str | None = None


class KeyReused(Exception):
    """The same key, with other content: somebody's mistake, so neither is guessed to be the right one."""


def record(tx: Connection, asked: Asked) -> tuple[str, bool]:
    """The job of this key, and whether it is new. The same key is the same job, for ever."""
    values = _values(asked, time.time())
    if NEW(tx, **values) is not None:
        return str(values["id"]), True
    known = tx.execute(select(jobs.c.id, jobs.c.content_hash).where(*_same_key(asked))).one()
    if known.content_hash != asked.content_hash:
        raise KeyReused(
            f"key_reused: this key belongs to job {known.id}, which was asked for with other content. "
            "Use a new key for new content; send the first content again to learn what became of it."
        )
    return str(known.id), False


def _values(asked: Asked, now: float) -> dict[str, Any]:
    planned = asked.planned or asked.kind == "call"
    return vars(asked) | {
        "id": new_id(now),
        "options": json.dumps(asked.options),
        "then": json.dumps(asked.then),
        "on_error": json.dumps(asked.on_error),
        "state": "running" if planned else "planning",
        "planned": planned,
        "created_at": now,
        "give_up_at": now + patience(asked.urgent, asked.kind),
        "wake_at": now + 5,
    }


def _same_key(asked: Asked) -> tuple[ColumnElement[bool], ...]:
    return (
        jobs.c.operation == asked.operation,
        jobs.c.account == asked.account,
        jobs.c.key_hash == asked.key_hash,
    )
