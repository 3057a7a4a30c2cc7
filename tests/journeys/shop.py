"""An application that has Celery and the address of a Redis, and nothing of ours: tasks and a worker of its own.

Run beside a house: `python -m celery -A shop worker`, `SHOP_REDIS` in its environment. What its tasks were called with
lies in the Redis list `shop:NAME`.
"""

from __future__ import annotations

import json
import os
from typing import Any

from celery import Celery
from redis import Redis

URL = os.environ.get("SHOP_REDIS", "redis://127.0.0.1:1/0")
app = Celery("shop", broker=URL, backend=URL, set_as_current=False)


def _note(name: str, value: Any) -> None:
    with Redis.from_url(URL) as client:
        client.rpush(f"shop:{name}", json.dumps(value))


@app.task(name="shop.note")
def note(result: Any, name: str) -> Any:
    _note(name, result)
    return result


@app.task(name="shop.failed")
def failed(task_id: str, name: str) -> None:
    _note(name, task_id)


@app.task(name="shop.event_of")
def event_of(address: str) -> dict[str, Any]:
    return {"email": address, "user_event": {"identifier": "order", "segments": {"id": "1"}}}


@app.task(name="shop.gather")
def gather(results: list[Any], name: str) -> None:
    _note(name, results)
