"""Which of Devino's trigger ids belongs to which trigger of a cascade that we created.

Creation answers the cascade's id alone, and reading it back shows trigger ids without our `index` (platforms.md 2.7).
"""

from __future__ import annotations

from tasks.strict import JSON
from worker.errors import Refused
from worker.outcome import Refusal


def trigger_ids(asked: JSON, created: JSON) -> dict[int, str]:
    """Devino's id for each `index` of the cascade that was asked for; `created` is what reading it back shows.

    By channel where each has its own, otherwise by ascending id along the chain of parents. Refused where more than
    one answer would fit.
    """
    ours, theirs = asked["triggers"], created.get("triggersInfo") or []
    channels = {trigger["channel"] for trigger in ours}
    if len(ours) != len(theirs) or channels != {trigger.get("channel") for trigger in theirs}:
        raise _unclear("they are not those that were asked for")
    if len(channels) == len(ours):
        by_channel = {trigger["channel"]: trigger["triggerId"] for trigger in theirs}
        return {trigger["index"]: by_channel[trigger["channel"]] for trigger in ours}
    return _along(_chain(ours), sorted(theirs, key=lambda trigger: int(trigger["triggerId"])))


def _chain(ours: list[JSON]) -> list[JSON]:
    children = {trigger.get("parentIndex"): trigger for trigger in ours}
    if len(children) != len(ours):
        raise _unclear("two follow the same one, and a channel stands twice")
    chain: list[JSON] = []
    while len(chain) < len(ours):
        chain.append(children[chain[-1]["index"] if chain else None])
    return chain


def _along(chain: list[JSON], theirs: list[JSON]) -> dict[int, str]:
    """Each step has to agree in all that Devino shows of it."""
    before: str | None = None
    for ours, shown in zip(chain, theirs, strict=True):
        parent = shown.get("parentTriggerId") if before else None
        if ours["channel"] != shown["channel"] or shown.get("type") not in (None, ours["type"]):
            raise _unclear("their order is another one")
        if parent not in (None, before):
            raise _unclear("they follow each other in another order")
        before = shown["triggerId"]
    return {ours["index"]: shown["triggerId"] for ours, shown in zip(chain, theirs, strict=True)}


def _unclear(why: str) -> Refused:
    unclear = Refusal(
        1,
        "triggers.ambiguous",
        f"It can't be told which of Devino's triggers is which: {why}.",
        "Read the cascade, and name its trigger ids yourself.",
    )
    return Refused([unclear], whole=True)
