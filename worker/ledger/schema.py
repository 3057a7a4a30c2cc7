"""What every table is made with. The table of a noun stands where its verbs are; the oldest ones share `tables.py`.

Times are seconds since 1970 in UTC. Personal data lies only in sealed columns (`worker/seal.py`); who is meant is a
keyed hash (`worker/people/people.py`).
"""

from __future__ import annotations

import importlib
import pkgutil

from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, String

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"}
)
ROW_ID = BigInteger().with_variant(Integer, "sqlite")


def claim_columns() -> tuple[Column[object], ...]:
    """What `claims.py` needs of a table: when it may be taken, by whom it is held, and how often it was taken."""
    return (
        Column("not_before", Float, nullable=False, server_default="0"),
        Column("lease_until", Float),
        Column("owner", String(120)),
        Column("fence", Integer, nullable=False, server_default="0"),
    )


def declared() -> MetaData:
    """Every table there is: each stands in the module of its noun, so all of them are read first."""
    room = importlib.import_module("worker.ledger")
    for module in pkgutil.iter_modules(room.__path__, "worker.ledger."):
        importlib.import_module(module.name)
    return metadata
