"""What the two brokers are told: Redis, or RabbitMQ with quorum queues.

Quorum queues outlive the loss of a node and are acknowledged in the publisher's face. They know no global limit of
what is on its way; Celery 5.7 sees that by itself (`worker_detect_quorum_queues`) and limits each consumer instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kombu import Exchange, Queue
from kombu.transport import TRANSPORT_ALIASES

from worker.settings import SettingsError

VISIBILITY = 900
SOCKETS = {"socket_timeout": 5, "socket_connect_timeout": 3, "socket_keepalive": True, "health_check_interval": 25}
REDIS = (
    SOCKETS
    | {"visibility_timeout": VISIBILITY, "unacked_restore_interval": 10, "unacked_restore_throttle": 1}
    # Whoever publishes to a Redis that is away waits 0.2 s, not the 6 s that kombu tries for; the sweeper tells again.
    | {"max_retries": 1, "interval_start": 0.1}
)
# A message that RabbitMQ did not confirm was not sent, and whoever sent it is told.
RABBITMQ = {"confirm_publish": True, "max_retries": 1, "interval_start": 0.1}
QUORUM = {"x-queue-type": "quorum"}


def is_rabbitmq(url: str | None) -> bool:
    return (url or "").startswith(("amqp://", "amqps://", "pyamqp://"))


def check(url: str | None) -> None:
    """Raises `SettingsError` for an address that no client could use; None is no broker, which is allowed."""
    scheme, mark, _ = (url or "").partition("://")
    if url is not None and not (mark and scheme.partition("+")[0] in TRANSPORT_ALIASES):
        raise SettingsError("CELERY_BROKER_URL has to be redis://…, rediss://… or amqp://…, of a broker that is there.")


def told(url: str | None, names: Iterable[str]) -> dict[str, Any]:
    """Celery's settings for this broker. On RabbitMQ our own queues are quorum queues; those of applications stay as
    Celery makes them by default, since whoever says otherwise than the first is refused."""
    if not is_rabbitmq(url):
        return {"broker_transport_options": REDIS}
    return {"broker_transport_options": RABBITMQ, "task_queues": [queue(name) for name in names]}


def queue(name: str) -> Queue:
    return Queue(name, Exchange(name), name, queue_arguments=QUORUM)


def publishing(url: str | None) -> dict[str, Any]:
    """How often one publishes a wake-up. A connection that RabbitMQ has closed is noticed by using it; Redis is told
    once, because the sweeper tells again."""
    once_more = {"max_retries": 1, "interval_start": 0, "interval_step": 0}
    return {"retry": True, "retry_policy": once_more} if is_rabbitmq(url) else {"retry": False}
