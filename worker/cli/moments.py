"""Moments as people at an account read them, and as everybody else does."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Sequence
from typing import Any

from worker import platforms
from worker.ledger.reports import iso
from worker.ledger.types import Row
from worker.newsletters import document
from worker.operation import NotConnected
from worker.processes.process import Process


def zones_of(own: Process, row: Row[Any]) -> list[dt.tzinfo]:
    """The zone that a newsletter's document names, and that of its account, each once and without UTC."""
    named = [document.of(own.seal.open(row.document), row.name).zone] if row.document else []
    platform = platforms.operation(row.operation).platform
    with contextlib.suppress(NotConnected):  # an account that was removed has no clocks
        named.append(platforms.account(f"{platform}/{row.account}").zone)
    return [zone for zone in dict.fromkeys(named) if str(zone) != "UTC"]


def local(seconds: float, zone: dt.tzinfo) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, zone)


def moment(seconds: float, zones: Sequence[dt.tzinfo]) -> str:
    """`2026-11-27 20:00 in Europe/Paris, 2026-11-27T19:00:00Z`."""
    shown = (f"{local(seconds, zone):%Y-%m-%d %H:%M:%S}".removesuffix(":00") + f" in {zone}" for zone in zones)
    return ", ".join([*shown, iso(seconds)])
