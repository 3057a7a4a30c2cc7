"""`omniworker doctor` names what is wrong, on a real Redis."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from redis import Redis

from tests.worker.cli.conftest import KEYS, Job, Ow, forget
from worker import outage
from worker.cli import checks
from worker.ledger import owners, posts
from worker.platforms import platforms

Found = dict[str, tuple[str, str]]


@pytest.fixture
def redis(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    monkeypatch.setenv("REDIS_URL", redis_url)
    client = Redis.from_url(redis_url)
    client.flushall()
    client.config_set("appendonly", "no")
    client.config_set("maxmemory-policy", "noeviction")
    yield client
    client.flushall()
    client.close()


@pytest.fixture
def doctor(ow: Ow) -> Callable[[], Found]:
    """Verdict and sentence by name; the exit status has to agree."""

    def look() -> Found:
        result = ow("doctor", "--json")
        content = json.loads(result.stdout)
        assert result.exit_code == (0 if content["ok"] else 1)
        assert content["ok"] == all(check["verdict"] != "wrong" for check in content["checks"])
        return {check["name"]: (check["verdict"], check["says"]) for check in content["checks"]}

    return look


def test_an_empty_folder_is_told_everything_that_is_missing(doctor: Callable[[], Found]) -> None:
    found = doctor()
    assert {name for name, (verdict, _) in found.items() if verdict == "wrong"} == {"secret key", "ledger", "Redis"}


def test_it_changes_nothing_in_the_folder_it_looks_at(doctor: Callable[[], Found], folder: Path) -> None:
    assert doctor()["storage"][1].startswith("var/storage is made when a copy is needed; there is ")
    assert list(folder.iterdir()) == []
    (folder / "var/storage").mkdir(parents=True)
    (folder / "var/storage").chmod(0o755)
    assert "var/storage can be written to" in doctor()["storage"][1]
    assert list((folder / "var").rglob("*")) == [folder / "var/storage"]
    assert (folder / "var/storage").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ("missing", "does not exist: make it, or correct INBOX."),
        ("file", "which is no folder"),
        (",", "INBOX names nothing"),
        ("var/in", "the worker's own data"),
        ("gs://bucket/", "only s3://bucket/prefix/ is read"),
    ],
)
def test_an_inbox_that_no_file_can_be_read_from_is_named(
    told: str, sentence: str, doctor: Callable[[], Found], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").touch()
    (folder / "var/in").mkdir(parents=True)
    monkeypatch.setenv("INBOX", told)
    verdict, said = doctor()["inbox"]
    assert (verdict, sentence in said) == ("wrong", True), said


def test_an_inbox_of_folders_and_addresses_is_well(
    doctor: Callable[[], Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INBOX", ".,s3://bucket/in/")
    assert doctor()["inbox"][0] == "ok"


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("https://hooks.example.com", "ok"),
        ("https://example.com/omni", "ok"),
        ("http://127.0.0.1:8000", "ok"),
        ("http://hooks.example.com", "wrong"),
        ("https://", "wrong"),
        ("https://a.example/?x=1", "wrong"),
        ("hooks.example.com", "wrong"),
    ],
)
def test_the_receivers_address_is_looked_at(
    url: str, verdict: str, doctor: Callable[[], Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECEIVER_PUBLIC_URL", url)
    assert doctor()["RECEIVER_PUBLIC_URL"][0] == verdict


def test_a_secret_for_callbacks_wants_an_address_to_be_called_at(
    doctor: Callable[[], Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "devino/default is not told where to call" in doctor()["RECEIVER_PUBLIC_URL"][1]
    monkeypatch.delenv("DEVINO_CALLBACK_SECRETS")
    forget()
    assert "RECEIVER_PUBLIC_URL" not in doctor()


def test_a_misspelt_variable_is_named_with_the_one_that_was_meant(
    doctor: Callable[[], Found], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "accounts.toml").write_text('[omnisense.berlin]\napi_key = { env = "OMNISENSE_BERLIN_KEY" }\n')
    for name in ("OMNISENSE_PAEC", "omnisense_pace", "OMNISENSE_BERLIN_KEY", "DEVINO_API_KEYS", "REDIS_URI", "PATH2"):
        monkeypatch.setenv(name, "10/s")
    monkeypatch.setenv("OMNISEND_ZZZZZZZZ", "1")
    (folder / "secret").write_text(Fernet.generate_key().decode())
    monkeypatch.setenv("SECRET_KEY_FILE", "secret")
    monkeypatch.setenv("ACCOUNTS_FILE", "accounts.toml")
    found = doctor()
    for name, meant in (("OMNISENSE_PAEC", "OMNISENSE_PACE"), ("DEVINO_API_KEYS", "DEVINO_API_KEY")):
        assert found[name] == (
            "wrong",
            f"It is set, and nobody reads it: did you mean {meant}? docs/settings.md lists them all.",
        )
    assert found["omnisense_pace"][0] == "wrong"
    assert found["REDIS_URI"] == ("note", "It is set and is no setting of ours; REDIS_URL is, and is not set.")
    assert found["OMNISEND_ZZZZZZZZ"][0] == "note"
    assert {"OMNISENSE_BERLIN_KEY", "PATH2", "SECRET_KEY_FILE"}.isdisjoint(found)


def test_all_is_well_when_all_is_well(
    ow: Ow, redis: Redis, doctor: Callable[[], Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", Fernet.generate_key().decode())
    monkeypatch.setenv("RECEIVER_PUBLIC_URL", "https://hooks.example.com")
    ow("migrate")
    checks.office.for_reading().ledger.write(lambda tx: posts.seen(tx, owners.me(), "worker.1@here"))
    redis.config_set("appendonly", "yes")
    found = doctor()
    assert {verdict for verdict, _ in found.values()} == {"ok"}
    assert found["processes"] == ("ok", "Seen in the last seconds: worker.1@here.")
    empty = ", ".join(f"{queue} 0" for queue in (*platforms(), "bulk", "urgent"))
    assert found["queues"] == ("ok", f"{empty} waiting.")
    assert set(found) >= {"settings", "secret key", "ledger", "Redis", "clock", "omnisense/default"}


def test_a_redis_that_would_lose_or_drop_messages_is_wrong(redis: Redis, doctor: Callable[[], Found]) -> None:
    redis.config_set("maxmemory-policy", "allkeys-lru")
    found = doctor()
    assert found["Redis appendonly"][0] == "wrong"
    assert found["Redis maxmemory-policy"] == (
        "wrong",
        "It is allkeys-lru: when it is full it drops messages and budgets instead of saying so. Set it to noeviction.",
    )


def test_a_redis_that_does_not_answer_is_wrong(doctor: Callable[[], Found], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    found = doctor()
    assert "nothing is sent until it does" in found["Redis"][1]
    assert found["queues"][0] == "wrong"


def test_messages_of_ours_in_celerys_own_queue_are_counted_and_the_queue_is_named(
    redis: Redis, doctor: Callable[[], Found]
) -> None:
    for task in (
        "omnisense.record_user_event",
        "omnisense.import_user_events",
        "shop.mail",
        "omnisense.import_user_events",
    ):
        redis.lpush("celery", json.dumps({"headers": {"task": task}, "body": ""}))
    redis.lpush("celery", "not json")
    redis.lpush("celery\x06\x163", json.dumps({"headers": {"task": "omnisense.record_user_event"}}))
    redis.lpush("bulk", "{}")
    found = doctor()
    verdict, sentence = found["queue celery"]
    assert verdict == "wrong"
    assert "omnisense.record_user_event 2 times (queue='omnisense')" in sentence
    assert "omnisense.import_user_events 2 times (queue='bulk')" in sentence
    assert "shop.mail" not in sentence
    assert "bulk 1, " in found["queues"][1]
    assert redis.llen("celery") == 5


def test_other_peoples_messages_in_celerys_queue_are_no_concern(redis: Redis, doctor: Callable[[], Found]) -> None:
    redis.lpush("celery", json.dumps({"headers": {"task": "shop.mail"}}))
    assert doctor()["queue celery"][0] == "ok"


def test_what_waits_for_a_person_is_named(job: Job, doctor: Callable[[], Found]) -> None:
    job.lose()
    job.own.ledger.write(lambda tx: outage.forbid(tx, "omnisense/default", "Omnisense answered 401"))
    found = doctor()
    assert found["unsure"] == ("wrong", "1 requests wait for a person: `omniworker jobs unsure` shows them.")
    assert "omniworker accounts resume omnisense/default" in found["door omnisense/default"][1]


def test_each_setting_that_cant_be_used_is_named(doctor: Callable[[], Found], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "loud")
    monkeypatch.setenv("SECRET_KEY", "short")
    monkeypatch.setenv("OMNISENSE_PACE", "0/s")
    found = doctor()
    assert "LOG_LEVEL is 'LOUD'" in found["settings"][1]
    assert "Fernet" in found["secret key"][1]
    assert "OMNISENSE_PACE is '0/s'" in found["accounts"][1]


@pytest.mark.parametrize("url", ["redis:/nowhere", "redis.example.com:6379", "http://redis", "redis://redis:port/0"])
def test_an_address_that_is_none_of_redis_is_named(
    doctor: Callable[[], Found], monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    verdict, says = doctor()["Redis"]
    assert (verdict, says[:23]) == ("wrong", "REDIS_URL has to be red")


def test_storage_that_cant_be_written_to_and_days_that_make_no_sense_are_named(
    doctor: Callable[[], Found], monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    assert doctor()["storage"][0] == doctor()["retention"][0] == "ok"
    (folder / "file").touch()
    monkeypatch.setenv("STORAGE_URL", str(folder / "file"))
    monkeypatch.setenv("RETENTION_DAYS", "0")
    found = doctor()
    assert (found["storage"][0], "STORAGE_URL" in found["storage"][1]) == ("wrong", True)
    monkeypatch.setenv("STORAGE_URL", "ftp://host/copies")
    assert doctor()["storage"] == ("wrong", "STORAGE_URL has to be a folder, or s3://bucket/prefix.")
    assert found["retention"] == ("wrong", "RETENTION_DAYS is '0': write a whole number, at least 1.")


def test_without_any_connected_platform_something_is_wrong(
    doctor: Callable[[], Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in KEYS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OMNISENSE_INSTANCE", "myshop")
    assert doctor()["omnisense/default"] == (
        "wrong",
        "Omnisense is not connected: set OMNISENSE_API_KEY, OMNISENSE_MASTER_KEY, OMNISENSE_ADMIN_EMAIL, "
        "OMNISENSE_ADMIN_TOKEN.",
    )


def test_for_people_each_check_is_a_line(ow: Ow) -> None:
    result = ow("doctor")
    assert result.exit_code == 1
    assert {line.split()[0] for line in result.stdout.splitlines()} == {"ok", "note", "wrong"}


@pytest.mark.parametrize(
    ("name", "value", "check", "sentence"),
    [
        ("ALARM_WEBHOOK_URL", "http://hooks.example.com/SECRET", "alarms", "ALARM_WEBHOOK_URL has to be https"),
        ("ALARM_WEBHOOK_URL", "ftp://hooks.example.com/SECRET", "alarms", "ALARM_WEBHOOK_URL has to be https"),
        ("ALARM_WEBHOOK_URL", "https://hooks example.com/SECRET", "alarms", "ALARM_WEBHOOK_URL has to be https"),
        ("ALARM_WEBHOOK_URL", "https://:443/SECRET", "alarms", "ALARM_WEBHOOK_URL has to be https"),
        ("ALARM_REFUSED", "some", "alarms of refused rows", "ALARM_REFUSED has to be a share"),
        ("ALARM_REFUSED", "150%", "alarms of refused rows", "ALARM_REFUSED has to be a share"),
    ],
)
def test_where_alarms_could_not_be_told_is_named_without_its_value(
    doctor: Callable[[], Found], monkeypatch: pytest.MonkeyPatch, name: str, value: str, check: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    verdict, says = doctor()[check]
    assert (verdict, sentence in says, "SECRET" in says) == ("wrong", True, False)


def test_where_alarms_are_told_is_well_and_not_shown(
    doctor: Callable[[], Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALARM_WEBHOOK_URL", "https://hooks.example.com:8443/SECRET?a=b")
    monkeypatch.setenv("ALARM_REFUSED", "5 %")
    found = doctor()
    assert found["alarms"] == ("ok", "They are told to ALARM_WEBHOOK_URL.")
    assert found["alarms of refused rows"] == ("ok", "A file of which more than 5 % is refused is one.")
