"""What an application gets that has nothing but Celery, a Redis it shares with us, and a worker of its own there."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, chain, chord, group
from redis import Redis
from running_house import House, until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]

CALL = "omnisense.record_user_event"
HERE = Path(__file__).parent
SHOP = ("-m", "celery", "--quiet", "-A", "shop", "worker", "-P", "threads", "-c", "4", "-l", "WARNING")
ASKS = """
import json, sys
from celery import Celery
app = Celery(broker=sys.argv[1], backend=sys.argv[1])
try:
    app.send_task("omnisense.record_user_event", kwargs=json.load(sys.stdin), queue="omnisense").get(timeout=60)
except Exception as error:
    print(json.dumps([type(error).__name__, error.args, sorted(name for name in sys.modules if name == "worker")]))
"""


@pytest.fixture(scope="module", autouse=True)
def shop_worker(house: House) -> Iterator[None]:
    """The application's own worker on Celery's own queue, in a process that knows no module of ours."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    process = subprocess.Popen(
        [sys.executable, *SHOP, "-n", "shop@%h"], cwd=HERE, env=kept | {"SHOP_REDIS": house.redis_url}
    )
    yield
    process.terminate()
    process.wait(60)


@pytest.fixture
def shop(house: House) -> Celery:
    return house.application()


@pytest.fixture(autouse=True)
def well(house: House) -> None:
    house.platform.clear()


def payload(address: str, **segments: Any) -> dict[str, Any]:
    return {"email": address, "user_event": {"identifier": "order", "segments": {"id": "1"} | segments}}


def call(shop: Celery, address: str, **words: Any) -> Any:
    return shop.signature(CALL, kwargs={"payload": payload(address), **words}, queue="omnisense")


def own(shop: Celery, task: str, *args: Any, **kwargs: Any) -> Any:
    """One of the application's own tasks; no queue is named, so it goes to `celery`."""
    return shop.signature(f"shop.{task}", args=args, kwargs=kwargs)


def noted(house: House, name: str, count: int = 1) -> list[Any]:
    with Redis.from_url(house.redis_url) as client:
        lines = until(lambda: found if len(found := client.lrange(f"shop:{name}", 0, -1)) >= count else None)
    return [json.loads(line) for line in lines]


def jobs(house: House, key: str) -> list[dict[str, Any]]:
    listed = json.loads(house.run("jobs", "list", "--json").stdout)["jobs"]
    return [job for job in listed if job["key"] == key]


def wait_for(house: House, seconds: int) -> None:
    house.platform.fault("status", times=1, status=429, retry_after=seconds)


def test_a_link_reaches_the_applications_own_worker_with_the_result(house: House, shop: Celery) -> None:
    result = call(shop, "link@b.co").apply_async(link=own(shop, "note", name="link"))
    assert noted(house, "link") == [result.get(timeout=60)]


def test_a_link_fires_once_after_a_wait(house: House, shop: Celery) -> None:
    wait_for(house, 5)
    result = call(shop, "waits@b.co").apply_async(link=own(shop, "note", name="waited"))
    until(lambda: result.state == "RETRY")
    assert noted(house, "waited") == [result.get(timeout=60)]
    call(shop, "after@b.co").apply_async(link=own(shop, "note", name="waited")).get(timeout=60)
    assert len(noted(house, "waited", 2)) == 2
    assert house.platform.events("waits@b.co") == 1


@pytest.mark.parametrize("status", [422, 502])
def test_link_error_is_told_of_a_no_and_of_a_lost_answer(house: House, shop: Celery, status: int) -> None:
    house.platform.fault("status", times=1, status=status)
    result = call(shop, f"no{status}@b.co").apply_async(link_error=own(shop, "failed", name=f"no{status}"))
    assert noted(house, f"no{status}") == [result.id]
    assert result.state == "FAILURE"
    assert house.platform.events(f"no{status}@b.co") == 0


def test_on_error_is_told_of_a_refusal_before_any_call(house: House, shop: Celery) -> None:
    wrong = shop.signature(CALL, kwargs={"payload": {}}, queue="omnisense")
    result = wrong.on_error(own(shop, "failed", name="on_error")).apply_async()
    assert noted(house, "on_error") == [result.id]


