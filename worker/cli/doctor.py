"""`omniworker doctor`: what is wrong, and what to do about it. It changes nothing."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click
from redis import Redis
from redis.exceptions import RedisError, ResponseError

from worker import broker as brokers
from worker.broker import is_rabbitmq
from worker.cli import options, rabbitmq, show
from worker.cli.checks import examined, here
from worker.cli.verdicts import NOTE, OK, WRONG, Check
from worker.pace import Budget, connect
from worker.platforms import operations, platforms
from worker.settings import settings

NOT_OURS = "celery"  # Celery's own default queue, which we never consume
LOOKED_AT = 10_000
STEPS = ("", "\x06\x163", "\x06\x166", "\x06\x169")  # how kombu names the queues of its four priorities on Redis


@click.command()
@options.as_json
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Look at everything that has to be right; exit status 1 if anything is wrong."""
    checks = [*here(), *examined("Redis", _redis), *examined("queues", _queues)]
    well = all(check.verdict != WRONG for check in checks)
    if as_json:
        show.document({"ok": well, "checks": [asdict(check) for check in checks]})
    else:
        click.echo(show.columns([(check.verdict, check.name, check.says) for check in checks]))
    ctx.exit(0 if well else 1)


def _redis() -> Iterator[Check]:
    url = settings().redis_url
    if url is None:
        yield Check(
            "Redis", WRONG, "REDIS_URL is not set, and no `omniworker up` runs in this folder: nothing is sent."
        )
        return
    redis = connect(url)
    try:
        version = redis.info("server")["redis_version"]
        yield Check("Redis", OK, f"Version {version} answers.")
        yield from examined("clock", lambda: _clock(redis))
        yield from (_rule(redis, name, wanted, why) for name, wanted, why in RULES)
    except RedisError as error:
        yield Check("Redis", WRONG, f"It does not answer ({_said(error)}): nothing is sent until it does.")
    finally:
        redis.close()


RULES = (
    ("appendonly", "yes", "a restart loses every wake-up and message in it"),
    ("maxmemory-policy", "noeviction", "when it is full it drops messages and budgets instead of saying so"),
)


def _clock(redis: Redis) -> Iterator[Check]:
    Budget(redis, lambda _account: True).check_clock()
    yield Check("clock", OK, "It agrees with that of Redis.")


def _rule(redis: Redis, name: str, wanted: str, otherwise: str) -> Check:
    """Hosted servers often refuse to say how they are set: that is no fault."""
    try:
        found = redis.config_get(name).get(name)
    except ResponseError as error:
        return Check(f"Redis {name}", NOTE, f"It does not say ({_said(error)}); it should be {wanted}.")
    if found == wanted:
        return Check(f"Redis {name}", OK, f"It is {found}.")
    return Check(f"Redis {name}", WRONG, f"It is {found}: {otherwise}. Set it to {wanted}.")


def _queues() -> Iterator[Check]:
    url = settings().broker_url
    if url is None:
        return
    brokers.check(url)
    if is_rabbitmq(url):
        yield from _of_rabbitmq(url)
        return
    if not re.match(r"rediss?://", url):
        yield Check("queues", NOTE, "The broker is neither Redis nor RabbitMQ: look at its own console for its queues.")
        return
    broker = connect(url)
    try:
        yield _waiting({queue: _length(broker, queue) for queue in _ours()})
        yield from _stranded(broker)
    except RedisError as error:
        yield Check("queues", WRONG, f"The broker does not answer ({_said(error)}).")
    finally:
        broker.close()


def _ours() -> tuple[str, ...]:
    return (*platforms(), "bulk", "urgent")


def _waiting(lengths: dict[str, int]) -> Check:
    return Check("queues", OK, ", ".join(f"{queue} {length:,}" for queue, length in lengths.items()) + " waiting.")


def _of_rabbitmq(url: str) -> Iterator[Check]:
    try:
        yield _waiting({queue: length or 0 for queue, length in rabbitmq.lengths(url, _ours()).items()})
        yield from (_classic(queue) for queue in rabbitmq.classic(url, _ours()))
        found = rabbitmq.tasks_in(url, NOT_OURS, LOOKED_AT)
        yield _stranding(NOT_OURS, Counter({task: n for task, n in found.items() if _is_ours(task)}))
    except rabbitmq.Away as error:
        yield Check("queues", WRONG, f"{error}.")


def _classic(queue: str) -> Check:
    return Check(
        f"queue {queue}",
        WRONG,
        "Somebody made it as a classic queue, which no worker of ours can consume: let applications set "
        "task_create_missing_queue_type='quorum', move what is in it, delete it, and start the workers.",
    )


def _length(broker: Redis, queue: str) -> int:
    return sum(int(broker.llen(f"{queue}{step}")) for step in STEPS)


def _stranded(broker: Redis) -> Iterator[Check]:
    """Messages for us in queues that we don't consume: somebody left out `queue=`, or wrote it wrong."""
    ours = {f"{queue}{step}" for queue in _ours() for step in STEPS}
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for key in broker.scan_iter(count=1000, _type="list"):
        name = key.decode(errors="replace")
        if name not in ours:
            found[name.partition("\x06")[0]].update(_tasks(broker, key))
    found.setdefault(NOT_OURS, Counter())
    yield from (_stranding(queue, tasks) for queue, tasks in sorted(found.items()) if tasks or queue == NOT_OURS)


def _tasks(broker: Redis, queue: bytes) -> list[str]:
    """The tasks with a name of ours among a queue's first messages."""
    return list(filter(_is_ours, map(_task, broker.lrange(queue, 0, LOOKED_AT - 1))))


def _is_ours(task: str) -> bool:
    return task.partition(".")[0] in platforms()


def _stranding(queue: str, tasks: Counter[str]) -> Check:
    if not tasks:
        return Check(f"queue {queue}", OK, "No message of ours is stranded there.")
    named = ", ".join(f"{task} {n:,} times (queue={_queue(task)!r})" for task, n in tasks.items())
    return Check(f"queue {queue}", WRONG, f"Nobody of ours reads it, and it holds {named}: send with the queue named.")


def _task(message: bytes | str) -> str:
    try:
        content: Any = json.loads(message)
        return str(content["headers"]["task"])
    except (ValueError, KeyError, TypeError):
        return ""


def _queue(task: str) -> str:
    known = operations().get(task)
    return "bulk" if known is not None and not known.takes_calls else task.partition(".")[0]


def _said(error: RedisError) -> str:
    return str(error).partition("\n")[0].rstrip(".")
