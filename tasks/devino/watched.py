"""How far a cascade is, which Devino tells nobody: it is asked for its state and its counters until it has ended.

Source: Devino Telecom, "OMNI", Receiving a specific scenario (platforms.md 2.5): `state`, and the counters of each
trigger. One that is stopped can be started again.
"""

from __future__ import annotations

from typing import Any

from worker.facts.watched import Seen, Watched

ENDED = ("FINISHED", "DELETED_FINISHED", "DELETED_DRAFT", "FAILED")
COUNTERS = ("totalCount", "successCount", "errorCount")


def subject(answer: Any) -> str | None:
    result = answer.get("result") if isinstance(answer, dict) else None
    made = result.get("result") if isinstance(result, dict) else None
    return str(made) if isinstance(made, str | int) and str(made).isdigit() else None


def payload(cascade: str) -> dict[str, Any]:
    return {"taskId": int(cascade)}


def read(answer: Any) -> Seen | None:
    task = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(task, dict) or not isinstance(task.get("state"), str):
        return None
    triggers = [one for one in task.get("triggersInfo") or () if isinstance(one, dict)]
    counted = {name: sum(_count(one, name) for one in triggers) for name in COUNTERS}
    channels = {
        str(one["triggerId"]): str(one["channel"]) for one in triggers if {"triggerId", "channel"} <= one.keys()
    }
    return Seen(task["state"], counted, task["state"] in ENDED, channels)


def _count(trigger: dict[str, Any], name: str) -> int:
    counters = trigger.get("counters")
    found = str(counters.get(name)) if isinstance(counters, dict) else ""
    return int(found) if found.isdecimal() else 0


WATCHED = Watched("devino.create_cascade", "devino.get_cascade", "devino.cascade_finished", subject, payload, read)
