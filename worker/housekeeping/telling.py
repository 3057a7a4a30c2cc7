"""Tells people of alarms: a log line, and a POST to ALARM_WEBHOOK_URL, which is tried again until it is taken.

What is told is `{"state", "kind", "subject", "sentence", "at"}`: names and ids of ours, nobody's data.
"""

from __future__ import annotations

import logging
from typing import Any

from worker.answers import Lost, NotSent
from worker.housekeeping.alarms import ENDED, RAISED
from worker.ledger import alarms, notices, reports
from worker.notices import Notice, follows
from worker.processes.process import Process

UNTOLD = "alarm.untold"
TAKEN = range(200, 300)
log = logging.getLogger(__name__)


@follows(RAISED, ENDED)
def log_it(process: Process, notice: Notice) -> bool:
    """A line for whoever collects logs."""
    level = logging.ERROR if notice.kind == RAISED else logging.INFO
    log.log(level, "%s: %s", notice.kind, message(process, notice))
    return True


@follows(RAISED, ENDED)
def have_it_posted(process: Process, notice: Notice) -> bool:
    """Apart, if there is a webhook: one that hangs must keep nobody else waiting, nor any line of the log."""
    if process.settings.alarm_webhook_url is None:
        return True
    content = process.seal.close(message(process, notice))
    process.ledger.write(
        lambda tx: notices.announce(
            tx, UNTOLD, notice.subject, mark=f"{UNTOLD}/{notice.id}", content=content, apart=True
        )
    )
    return True


@follows(UNTOLD)
def post_it(process: Process, notice: Notice) -> bool:
    """To the webhook; False when it did not take it, so that it is told again."""
    url = process.settings.alarm_webhook_url
    if url is None:
        return True
    try:
        status = process.client.tell(url, notice.content).status
    except (Lost, NotSent) as error:
        log.warning("an alarm could not be told (%s); it is tried again", error)
        return False
    if status not in TAKEN:
        log.warning("an alarm was not taken (status %d); it is tried again", status)
    return status in TAKEN


def message(process: Process, notice: Notice) -> dict[str, Any]:
    """What is told of an alarm."""
    row = process.ledger.read(lambda tx: alarms.get(tx, notice.subject))
    state = "raised" if notice.kind == RAISED else "ended"
    what = {"kind": row.kind, "subject": row.subject, "sentence": row.sentence}
    return {"state": state} | what | {"at": reports.iso(notice.happened_at)}
