"""What is read every hour, because its platform announces it nowhere: who opted out there."""

from __future__ import annotations

from collections.abc import Iterator

from schedules.schedule import Schedule
from worker.facts.listed import Listed
from worker.operation import NotConnected
from worker.platforms import Account, account, account_ids
from worker.settings import SettingsError

CRON = "17 * * * *"


def hourly() -> Iterator[Schedule]:
    """One for each account that is connected, of every platform that lists its opt-outs."""
    for one in connected():
        if one.platform.opt_outs is not None:
            yield reads(one, one.platform.opt_outs, "opt-outs", CRON)


def connected() -> Iterator[Account]:
    return filter(_is_connected, map(account, account_ids()))


def reads(one: Account, listed: Listed, what: str, cron: str, time_zone: str = "UTC") -> Schedule:
    """A schedule that reads a list of this account."""
    name = f"{one.platform.name}-{what}" + ("" if one.name == "default" else f"-{one.name}")
    return Schedule(
        name, cron, listed.operation, time_zone, payload=listed.payload, account=one.name, reads=listed, overlap="wait"
    )


def _is_connected(one: Account) -> bool:
    try:
        one.access  # noqa: B018 - raises where a setting is missing
    except (NotConnected, SettingsError):
        return False
    return True
