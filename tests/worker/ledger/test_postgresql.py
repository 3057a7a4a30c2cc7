"""What belongs to PostgreSQL alone: addresses, sessions, lost connections, and processes that meet at the same rows."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from tests.own_postgresql import OwnPostgreSQL, binaries
from worker import outage
from worker.ledger import doors, jobs, orders
from worker.ledger.desk import Undecided
from worker.ledger.ledger import Ledger
from worker.ledger.orders import Asked
from worker.ledger.postgresql import BadAddress

pytestmark = pytest.mark.postgresql
ACCOUNT = "p/default"
ROUNDS = 60
LOST = "SELECT pg_terminate_backend(pg_backend_pid())"


@pytest.fixture
def database() -> str:
    return "postgresql"


@pytest.mark.parametrize(
    ("scheme", "options"),
    [
        ("postgres", ""),
        ("postgresql", ""),
        ("postgresql+psycopg", ""),
        ("postgres", "?sslmode=prefer&connect_timeout=3&target_session_attrs=read-write"),
    ],
)
def test_an_address_is_taken_as_hosts_hand_it_out(database_url: str, scheme: str, options: str) -> None:
    ledger = Ledger(f"{scheme}://{database_url.partition('://')[2]}{options}")
    assert ledger.read(lambda tx: tx.execute(text("SELECT 1")).scalar()) == 1
    ledger.close()


def test_what_an_address_says_of_ssl_is_kept(database_url: str) -> None:
    ledger = Ledger(f"{database_url}?sslmode=require")
    with pytest.raises(SQLAlchemyError, match="does not support SSL"):
        ledger.begin().__enter__()
    ledger.close()


@pytest.mark.parametrize("address", ["postgres://u:sec@ret@h:x/d", "postgres://u:secret@h/d?speed=high"])
def test_an_address_that_cant_be_read_is_a_sentence_without_it(address: str) -> None:
    with pytest.raises(BadAddress, match="write postgresql://") as caught:
        Ledger(address)
    assert "ret@" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_sessions_wait_for_nothing_for_ever(ledger: Ledger) -> None:
    def shown(tx: Connection) -> list[Any]:
        names = ("transaction_isolation", "lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
        return [tx.execute(text(f"SHOW {name}")).scalar() for name in names]

    assert ledger.write(shown) == ["read committed", "200ms", "1min", "30s"]
    assert ledger.read(shown)[0] == "repeatable read"
    with pytest.raises(DBAPIError, match="read-only"):
        ledger.read(lambda tx: doors.ensure(tx, ACCOUNT))


def test_a_reader_sees_one_moment(ledger: Ledger) -> None:
    def look(tx: Connection) -> tuple[int, int]:
        before = len(doors.all_of(tx))
        ledger.write(lambda other: doors.ensure(other, ACCOUNT))
        return before, len(doors.all_of(tx))

    assert ledger.read(look) == (0, 0)
    assert len(ledger.read(doors.all_of)) == 1


def test_many_threads_share_few_sessions(ledger: Ledger) -> None:
    seen: list[Any] = []
    count = text(
        "SELECT count(*), max(pg_sleep(0.01)::text) FROM pg_stat_activity "
        "WHERE datname = current_database() AND backend_type = 'client backend'"  # no vacuum that comes by
    )

    def look() -> None:
        seen.extend(ledger.read(lambda tx: tx.execute(count).scalar()) for _ in range(5))

    threads = [threading.Thread(target=look) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(seen) == 200
    assert max(seen) <= 5


class Losing:
    """A piece of work whose session is ended by the server in the middle of it, as often as it is told."""

    def __init__(self, times: int, how: str = LOST) -> None:
        self.tries = 0
        self._times, self._how = times, how

    def __call__(self, tx: Connection) -> str:
        self.tries += 1
        doors.ensure(tx, f"{ACCOUNT}.{self.tries}")
        if self.tries <= self._times:
            tx.exec_driver_sql(self._how)
        return "done"


def test_a_connection_lost_in_the_middle_is_replaced_and_the_work_done_once(ledger: Ledger) -> None:
    losing = Losing(2)
    assert ledger.write(losing) == "done"
    assert [door.id for door in ledger.read(doors.all_of)] == [f"{ACCOUNT}.3"]


def test_a_connection_lost_under_a_prepared_statement_is_replaced_too(ledger: Ledger) -> None:
    def end_all_others(tx: Connection) -> None:
        tx.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND datname = current_database()"
            )
        )

    ledger.read(lambda tx: jobs.get(tx, "none"))
    other = Ledger(ledger_url(ledger))
    other.write(end_all_others)
    other.close()
    assert ledger.read(lambda tx: jobs.get(tx, "none")) is None
    assert ledger.write(lambda tx: doors.get(tx, ACCOUNT)) is None


def ledger_url(ledger: Ledger) -> str:
    with ledger.begin() as tx:
        info = tx.connection.dbapi_connection.info  # type: ignore[union-attr]
        return f"postgresql://{info.user}@{info.host}:{info.port}/{info.dbname}"


def test_a_commit_whose_answer_is_lost_is_not_made_again(ledger: Ledger) -> None:
    """The trigger ends the session while the commit runs: the client can't know what came of it."""
    with ledger.begin() as tx:
        tx.exec_driver_sql(
            "CREATE FUNCTION ended() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1); RETURN NULL; END $$"
        )
        tx.exec_driver_sql(
            "CREATE CONSTRAINT TRIGGER ended AFTER INSERT ON doors DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW WHEN (NEW.id = 'p/default.1') EXECUTE FUNCTION ended()"
        )
    losing = Losing(0)
    with pytest.raises(Undecided):
        ledger.write(losing)
    assert losing.tries == 1
    answered: list[str] = []
    ledger.later(lambda tx: (doors.ensure(tx, "p/default.1" if not answered else ACCOUNT), answered.append("tried")))
    with pytest.raises(Undecided):
        ledger.write(lambda tx: doors.get(tx, ACCOUNT))
    ledger.flush()
    assert answered == ["tried", "tried"], "nobody waits for a settled answer, and settling twice settles once"
    assert [door.id for door in ledger.read(doors.all_of)] == [ACCOUNT]


