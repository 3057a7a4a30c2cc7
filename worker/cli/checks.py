"""What `omniworker doctor` looks at, besides Redis: settings, keys, the ledger and what waits in it, accounts."""

from __future__ import annotations

import importlib
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator

from worker.cli import office, surroundings
from worker.cli.accounts import connection, link_of, linked
from worker.cli.sentences import known
from worker.cli.verdicts import NOTE, OK, WRONG, Check
from worker.ledger import decisions, doors, handlings, owners, posts
from worker.platforms import account, account_ids
from worker.processes.process import Process
from worker.seal import Seal
from worker.settings import Settings, SettingsError, settings
from worker.sources.storage import storage


def examined(name: str, look: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """The checks of one look; an error that a person can mend is a check that went wrong."""
    try:
        yield from look()
    except Exception as error:
        ending = known(error)
        if ending is None:
            raise
        yield Check(name, WRONG, ending.message)


def here() -> Iterator[Check]:
    """Everything that needs no Redis."""
    yield from examined("settings", _settings)
    yield from examined("variables", surroundings.variables)
    yield from examined("secret key", _secret_key)
    yield from examined("inbox", surroundings.inbox)
    yield from examined("storage", _storage)
    yield from examined("retention", _retention)
    yield from examined("alarms", _alarms)
    yield from examined("alarms of refused rows", _alarms_of_refused)
    yield from examined("accounts", _accounts)
    yield from examined(surroundings.RECEIVER, surroundings.receiver)
    yield from examined("ledger", _ledger)
    # When follows from what, so the house finds it by name, as it finds the platforms.
    yield from examined("schedules", importlib.import_module("schedules.doctor").checks)


def _settings() -> Iterator[Check]:
    told = settings()
    _check_level(told)
    size = f"{told.processes} worker processes of {told.threads} threads"
    ports = f"the receiver on port {told.port}, Flower on port {told.flower_port}"
    yield Check("settings", OK, f"{size}, {ports}, newsletters to {told.most_recipients:,} people at most.")


def _check_level(told: Settings) -> None:
    if told.log_level not in logging.getLevelNamesMapping():
        raise SettingsError(f"LOG_LEVEL is {told.log_level!r}: write DEBUG, INFO, WARNING or ERROR.")


def _secret_key() -> Iterator[Check]:
    Seal(settings().secret_key)
    yield Check("secret key", OK, "Payloads can be encrypted.")


def _storage() -> Iterator[Check]:
    yield Check("storage", OK, storage(settings().storage_url).check())


def _retention() -> Iterator[Check]:
    days = settings().retention_days
    yield Check("retention", OK, f"The content of jobs is kept for {days} days after their end.")


def _alarms() -> Iterator[Check]:
    """Nobody is told anything by looking: whether it is taken shows with the first alarm. Its address is a secret."""
    if settings().alarm_webhook_url is None:
        yield Check("alarms", OK, "They stand in the logs of the workers alone: ALARM_WEBHOOK_URL is not set.")
    else:
        yield Check("alarms", OK, "They are told to ALARM_WEBHOOK_URL.")


def _alarms_of_refused() -> Iterator[Check]:
    share = settings().alarm_refused
    yield Check("alarms of refused rows", OK, f"A file of which more than {share:g} % is refused is one.")


def _accounts() -> Iterator[Check]:
    ids = account_ids()
    missing = {one: sentence for one in ids if (sentence := connection(one)) is not None}
    for one in ids:
        pace = account(one).pace
        at_pace = f"Connected, at {pace.calls} calls in {pace.seconds} s."
        # Few need every platform, and nobody needs none.
        verdict = OK if one not in missing else NOTE if len(missing) < len(ids) else WRONG
        yield Check(one, verdict, missing.get(one, at_pace))


def _ledger() -> Iterator[Check]:
    own = office.for_reading()
    kind = f"SQLite {sqlite3.sqlite_version}, for this machine alone" if own.settings.local else "PostgreSQL"
    yield Check("ledger", OK, f"{kind}; its schema is this version's.")
    yield from _processes(own)
    yield from _waiting_for_people(own)
    yield from _links(own)


def _links(own: Process) -> Iterator[Check]:
    for name in account_ids():
        link = link_of(own, name)
        if link is not None:
            yield Check(f"link {name}", OK if link["state"] == "linked" else WRONG, f"It is {linked(name, link)}.")


def _processes(own: Process) -> Iterator[Check]:
    names = [row.name for row in own.ledger.read(posts.living) if not owners.dead(row.id)]
    if names:
        yield Check("processes", OK, f"Seen in the last seconds: {', '.join(names)}.")
    else:
        yield Check(
            "processes", WRONG, "No worker is running: `omniworker up` starts all, `omniworker run worker` one."
        )


def _waiting_for_people(own: Process) -> Iterator[Check]:
    unsure = len(own.ledger.read(decisions.unsure))
    sentence = f"{unsure:,} requests wait for a person: `omniworker jobs unsure` shows them." if unsure else "None."
    yield Check("unsure", WRONG if unsure else OK, sentence)
    aside = sum(int(row.many) for row in own.ledger.read(handlings.counts))
    sentence = f"What platforms told waits for a person ({aside:,}): `omniworker quarantine list` names it."
    yield Check("quarantine", WRONG if aside else OK, sentence if aside else "It is empty.")
    for door in own.ledger.read(doors.all_of):
        shut = door.state != "open"
        yield Check(f"door {door.id}", WRONG if shut else OK, f"It is {door.state}{f': {door.why}' if shut else '.'}")
