"""Jobs of several steps: calls that have to follow each other, asked for at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from tasks.devino import messages, opt_outs
from tasks.devino.campaign import NEW_CASCADE
from tasks.devino.contacts import Messages
from tasks.devino.shapes import Cascade
from tasks.devino.templates import Overrides
from tasks.devino.triggers import trigger_ids
from tasks.strict import JSON, problem
from worker.errors import Refused
from worker.facts.found_by import FoundBy
from worker.facts.wire import Step, Steps
from worker.operation import Limits, Operation, Repeat

CREATE, READ, SEND = "create", "read", "send"
LISTS = messages.LISTS


class CascadeSend(Messages):
    """An API cascade, and whom its messages go to. `templates` override those of the cascade, by a trigger's index."""

    class Meta:
        exclude = ("taskId",)

    cascade = fields.Nested(Cascade, required=True)
    templates = Overrides(keys=fields.String(validate=validate.Regexp("[0-9]{1,9}$")))

    @validates_schema
    def _belongs_together(self, asked: JSON, **_: Any) -> None:
        if asked["cascade"]["type"] != "API":
            wrong = problem("not_api", "is not API, and only such a cascade takes contacts later", "Write API.")
            raise ValidationError({"cascade": {"type": wrong.messages}})
        known = {str(trigger["index"]) for trigger in asked["cascade"]["triggers"]}
        unknown = problem("unknown", "is the index of no trigger of this cascade", "Write the index of a trigger.")
        wrong_ones = {index: unknown.messages for index in asked.get("templates", {}) if index not in known}
        if wrong_ones:
            raise ValidationError({"templates": wrong_ones})


def following(asked: JSON, done: Mapping[str, Any]) -> Step | JSON:
    """Create the cascade, read which ids Devino gave its triggers, send."""
    if CREATE not in done:
        return Step(CREATE, "devino.create_cascade", asked["cascade"])
    task_id = done[CREATE]["result"]["result"]
    if READ not in done:
        return Step(READ, "devino.get_cascade", {"taskId": task_id})
    if SEND not in done:
        return Step(SEND, "devino.send_messages", _messages(asked, task_id, done[READ]["result"]))
    return {"taskId": task_id, "triggerIds": _known_ids(asked, done[READ]["result"]), "sent": done[SEND]}


def _messages(asked: JSON, task_id: str, created: JSON) -> JSON:
    whom = {name: asked[name] for name in LISTS if name in asked}
    if "templates" not in asked:
        return {"taskId": task_id, **whom}
    ids = trigger_ids(asked["cascade"], created)
    return {"taskId": task_id, **whom, "templates": {ids[int(n)]: one for n, one in asked["templates"].items()}}


def _known_ids(asked: JSON, created: JSON) -> JSON | None:
    """By index. None where it can't be told which is which, which nobody needed who overrides no template."""
    try:
        return {str(index): trigger_id for index, trigger_id in trigger_ids(asked["cascade"], created).items()}
    except Refused:
        return None


FLOWS = (
    Operation(
        name="flows.cascade_send",
        summary="Create an API cascade and send its messages to contacts, in one go.",
        source="Devino Telecom, OMNI, Script creation, Receiving a specific scenario, Sending transactional messages",
        method="flow",
        path="devino.create_cascade, devino.get_cascade, devino.send_messages",
        at="devino",
        shape=CascadeSend,
        repeat=Repeat.HARMFUL,
        limits=Limits(rows=1, bytes=32 << 20, assumed=True),
        count=messages.count,
        steps=Steps(following, rows=SEND),
        campaign=NEW_CASCADE,
        addressed=opt_outs.ADDRESSED,
        found_by=FoundBy(messages.WHOM, answered=("taskId",)),
        blind=opt_outs.of_contacts,
        example={
            "cascade": {
                "taskName": "Order paid",
                "type": "API",
                "triggers": [
                    {
                        "index": 0,
                        "startTime": "2099-04-05T11:00:00+03:00",
                        "endTime": "2099-04-05T12:00:00+03:00",
                        "type": "TRAN_API_SOURCE",
                        "channel": "SMS",
                        "template": {"smsTemplate": {"from": "SHOP", "text": "Your order is paid."}},
                    }
                ],
            },
            "contacts": [{"contact": {"phone": "79103398080"}}],
            "templates": {"0": {"smsTemplate": {"text": "Your order 4711 is paid."}}},
        },
    ),
)
