"""How a single user event goes: at once as it is, late as an import of one, the only request that carries a date."""

from __future__ import annotations

from datetime import datetime, timedelta

from tasks.omnisense.access import ADMIN
from tasks.strict import JSON
from worker.facts.wire import Sending, Wire

PATH = "/user_event"
IMPORT_PATH = "/user_event/import"
IMPORTED = "user_events"  # as the document's example has it; its table says user_segments
AT_ONCE = timedelta(minutes=5)
EXAMPLE = """\
email,date,identifier,order_id,order_amount
yourcustomer@test.com,2018-11-13 10:00:00Z,product.order,1234,150
foo@bar.com,2018-11-13 10:05:00Z,product.view,,
"""


def compose(payload: JSON, sending: Sending) -> Wire:
    """Without its date, which the platform does not take here: the event gets the moment of its arrival. Where that
    would be wrong by more than 5 minutes and the person is named by e-mail, with its date as an import of one."""
    if "email" in payload and _is_late(payload.get("date"), sending.at):
        row = {"email": payload["email"], "date": payload["date"], **payload["user_event"]}
        return Wire(IMPORT_PATH, body={IMPORTED: [row]}, auth=ADMIN)
    return Wire(PATH, body={name: value for name, value in payload.items() if name != "date"})


def _is_late(date: str | None, now: datetime) -> bool:
    return date is not None and now - datetime.fromisoformat(date) > AT_ONCE
