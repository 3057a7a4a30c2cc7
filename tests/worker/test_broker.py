"""RabbitMQ as broker: quorum queues of ours, a connection that was lost, and what the doctor sees."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from kombu import Connection

from tests.own_rabbitmq import OwnRabbitMQ
from worker.broker import QUORUM, is_rabbitmq, told
from worker.cli import rabbitmq as looks
from worker.wake import wake_up

JOB: Any = SimpleNamespace(
    id="j1", operation="omnisense.import_user_events", account="omnisense/default", kind="file", urgent=False
)


def test_redis_is_told_what_redis_needs_and_has_no_queues_declared() -> None:
    assert told("redis://r", ["bulk"]).keys() == {"broker_transport_options"}
    assert not is_rabbitmq(None)


@pytest.fixture
def app(rabbitmq: OwnRabbitMQ) -> Iterator[Celery]:
    """Ours, as far as the broker goes."""
    own = Celery("ours", broker=rabbitmq.url, set_as_current=True)
    own.conf.update(**told(rabbitmq.url, ("omnisense", "bulk")))
    yield own
    own.close()


@pytest.fixture
def broker(rabbitmq: OwnRabbitMQ) -> Iterator[Any]:
    with Connection(rabbitmq.url) as connection:
        channel = connection.channel()
        yield channel
        for name in ("bulk", "omnisense", "celery"):
            channel.queue_delete(name)


@pytest.mark.rabbitmq
def test_a_wake_up_lies_in_a_quorum_queue_and_outlives_its_connection(app: Celery, broker: Any) -> None:
    assert wake_up(JOB)
    with app.producer_pool.acquire() as producer:
        producer.connection.connection.transport.sock.close()  # what a restart of RabbitMQ leaves
    assert wake_up(JOB)
    assert broker.queue_declare("bulk", durable=True, auto_delete=False, arguments=QUORUM).message_count == 2


@pytest.mark.rabbitmq
def test_a_broker_that_is_away_is_no_reason_to_fail(app: Celery) -> None:
    with Celery("away", broker="amqp://127.0.0.1:1//", set_as_current=True):
        assert wake_up(JOB) is False
    with pytest.raises(looks.Away, match="does not answer"):
        looks.lengths("amqp://127.0.0.1:1//", ["bulk"])


@pytest.mark.rabbitmq
def test_the_doctor_finds_lengths_classic_queues_and_what_is_stranded(rabbitmq: OwnRabbitMQ, broker: Any) -> None:
    names = ["omnisense", "bulk"]
    assert looks.lengths(rabbitmq.url, names) == {"omnisense": None, "bulk": None}
    shop = Celery("shop", broker=rabbitmq.url, set_as_current=False)
    shop.conf.broker_pool_limit = 0  # a pooled connection would remember what other tests have declared
    shop.send_task("omnisense.record_user_event", queue="omnisense")
    for _ in range(3):
        shop.send_task("omnisense.record_user_event")
    assert looks.classic(rabbitmq.url, names) == ["omnisense"]
    for _ in range(2):
        assert looks.tasks_in(rabbitmq.url, "celery", 100) == {"omnisense.record_user_event": 3}
    assert looks.tasks_in(rabbitmq.url, "celery", 2).total() == 2
    assert looks.lengths(rabbitmq.url, ["celery"]) == {"celery": 3}
    shop.close()
