"""Plain Celery as it is often written: a task for every row, or for every call, which posts it.

Started by `tests.bench.rivals` and `tests.bench.calls`.
"""

from __future__ import annotations

import functools
import os
import threading
from typing import Any

import requests
from celery import Celery

app = Celery("plain", broker=os.environ.get("PLAIN_BROKER", ""), backend=os.environ.get("PLAIN_BACKEND"))
_own = threading.local()


@functools.cache
def _session() -> requests.Session:
    """One a process: Celery forks before the first task."""
    session = requests.Session()
    session.trust_env = False
    return session


@app.task(ignore_result=True)
def post(row: str) -> None:
    body = b'{"user_events":[' + row.encode() + b"]}"
    answer = _session().post(os.environ["PLAIN_URL"], data=body, headers={"Content-Type": "application/json"})
    answer.raise_for_status()


@app.task
def call(payload: dict[str, Any]) -> dict[str, Any]:
    """One call, in a pool of threads; its result is kept, as that of ours is."""
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
        _own.session.trust_env = False
    answer = _own.session.post(os.environ["PLAIN_URL"], json=payload, timeout=20)
    answer.raise_for_status()
    return {"state": "finished", "answer": answer.text}
