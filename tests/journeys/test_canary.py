"""Nothing of a payload is said or left anywhere, whatever an application sends us (design, promise 8).

The one thing that may hold an address is the application's own message, until its job is recorded.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
from celery import Celery
from redis import Redis
from running_house import ROOT, House, flower, free_port, until

import sandbox.server
from tests.lab import processes

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

ADDRESS = "canary.4711@secret-shop.example.com"
SECRET = "canary-token-5b7e"
CANARIES = [ADDRESS.encode(), SECRET.encode(), b"canary.4711"]
SENDS = """
import json, sys
from celery import Celery
url, address, secret = sys.argv[1:]
app = Celery(broker=url, backend=url)
good = {"email": address, "user_event": {"identifier": "order", "segments": {"id": "1", "token": secret}}}
def send(name, kwargs, args=(), queue="omnisense", **more):
    more = {"kwargsrepr": repr(kwargs), "argsrepr": repr((address, secret))} | more
    return app.send_task(name, args, kwargs, queue=queue, **more).id
CALL, FILE = "omnisense.record_user_event", "omnisense.import_user_events"
print(json.dumps({
    "right": send(CALL, {"payload": good}),
    "keyed": send(CALL, {"payload": good, "key": "k1"}),
    "reused": send(CALL, {"payload": {**good, "email": secret + "@b.co"}, "key": "k1"}, countdown=1),
    "positional": send(CALL, {}, [good]),
    "eta": send(CALL, {"payload": good}, countdown=2),
    "expired": send(CALL, {"payload": good}, expires=-1),
    "bad payload": send(CALL, {"payload": {"email": secret, address: secret, "user_event": {"identifier": [address]}}}),
    "text": send(CALL, {"payload": address}),
    "two": send(CALL, {}, [good, address]),
    "bad word": send(CALL, {"payload": good, address: secret}),
    "bad option": send(CALL, {"payload": good, "options": {address: secret}}),
    "bad account": send(CALL, {"payload": good, "account": address}),
    "bad key": send(CALL, {"payload": good, "key": [address]}),
    "bad source": send(FILE, {"source": "/nowhere/" + address}, queue="bulk"),
    "bad then": send(FILE, {"source": "x", "then": [{"task": address}]}, queue="bulk"),
    "list for kwargs": send(CALL, {"payload": good}, headers={"note": address}),
}))
send("omnisense.no_such_task", {"payload": good})
send("nobodys.task", {"payload": good})
"""


@pytest.fixture(scope="module")
def platform() -> Iterator[sandbox.server.Sandbox]:
    with sandbox.server.start(latency=0.01) as server:
        yield server


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, platform: sandbox.server.Sandbox) -> Iterator[House]:
    """With Flower, and every line that can be said."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    told = {"PYTHONPATH": str(ROOT), "WORKER_PROCESSES": "1", "LOG_LEVEL": "DEBUG", "FLOWER_PORT": str(free_port())}
    own = House(tmp_path_factory.mktemp("watched"), kept | told | platform.environment(), platform)
    own.start("--only", "worker", "--only", "flower")
    yield own
    own.stop()


@pytest.fixture(scope="module")
def events(house: House) -> Iterator[list[str]]:
    """Every event as it is on the wire."""
    seen: list[str] = []
    app = Celery(broker=house.redis_url, set_as_current=False)
    with app.connection_for_read() as connection:
        receiver = app.events.Receiver(connection, handlers={"*": lambda event: seen.append(json.dumps(event))})
        thread = threading.Thread(target=receiver.capture, kwargs={"limit": None, "wakeup": True}, daemon=True)
        thread.start()
        until(lambda: any("worker-heartbeat" in event for event in seen))
        yield seen
        receiver.should_stop = True
        thread.join(60)


