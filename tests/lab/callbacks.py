"""Callbacks to a real receiver that is killed again and again while Redis is down, judged by the ledger.

The platform's side sends statuses of messages at a steady rate; some are sent twice, some overtake each other, and what
was not answered 200 is sent again. Whatever was answered 200 has to be in the ledger; and once the notices were handed
out, every message has to be in the state in which it ended.
"""

from __future__ import annotations

import heapq
import json
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import quantiles

from cryptography.fernet import Fernet
from sqlalchemy import select

import tasks.follow_ups  # noqa: F401 - they follow what is told
from tests.lab.database import ledger_at
from tests.lab.experiment import Order, Record, Verdict, line
from tests.lab.goals import Goal
from tests.lab.killing import killing
from tests.lab.surroundings import bare
from tests.lab.waiting import TooLong, until
from tests.lab.workers import Workers
from worker.ledger import notices as told
from worker.ledger.messages import messages
from worker.ledger.migrate import migrate
from worker.ledger.notices import notices
from worker.notices import hand_out
from worker.processes.embedded import HOST, free_port
from worker.processes.process import Process
from worker.processes.run import command
from worker.settings import SETTINGS, Settings, read

# Callbacks, a second, seconds from kill to kill, and until what was not answered comes again: Devino says a minute.
USUAL, FULL = (4_000, 200, 5.0, 5.0), (50_000, 500, 20.0, 60.0)
DOUBLED, OVERTAKEN, LATER = 0.3, 0.1, 3.0
SENDERS, PATIENCE, END = 32, 10.0, 600.0
MOST_MS = 250
SECRET = "s3cr3t-of-devino"
REDIS_AWAY = "redis://127.0.0.1:1/0"
# What a message goes through; the last is what it ends in.
LIVES = (
    ("delivered",),
    ("delivered", "opened"),
    ("delivered", "opened", "clicked"),
    ("unknown", "delivered"),
    ("unknown", "undeliverable"),
    ("expired",),
)
Status = tuple[str, str]  # of a message


@dataclass(order=True)
class Due:
    """A callback, and the moment at which it is to be sent, in seconds from the start."""

    at: float
    of: Status


@dataclass
class Heard:
    """What was answered 200, after how many milliseconds; how often there was no such answer."""

    stored: list[tuple[Status, float]] = field(default_factory=list)
    unanswered: int = 0


def callbacks(order: Order) -> Verdict:
    """One run."""
    count, rate, pause, again_in = FULL if order.full else USUAL
    ends, plan = _planned(order.rows or count, rate, random.Random(order.seed))
    with ledger_at(order.database, order.folder) as address, _house(address) as own:
        port = free_port(HOST, 0)
        with _receiver(order.folder, own, port) as web, killing((web,), pause) as kills:
            heard = _sent(plan, port, again_in)
        missing, twice = _kept(own, heard)
        _handed_out(own)
        record = _judged(heard, missing, twice, _wrong(own, ends)) | {"kills": len(kills)}
    order.keep(record)
    note = "{kills} kills; p50 {p50:.0f}, p99 {p99:.0f}, at most {most:.0f} ms; {unanswered} sent again".format(
        **record
    )
    return Verdict((line("callbacks, the receiver killed", len(plan), [record], note),), _goals(record))


def _planned(count: int, rate: int, dice: random.Random) -> tuple[dict[str, str], list[Due]]:
    """In which status each message ends, and every callback, the doubled ones counted, at its moment."""
    ends: dict[str, str] = {}
    plan: list[Due] = []
    while len(plan) < count:
        message = f"9{len(ends):018d}"
        life = dice.choice(LIVES)
        ends[message] = life[-1]
        for status in life:
            plan += _one(Due(len(plan) / rate, (message, status)), dice)
    return ends, plan


def _one(due: Due, dice: random.Random) -> Iterator[Due]:
    late = dice.uniform(0, LATER) if dice.random() < OVERTAKEN else 0.0
    yield Due(due.at + late, due.of)
    if dice.random() < DOUBLED:
        yield Due(due.at + dice.uniform(0, LATER), due.of)


