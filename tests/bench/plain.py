"""Plain Celery as it is often written: a task for every row, which posts it. Started by `tests.bench.rivals`."""

from __future__ import annotations

import functools
import os

import requests
from celery import Celery

app = Celery("plain", broker=os.environ.get("PLAIN_BROKER", ""))
app.conf.task_ignore_result = True


@functools.cache
def _session() -> requests.Session:
    """One a process: Celery forks before the first task."""
    session = requests.Session()
    session.trust_env = False
    return session


@app.task
def post(row: str) -> None:
    body = b'{"user_events":[' + row.encode() + b"]}"
    answer = _session().post(os.environ["PLAIN_URL"], data=body, headers={"Content-Type": "application/json"})
    answer.raise_for_status()
