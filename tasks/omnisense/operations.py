"""Every request of Omnisense that we make, declared once.

Source: Omnisense API documentation v1.0. It names no limits; those marked assumed are our own.
"""

from tasks.omnisense.access import ADMIN, BASIC
from tasks.omnisense.precheck import precheck
from tasks.omnisense.shapes import Event, UserEvent
from worker.operation import Cells, Limits, Operation, Repeat, Rows

OPERATIONS = (
    Operation(
        name="omnisense.record_user_event",
        summary="Record what one person just did; the event takes the moment of its arrival.",
        source="Omnisense API v1.0, Basic API, Actions / Events",
        method="POST",
        path="/user_event",
        auth=BASIC,
        shape=UserEvent,
        repeat=Repeat.HARMFUL,
        may_repeat=True,
        example={
            "email": "foo@bar.com",
            "user_event": {
                "identifier": "product.view",
                "segments": {"id": "1234", "name": "foo", "media": "iphone_app"},
            },
        },
    ),
    Operation(
        name="omnisense.import_user_events",
        summary="Import what many people did, each event with its own date, from a file.",
        source="Omnisense API v1.0, Administrative API, Import actions",
        method="POST",
        path="/user_event/import",
        auth=ADMIN,
        shape=Event,
        rows=Rows(
            "user_events", Event, precheck, Cells(("email", "date", "identifier"), rest="segments", moments=("date",))
        ),
        limits=Limits(rows=500, bytes=1 << 20, assumed=True),
        repeat=Repeat.HARMFUL,
        may_repeat=True,
        verified=False,
        example={
            "email": "yourcustomer@test.com",
            "date": "2018-11-13 10:00:00Z",
            "identifier": "product.order",
            "segments": {"order_id": 1234, "order_amount": 150, "order_currency": "EUR"},
        },
    ),
)
