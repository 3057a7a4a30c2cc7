"""What `omniworker doctor` asks of RabbitMQ, which tells the length of a queue to whoever names it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from kombu import Connection
from kombu.exceptions import OperationalError

from worker.broker import QUORUM

PATIENCE = 3.0


class Away(Exception):
    """RabbitMQ does not answer."""


def lengths(url: str, names: Iterable[str]) -> dict[str, int | None]:
    """How many messages wait in each queue; None where there is no such queue yet."""
    with _connected(url) as connection:
        return {name: _length(connection, name) for name in names}


def classic(url: str, names: Iterable[str]) -> list[str]:
    """Those of our queues that somebody made as something else than quorum queues: no worker can consume them."""
    with _connected(url) as connection:
        return [name for name in names if _length(connection, name) is not None and not _is_quorum(connection, name)]


def tasks_in(url: str, name: str, most: int) -> Counter[str]:
    """The names of the tasks in a queue. They are looked at and put back in their places, unread by anybody."""
    found: Counter[str] = Counter()
    with _connected(url) as connection:
        if _length(connection, name) is None:
            return found
        channel = connection.channel()
        while sum(found.values()) < most and (message := channel.basic_get(name)) is not None:
            found[str((message.headers or {}).get("task", ""))] += 1
        channel.close()  # whatever was not acknowledged goes back
    return found


def _length(connection: Any, name: str) -> int | None:
    channel = connection.channel()
    try:
        return int(channel.queue_declare(name, passive=True).message_count)
    except connection.channel_errors:
        return None
    finally:
        channel.close()


def _is_quorum(connection: Any, name: str) -> bool:
    channel = connection.channel()
    try:
        channel.queue_declare(name, durable=True, auto_delete=False, arguments=QUORUM)
    except connection.channel_errors:
        return False
    finally:
        channel.close()
    return True


@contextmanager
def _connected(url: str) -> Iterator[Any]:
    try:
        with Connection(url, connect_timeout=PATIENCE) as connection:
            connection.ensure_connection(max_retries=1)
            yield connection
    except (OperationalError, OSError) as error:
        raise Away(f"RabbitMQ does not answer ({type(error).__name__})") from None