def test_a_mistake_is_told_at_once_and_not_tried_again(ledger: Ledger) -> None:
    losing = Losing(9, "SELECT 1/0")
    with pytest.raises(DBAPIError, match="division by zero"):
        ledger.write(losing)
    assert losing.tries == 1


@pytest.fixture
def own_server() -> Iterator[OwnPostgreSQL]:
    server = OwnPostgreSQL(binaries(), durable=True)  # type: ignore[arg-type] # the next fixture would have said so
    yield server
    server.stop()


def test_a_server_that_dies_and_comes_back_costs_a_pause(
    postgresql: object, own_server: OwnPostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    from worker.ledger import desk
    from worker.ledger.migrate import migrate

    monkeypatch.setattr(desk, "PAUSES", 12)  # a minute: how long a server takes to come back is not what is shown
    migrate(own_server.url("postgres"))
    ledger = Ledger(own_server.url("postgres"))
    written: list[int] = []

    def busy() -> None:
        for n in range(60):
            ledger.write(lambda tx, n=n: doors.ensure(tx, f"p/{n}"))  # type: ignore[misc]
            written.append(n)
            time.sleep(0.005)

    threads = [threading.Thread(target=busy)]
    threads[0].start()
    while len(written) < 5:
        time.sleep(0.01)
    own_server.kill()
    own_server.start()
    threads[0].join(100)
    assert written == list(range(60))
    assert len(ledger.read(doors.all_of)) == 60
    ledger.close()


def test_processes_that_meet_at_the_same_rows_in_any_order_get_on(database_url: str) -> None:
    """Two desks commit groups that touch the same jobs and door in opposite orders, as fast as they can."""
    ledgers = [Ledger(database_url) for _ in range(2)]
    names = [ledgers[0].write(lambda tx, n=n: orders.record(tx, asked(n))[0]) for n in range(4)]  # type: ignore[misc]
    done: list[float] = []
    threads = [
        threading.Thread(target=meet, args=(ledger, order, fails, done))
        for ledger, order in zip(ledgers, (names, names[::-1]), strict=True)
        for fails in (False, True) * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    deadlocks = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert len(done) == len(threads) * ROUNDS, "one of them could not go on"
    assert max(done) < 30.0, "one of them starved"
    assert ledgers[0].read(lambda tx: tx.execute(deadlocks).scalar()) == 0
    for ledger in ledgers:
        ledger.close()


def meet(ledger: Ledger, order: list[str], fails: bool, done: list[float]) -> None:
    """What lanes do to rows they share: an answer, a failure, a look at a job, its end. The seconds go to `done`."""
    for n in range(ROUNDS):
        began = time.monotonic()
        ledger.later(lambda tx: outage.answered(tx, ACCOUNT))
        ledger.write(lambda tx, job_id=order[n % 4]: touch(tx, job_id, fails))  # type: ignore[misc]
        done.append(time.monotonic() - began)


def touch(tx: Connection, job_id: str, fails: bool) -> None:
    if fails:
        outage.failed(tx, ACCOUNT, "test")
    jobs.look_at(tx, job_id)
    jobs.end_if_done(tx, job_id)


def asked(n: int) -> Asked:
    return Asked("p.op", ACCOUNT, "file", None, f"key {n}", "")