@contextmanager
def _house(address: str) -> Iterator[Process]:
    migrate(address)
    said = {"DATABASE_URL": address, "REDIS_URL": REDIS_AWAY, "SECRET_KEY": Fernet.generate_key().decode()}
    own = Process(Settings(read(SETTINGS, said)))
    try:
        yield own
    finally:
        own.ledger.close()


@contextmanager
def _receiver(folder: Path, own: Process, port: int) -> Iterator[Workers]:
    said = {**own.settings.values, "ALLOW_LOCAL": "1", "PORT": str(port), "DEVINO_CALLBACK_SECRETS": SECRET}
    web = Workers(folder, bare(**said | {"LOG_LEVEL": "WARNING"}), command("web"))
    try:
        web.start()
        web.ready()
        yield web
    finally:
        web.stop()


def _sent(plan: Sequence[Due], port: int, again_in: float) -> Heard:
    """Everything at its moment, and again until it was answered 200."""
    began = time.monotonic()
    with ThreadPoolExecutor(SENDERS) as pool:
        shares = [plan[place::SENDERS] for place in range(SENDERS)]
        parts = list(pool.map(lambda share: _sender(share, port, began, again_in), shares))
    stored = [one for part in parts for one in part.stored]
    return Heard(stored, sum(part.unanswered for part in parts))


def _sender(share: Sequence[Due], port: int, began: float, again_in: float) -> Heard:
    heap, heard = list(share), Heard()
    heapq.heapify(heap)
    connection = HTTPConnection(HOST, port, timeout=PATIENCE)
    while heap:
        due = heapq.heappop(heap)
        time.sleep(max(0.0, began + due.at - time.monotonic()))
        if _post(connection, due.of) == 200:
            heard.stored.append((due.of, (time.monotonic() - began - due.at) * 1000))
            continue
        heard.unanswered += 1
        if time.monotonic() - began > END:
            raise TooLong(f"a callback was not answered 200 within {END:g} s")
        heapq.heappush(heap, Due(time.monotonic() - began + again_in, due.of))
    connection.close()
    return heard


def _post(connection: HTTPConnection, of: Status) -> int | None:
    """The status of the answer; None when there was none."""
    message, status = of
    told = {"messageId": message, "status": status, "ts": 1_700_000_000_000 + len(status), "taskId": "7004"}
    try:
        connection.request("POST", f"/callbacks/devino?secret_key={SECRET}", json.dumps([told]))
        with connection.getresponse() as answer:
            answer.read()
            return answer.status
    except (OSError, HTTPException):
        connection.close()
        return None


def _kept(own: Process, heard: Heard) -> tuple[int, int]:
    """How many callbacks that were answered are missing in the ledger, and how many notices are there twice."""
    rows = own.ledger.read(lambda tx: list(tx.execute(select(notices.c.subject, notices.c.kind))))
    kept = [(row.subject, row.kind.partition(".")[2]) for row in rows]
    return len({of for of, _ in heard.stored} - set(kept)), len(kept) - len(set(kept))


def _handed_out(own: Process) -> None:
    def over() -> bool:
        hand_out(own)
        return not own.ledger.read(told.counts).get("waiting", 0)

    until(over, END, "every notice was handed out")


def _wrong(own: Process, ends: dict[str, str]) -> int:
    rows = own.ledger.read(lambda tx: list(tx.execute(select(messages.c.message, messages.c.status))))
    known = {row.message: row.status for row in rows}
    return sum(known.get(message) != end for message, end in ends.items())


def _judged(heard: Heard, missing: int, twice: int, wrong: int) -> Record:
    waited = [milliseconds for _, milliseconds in heard.stored]
    cuts = quantiles(waited, n=100)
    found = {"accepted": len(waited), "lost": missing, "doubled": twice, "wrong": wrong}
    return found | {"unanswered": heard.unanswered, "p50": cuts[49], "p99": cuts[98], "most": max(waited)}


def _goals(record: Record) -> tuple[Goal, ...]:
    return (
        Goal("callbacks: answered 200 but missing", record["lost"], 0),
        Goal("callbacks: kept twice", record["doubled"], 0),
        Goal("callbacks: messages in a wrong final state", record["wrong"], 0),
        Goal("callbacks: p99 of those answered, ms", record["p99"], MOST_MS),
        Goal("callbacks: kills of the receiver", record["kills"], 1, most=False),
    )
