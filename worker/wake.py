"""Wake-ups: messages that carry an id and nothing else. Losing one costs time, never a row: the sweeper looks too."""

from __future__ import annotations

import logging
from typing import Any

from amqp.exceptions import AMQPError
from celery import Celery, Signature, current_app
from kombu.exceptions import OperationalError

from worker.broker import publishing
from worker.ledger.types import Row
from worker.pace import RedisAway

BROKER_AWAY = (OperationalError, AMQPError, RedisAway, OSError)
HAND_OUT = "notices.hand_out"
SHORT = {"socket_timeout": 2, "socket_connect_timeout": 2}
log = logging.getLogger(__name__)


def queue_of(platform: str, kind: str, urgent: bool = False) -> str:
    """Calls go to their platform's. Files have a queue of their own, so that a call never waits behind one; and so have
    opt-outs, in a process of their own."""
    return "urgent" if urgent else "bulk" if kind == "file" else platform


def wake_up(job: Row[Any], times: int = 1, app: Celery = current_app) -> bool:
    """Tell a worker that this job can go on; False when no broker is there to be told."""
    try:
        for _ in range(times):
            app.send_task(
                job.operation,
                kwargs={"wake": job.id},
                queue=queue_of(job.account.partition("/")[0], job.kind, bool(job.urgent)),
                ignore_result=True,
                **publishing(app.conf.broker_url),
            )
    except BROKER_AWAY as error:
        log.warning("job %s could not be woken (%s); the sweeper will", job.id, type(error).__name__)
        return False
    return True


def publish_again(signature: dict[str, Any]) -> bool:
    """Send a stored signature once more, under its own task id; its links and chains hang on it still."""
    try:
        Signature.from_dict(signature, app=current_app).apply_async(**publishing(current_app.conf.broker_url))
    except BROKER_AWAY as error:
        log.warning("a task could not be sent again (%s); the sweeper tries on", type(error).__name__)
        return False
    return True


def send(task: str, queue: str, kwargs: dict[str, Any]) -> bool:
    """Send a follow-up of somebody's own, by name."""
    try:
        current_app.send_task(task, kwargs=kwargs, queue=queue, **publishing(current_app.conf.broker_url))
    except BROKER_AWAY as error:
        log.warning("the follow-up %s could not be sent (%s); it is tried again", task, type(error).__name__)
        return False
    return True


def hand_out_now() -> bool:
    """Tell a worker that there are notices; False when no broker is there to be told. Two seconds are enough for it:
    the sweeper looks by itself."""
    app, options = current_app, dict(current_app.conf.broker_transport_options) | SHORT
    with app.connection_for_write(transport_options=options, connect_timeout=2) as connection:
        try:
            app.send_task(
                HAND_OUT,
                kwargs={"wake": "notices"},
                queue="urgent",
                ignore_result=True,
                connection=connection,
                retry=False,
            )
        except BROKER_AWAY as error:
            log.warning("notices were not announced (%s); the sweeper looks", type(error).__name__)
            return False
    return True