@pytest.fixture(scope="module")
def tasks(house: House, events: list[str]) -> dict[str, str]:
    """What a bare application sent, all of it settled: right, wrong and unknown; the task ids by what they are."""
    until(lambda: _flower_listens(house))
    echo = json.dumps({"error": f"{ADDRESS} is not known"})
    for how in ({"status": 429, "retry_after": 2}, {"status": 422, "body": echo}, {"status": 502, "body": echo}):
        house.platform.fault("status", times=1, **how)
    house.platform.fault("garbage", times=1)
    done = subprocess.run(
        [sys.executable, "-P", "-c", SENDS, house.redis_url, ADDRESS, SECRET],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    sent: dict[str, str] = json.loads(done.stdout)
    app = house.application()
    with Redis.from_url(house.redis_url) as client:
        _push_undecodable(client)
        until(lambda: all(app.AsyncResult(one).state in ("SUCCESS", "FAILURE", "REVOKED") for one in sent.values()))
        until(lambda: not client.hlen("unacked") and not client.llen("omnisense") and not client.llen("bulk"))
    until(lambda: any("nobodys.task" in line for line in house.said))
    return sent


def test_all_of_it_was_answered_as_it_should(house: House, tasks: dict[str, str]) -> None:
    app = house.application()
    states = {name: app.AsyncResult(task).state for name, task in tasks.items()}
    assert states["expired"] == "REVOKED"
    assert {states[name] for name in states if name.startswith("bad") and name != "bad source"} == {"FAILURE"}
    assert "SUCCESS" in states.values()
    assert house.platform.events(ADDRESS) >= 1


def test_no_line_of_a_log_says_it(house: House, tasks: dict[str, str]) -> None:
    assert any('"level": "debug"' in line for line in house.said), "the lines were not as detailed as they can be"
    assert hits([line.encode() for line in house.said]) == []


def test_no_key_and_no_value_in_redis_holds_it(house: House, tasks: dict[str, str]) -> None:
    with Redis.from_url(house.redis_url) as client:
        assert hits(list(_everything(client))) == []


def test_flower_shows_nothing_of_it(house: House, tasks: dict[str, str]) -> None:
    right = tasks["right"].encode()
    shown = until(lambda: found if right in (found := flower(house, "/api/tasks?limit=1000")) else None)
    pages = ["/", "/workers", "/tasks", "/broker", "/api/workers", "/api/task/types", "/api/queues/length"]
    pages += [f"/task/{one}" for one in tasks.values()] + [f"/api/task/info/{one}" for one in tasks.values()]
    assert hits([shown, *(flower(house, page) for page in pages)]) == []


def test_no_event_carries_it(events: list[str], tasks: dict[str, str]) -> None:
    told = {json.loads(event)["type"] for event in events}
    assert {"task-received", "task-succeeded", "task-failed", "task-revoked"} <= told
    assert hits([event.encode() for event in events]) == []


def test_no_process_has_it_in_its_words(house: House, tasks: dict[str, str]) -> None:
    assert house.process is not None
    words = [processes.words(int(path.name)).encode() for path in Path("/proc").glob("[0-9]*")]
    assert hits(words) == []


def test_the_ledger_keeps_it_sealed(house: House, tasks: dict[str, str]) -> None:
    files = list((house.folder / "var").glob("omniworker.db*"))
    assert files
    found = [(path.name, hit) for path in files for hit in hits([path.read_bytes()])]
    # A source that is not there stands in its job: it is the path that somebody gave.
    assert [hit for hit in found if b"/nowhere/" not in hit[1]] == []


def hits(texts: list[bytes]) -> list[bytes]:
    """Where a canary sits, also under base64, in which the broker's messages carry their bodies."""
    whole = [text + b"\0" + b"\0".join(_decoded(text)) for text in texts]
    return [_around(text, canary) for text in whole for canary in CANARIES if canary in text]


def _around(text: bytes, canary: bytes) -> bytes:
    at = text.index(canary)
    return text[max(0, at - 80) : at + 60]


def _decoded(text: bytes) -> Iterator[bytes]:
    for run in re.findall(rb"[A-Za-z0-9+/]{16,}={0,2}", text):
        yield base64.b64decode(run[: len(run) - len(run) % 4])


def _everything(client: Redis) -> Iterator[bytes]:
    read = {
        b"string": lambda key: [client.get(key)],
        b"list": lambda key: client.lrange(key, 0, -1),
        b"hash": lambda key: [part for pair in client.hgetall(key).items() for part in pair],
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1),
    }
    for key in client.scan_iter():
        yield key
        yield from (value for value in read[client.type(key)](key) if value is not None)


def _push_undecodable(client: Redis) -> None:
    """A message whose envelope is right and whose body is no JSON; and one of a kind that we never open."""
    for kind in ("application/json", "application/x-python-serialize"):
        message = {
            "body": base64.b64encode(f"{{{ADDRESS}".encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": kind,
            "headers": {"task": "omnisense.record_user_event", "id": f"bad {kind}", "kwargsrepr": ADDRESS},
            "properties": {
                "delivery_info": {"exchange": "", "routing_key": "omnisense"},
                "delivery_tag": f"tag {kind}",
                "body_encoding": "base64",
                "delivery_mode": 2,
                "priority": 0,
            },
        }
        client.lpush("omnisense", json.dumps(message))


def _flower_listens(house: House) -> bool:
    """It knows only what happened since it began to listen: a task that is refused shows whether it does."""
    house.application().send_task("omnisense.record_user_event", queue="omnisense")
    try:
        return len(json.loads(flower(house, "/api/tasks?limit=1"))) > 0
    except URLError:  # it opens its door some time after the workers are ready
        return False
