"""A newsletter whose recipients are saved first: Omnisense ignores the addresses that it doesn't know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.omnisense.recipients import address
from tasks.strict import JSON
from worker.errors import Refused
from worker.facts.wire import Choice, Step, Steps
from worker.outcome import Refusal

SAVE, SEND = "save", "send"
MOST = 5_000  # one request each: at the assumed 5 a second a quarter of an hour, and a call is given up after an hour


def following(asked: JSON, done: Mapping[str, Any]) -> Step | JSON:
    """Save everybody by address alone, which changes nothing of those who are known; send to those who were saved."""
    if SAVE not in done:
        _refuse_too_many(asked)
        return Step(
            SAVE, "omnisense.save_subscriber", each=[{"user": {"email": address(one)}} for one in asked["emails"]]
        )
    if SEND not in done:
        saved = [one for one, was_saved in zip(asked["emails"], done[SAVE], strict=True) if was_saved]
        return Step(SEND, "omnisense.send_newsletter", {**asked, "emails": saved})
    return {"sent": done[SEND]}


def _refuse_too_many(asked: JSON) -> None:
    many = len(asked["emails"])
    if many > MOST:
        refusal = Refusal(
            1,
            "save_first.too_many",
            f"It has {many:,} addresses, and with save_first a newsletter takes at most {MOST:,}.",
            "Write several newsletters, or save the people first and send without save_first.",
        )
        raise Refused([refusal])


SAVE_FIRST = Choice(
    "save_first",
    f"save each address as a subscriber first, a request each, because Omnisense ignores those it doesn't know; who "
    f"can't be saved is refused and not sent to. At most {MOST:,} addresses",
    Steps(following, rows=SEND, first=SAVE),
)