def test_in_a_chain_the_parents_result_is_the_payload(house: House, shop: Celery) -> None:
    ours = shop.signature(CALL, queue="omnisense")
    last = chain(own(shop, "event_of", "chain@b.co"), ours, own(shop, "note", name="chain"), app=shop).apply_async()
    assert last.get(timeout=60)["state"] == "finished"
    assert house.platform.events("chain@b.co") == 1


def test_a_chain_goes_on_after_a_wait(house: House, shop: Celery) -> None:
    wait_for(house, 5)
    ours = shop.signature(CALL, queue="omnisense")
    last = chain(own(shop, "event_of", "slow@b.co"), ours, own(shop, "note", name="slow"), app=shop).apply_async()
    assert last.get(timeout=60)["state"] == "finished"
    assert house.platform.events("slow@b.co") == 1
    assert len(noted(house, "slow")) == 1


def test_a_chain_stops_at_a_refusal(house: House, shop: Celery) -> None:
    steps = chain(own(shop, "note", {"email": ""}, name="before"), shop.signature(CALL, queue="omnisense"), app=shop)
    last = (steps | own(shop, "note", name="never")).apply_async()
    until(lambda: last.state == "FAILURE")  # Celery fails the rest of a chain with its step
    with Redis.from_url(house.redis_url) as client:
        assert not client.exists("shop:never")


def test_a_group_gives_each_result(house: House, shop: Celery) -> None:
    found = group([call(shop, f"group{n}@b.co") for n in range(3)], app=shop).apply_async().get(timeout=60)
    assert [one["state"] for one in found] == ["finished"] * 3


def test_a_chord_gathers_calls_of_which_one_had_to_wait(house: House, shop: Celery) -> None:
    wait_for(house, 5)
    calls = [call(shop, f"chord{n}@b.co") for n in range(3)]
    chord(calls, own(shop, "gather", name="chord"), app=shop).apply_async()
    ((*results,),) = noted(house, "chord")
    assert [one["state"] for one in results] == ["finished"] * 3
    assert [house.platform.events(f"chord{n}@b.co") for n in range(3)] == [1, 1, 1]


def test_a_chord_with_a_refusal_tells_its_error(house: House, shop: Celery) -> None:
    wrong = shop.signature(CALL, kwargs={"payload": {}}, queue="omnisense")
    body = own(shop, "gather", name="half_chord").on_error(own(shop, "failed", name="half_chord_failed"))
    chord([call(shop, "half@b.co"), wrong], body, app=shop).apply_async()
    assert noted(house, "half_chord_failed")


def test_the_same_key_with_other_content_is_refused_and_names_the_job(house: House, shop: Celery) -> None:
    first = call(shop, "key@b.co", key="k-1").apply_async().get(timeout=60)
    second = call(shop, "other@b.co", key="k-1").apply_async()
    with pytest.raises(Exception, match=first["job"]) as refused:
        second.get(timeout=60)
    assert refused.value.args[0] == "key_reused"
    assert house.platform.events("other@b.co") == 0


def test_two_tasks_with_one_key_get_one_jobs_result_also_after_a_wait(house: House, shop: Celery) -> None:
    wait_for(house, 5)
    both = [call(shop, "both@b.co", key="k-2").apply_async() for _ in range(2)]
    first, second = (one.get(timeout=60) for one in both)
    assert first == second
    assert house.platform.events("both@b.co") == 1


def test_a_raw_message_copied_in_the_broker_is_one_job_and_one_request(house: House, shop: Celery) -> None:
    with Redis.from_url(house.redis_url) as client:
        result = call(shop, "copied@b.co", key="copied").apply_async(
            queue="aside", link=own(shop, "note", name="copied")
        )
        raw = client.lpop("aside")
        assert raw is not None
        client.lpush("omnisense", *[raw.replace(b'"aside"', b'"omnisense"')] * 4)
        result.get(timeout=60)
        until(lambda: not client.llen("omnisense") and not client.hlen("unacked"))
    assert house.platform.events("copied@b.co") == 1
    assert len(jobs(house, "copied")) == 1
    assert len(noted(house, "copied")) == 1


def test_an_expired_message_is_never_sent(house: House, shop: Celery) -> None:
    result = call(shop, "late@b.co", key="late").apply_async(expires=-1)
    until(lambda: result.state == "REVOKED")
    assert house.platform.events("late@b.co") == 0


