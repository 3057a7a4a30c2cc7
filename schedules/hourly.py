"""What is read every hour, because its platform announces it nowhere: who opted out there."""

from __future__ import annotations

from collections.abc import Iterator

from schedules.schedule import Schedule
from worker.operation import NotConnected
from worker.platforms import Account, account, account_ids
from worker.settings import SettingsError

CRON = "17 * * * *"


def hourly() -> Iterator[Schedule]:
    """One for each account that is connected, of every platform that lists its opt-outs."""
    for account_id in account_ids():
        one = account(account_id)
        listed = one.platform.opt_outs
        if listed is not None and _connected(one):
            name = f"{one.platform.name}-opt-outs" + ("" if one.name == "default" else f"-{one.name}")
            yield Schedule(
                name, CRON, listed.operation, payload=listed.payload, account=one.name, reads=listed, overlap="wait"
            )


def _connected(one: Account) -> bool:
    try:
        one.access  # noqa: B018 - raises where a setting is missing
    except (NotConnected, SettingsError):
        return False
    return True
