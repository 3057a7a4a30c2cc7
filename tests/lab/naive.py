"""A worker as many write it: a task a chunk, acknowledged early, which posts and forgets. No ledger.

Its broker gives back after 5 s what was never acknowledged, so it loses only what no patience would bring back.
"""

from __future__ import annotations

import os
from typing import Any

import requests
from celery import Celery

app = Celery("naive", broker=os.environ.get("NAIVE_BROKER", ""))
app.conf.task_ignore_result = True
app.conf.broker_transport_options = {
    "visibility_timeout": 5,
    "unacked_restore_interval": 2,
    "unacked_restore_throttle": 1,
}


@app.task
def post(rows: list[dict[str, Any]]) -> None:
    keys = {"email": os.environ["OMNISENSE_ADMIN_EMAIL"], "token": os.environ["OMNISENSE_ADMIN_TOKEN"]}
    body = {"master_key": os.environ["OMNISENSE_MASTER_KEY"], "admin": keys, "user_events": rows}
    requests.post(f"{os.environ['OMNISENSE_BASE_URL']}/user_event/import", json=body, timeout=20)