def test_what_expires_while_it_waits_is_never_sent(house: House, shop: Celery) -> None:
    wait_for(house, 9)
    result = call(shop, "expires@b.co", key="expires").apply_async(expires=6)
    until(lambda: result.state == "REVOKED")
    (job,) = until(lambda: [one for one in jobs(house, "expires") if one["state"] == "cancelled"])
    assert job["rows"]["skipped"] == 1
    assert house.platform.events("expires@b.co") == 0


def test_an_eta_is_honoured(house: House, shop: Celery) -> None:
    began = time.time()
    assert call(shop, "eta@b.co").apply_async(countdown=3).get(timeout=60)["state"] == "finished"
    assert time.time() - began >= 3


def test_revoked_before_its_eta_it_is_never_sent(house: House, shop: Celery) -> None:
    result = call(shop, "revoked@b.co").apply_async(countdown=6)
    shop.control.revoke(result.id)
    until(lambda: result.state == "REVOKED")
    assert house.platform.events("revoked@b.co") == 0


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (
            {"payload": {"user_event": {"identifier": ""}, "emial": "x"}},
            "user_event.identifier.empty",
            ["emial", "identifier"],
        ),
        ({"payload": "text"}, "payload.missing", ["JSON object"]),
        ({"payload": payload("a@b.co"), "key": 4711}, "key.invalid", ["has to be a text"]),
        ({"payload": payload("a@b.co"), "account": ["x"], "options": 3}, "account.invalid", ["account", "options"]),
        ({"payload": payload("a@b.co"), "account": "other"}, "not_connected", ["no account 'other'"]),
        ({"payload": payload("a@b.co"), "speed": 1}, "words.unknown", ["speed", "account, key, options, payload"]),
        ({"payload": payload("a@b.co"), "wake": "x"}, "words.unknown", ["wake"]),
        ({"payload": payload("a@b.co"), "options": {"speed": 1}}, "options.unknown", ["speed", "it takes"]),
        ({"payload": payload("a@b.co", big="x" * 1_100_000)}, "payload.too_large", ["1,048,576"]),
    ],
)
def test_a_refusal_is_readable_without_a_module_of_ours(
    house: House, words: dict[str, Any], code: str, says: list[str]
) -> None:
    before = house.platform.counts()["requests"]
    done = subprocess.run(
        [sys.executable, "-P", "-c", ASKS, house.redis_url],
        input=json.dumps(words),
        capture_output=True,
        text=True,
        timeout=90,
        check=True,
        cwd=house.folder,
    )
    name, (found, reasons, *_), ours = json.loads(done.stdout)
    assert (name, found, ours) == ("Refused", code, [])
    assert all(word in " ".join(reasons) for word in says), reasons
    assert house.platform.counts()["requests"] == before


def test_a_second_positional_argument_is_refused_not_ignored(house: House, shop: Celery) -> None:
    result = shop.send_task(CALL, args=[payload("two@b.co"), "key"], queue="omnisense")
    with pytest.raises(Exception, match="positional"):
        result.get(timeout=60)
    assert house.platform.events("two@b.co") == 0


def test_doctor_names_messages_in_a_queue_that_nobody_reads(house: House, shop: Celery) -> None:
    shop.send_task(CALL, kwargs={"payload": payload("lost@b.co")}, queue="omnisens")
    said = house.run("doctor").stdout
    (line,) = [line for line in said.splitlines() if "omnisens " in line]
    assert f"{CALL} 1 times (queue='omnisense')" in line
    assert "lost@b.co" not in said


def test_a_ledger_that_fails_sends_the_message_back_and_nothing_is_lost(house: House, shop: Celery) -> None:
    ledger = house.folder / "var" / "omniworker.db"
    _rename(ledger, "tickets", "tickets_away")
    try:
        result = call(shop, "back@b.co", key="back").apply_async()
        until(lambda: any("the message waits in the broker" in line for line in house.said))
    finally:
        _rename(ledger, "tickets_away", "tickets")
    assert result.get(timeout=60)["state"] == "finished"
    assert house.platform.events("back@b.co") == 1


def _rename(ledger: Path, old: str, new: str) -> None:
    """As the house writes: inside its turnstile."""
    import fcntl

    with Path(f"{ledger}.turn").open() as turn, sqlite3.connect(ledger, timeout=30) as connection:
        fcntl.flock(turn, fcntl.LOCK_EX)
        connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
        connection.commit()
