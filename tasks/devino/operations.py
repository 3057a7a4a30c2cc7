"""Every request of Devino OMNI that we make, declared once.

Source: Devino Telecom, "OMNI". It names neither limits nor statuses; those marked assumed are our own. Its "task" is a
cascade here, in everything but its own field names.
"""

from tasks.devino import cascades, listed, messages, names, opt_outs, outcomes, questions
from tasks.devino.campaign import CAMPAIGN
from tasks.devino.contacts import Messages
from tasks.devino.shapes import Cascade, CascadeId, CascadeList, MacroList
from worker.facts.found_by import FoundBy
from worker.facts.rows import Rows
from worker.facts.wire import Lookup
from worker.operation import Operation, Repeat

OPERATIONS = (
    Operation(
        name="devino.create_cascade",
        summary="Create a cascade: messages of several channels, each sent when another one's event happens or not.",
        source="Devino Telecom, OMNI, Script creation",
        method="POST",
        path=cascades.PATH,
        shape=Cascade,
        repeat=Repeat.HARMFUL,
        fix=names.marked,
        compose=cascades.compose,
        lookup=Lookup(cascades.question, cascades.found),
        blind=opt_outs.of_cascade,
        found_by=FoundBy(answered=("result.result",)),
        example={
            "taskName": "Order paid: e-mail, else SMS",
            "type": "API",
            "channel": "OMNI",
            "triggers": [
                {
                    "index": 0,
                    "startTime": "2099-04-05T11:00:00+03:00",
                    "endTime": "2099-04-05T12:00:00+03:00",
                    "type": "TRAN_API_SOURCE",
                    "channel": "EMAIL",
                    "template": {
                        "emailTemplate": {
                            "sourceAddress": "shop@example.com",
                            "sourceName": "Shop",
                            "subject": "Thank you",
                            "htmlBody": "<h1>Your order is paid.</h1>${Unsubscribe}",
                        }
                    },
                },
                {
                    "index": 1,
                    "parentIndex": 0,
                    "startTime": "2099-04-05T11:05:00+03:00",
                    "endTime": "2099-04-05T13:00:00+03:00",
                    "type": "NO_EVENT_SOURCE",
                    "channel": "SMS",
                    "eventSources": [{"channel": "EMAIL", "eventType": "STATE", "eventValue": "delivered"}],
                    "noEventSourceSettings": {"stateWaitMaxTimeSec": 600},
                    "template": {"smsTemplate": {"from": "SHOP", "text": "Your order is paid.", "validity": 600}},
                },
            ],
        },
    ),
    Operation(
        name="devino.get_cascade",
        summary="Read one cascade: its state, its trigger ids, how many messages went out.",
        source="Devino Telecom, OMNI, Receiving a specific scenario",
        method="GET",
        path=f"{cascades.PATH}/{{taskId}}",
        shape=CascadeId,
        repeat=Repeat.SAFE,
        compose=questions.one,
        found_by=FoundBy(("taskId",)),
        example={"taskId": 7004},
    ),
    Operation(
        name="devino.list_cascades",
        summary="List cascades, a page at a time, by id from the oldest on unless another order is asked for.",
        source="Devino Telecom, OMNI, Receiving scenarios",
        method="GET",
        path=cascades.PATH,
        shape=CascadeList,
        repeat=Repeat.SAFE,
        compose=questions.many,
        pages=questions.CASCADE_PAGES,
        example={"ascending": True, "count": 10, "offset": 0, "orderBy": "ID"},
    ),
    Operation(
        name="devino.send_messages",
        summary="Send the messages of an API cascade to contacts, or to contacts of the address book by id.",
        source="Devino Telecom, OMNI, Sending transactional messages",
        method="POST",
        path=messages.PATH,
        shape=Messages,
        rows=Rows(
            listed.KEY,
            listed.ListedContact,
            cells=listed.CELLS,
            encode=listed.encode,
            wire=listed.wire,
            around=listed.Around,
        ),
        repeat=Repeat.HARMFUL,
        limits=messages.LIMITS,
        split=messages.split,
        count=messages.count,
        compose=messages.compose,
        called_back=True,
        campaign=CAMPAIGN,
        sort=outcomes.sort,
        addressed=opt_outs.ADDRESSED,
        transactional=opt_outs.LISTED,
        blind=opt_outs.of_contacts,
        found_by=messages.FOUND_BY,
        example={
            "taskId": 7004,
            "contacts": [{"contact": {"email": "James@jamesmail.com", "phone": "79103398080"}}],
            "templates": {"63322": {"smsTemplate": {"text": "We have new new shop!", "from": "TESTADR"}}},
        },
    ),
    Operation(
        name="devino.list_macros",
        summary="List the macros that the templates of cascades use.",
        source="Devino Telecom, OMNI, Receiving macros",
        method="GET",
        path=questions.MACROS,
        shape=MacroList,
        repeat=Repeat.SAFE,
        compose=questions.macros,
        pages=questions.MACRO_PAGES,
        example={"taskStates": ["FINISHED"]},
    ),
)
