"""What `omniworker doctor` says of what this machine was told: where files come from, where platforms may call, and
variables that nobody reads."""

from __future__ import annotations

import difflib
import importlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from worker import accounts
from worker.cli.verdicts import NOTE, OK, WRONG, Check
from worker.operation import Setting
from worker.platforms import account, account_ids, doorless, doors, platforms
from worker.settings import SETTINGS, VAR, settings

INBOX = "inbox"
RECEIVER = "RECEIVER_PUBLIC_URL"
THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
ALIKE, ALIKE_BEHIND_A_PREFIX = 0.88, 0.75  # REDIS_URI is probably meant for ours; DEVINO_KEY certainly


def inbox() -> Iterator[Check]:
    """Every place that jobs may read, each with what is wrong with it."""
    told = settings()
    wrong = [said for said in map(_off_folder, told.inbox) if said]
    wrong += [said for said in map(_off_address, told.inbox_addresses) if said]
    places = [*map(str, told.inbox), *told.inbox_addresses]
    if not places:
        wrong = ["INBOX names nothing, so no file can be read: name folders, or s3://bucket/prefix/."]
    for said in wrong:
        yield Check(INBOX, WRONG, said)
    if not wrong:
        yield Check(INBOX, OK, f"Files are read from {', '.join(places)}.")


def _off_folder(folder: Path) -> str | None:
    if not folder.exists():
        return f"INBOX names {folder}, which does not exist: make it, or correct INBOX."
    if not folder.is_dir():
        return f"INBOX names {folder}, which is no folder: name the folder that holds the files."
    if not os.access(folder, os.R_OK | os.X_OK):
        return f"INBOX names {folder}, which this user may not read: give it the right, or correct INBOX."
    if folder.is_relative_to(VAR.resolve()):
        return f"INBOX names {folder}, which lies in {VAR}/, the worker's own data, and is never read: name another."
    return None


def _off_address(address: str) -> str | None:
    if address.startswith("s3://") and address.removeprefix("s3://").strip("/"):
        return None
    return f"INBOX names {address}: beside folders only s3://bucket/prefix/ is read."


def receiver() -> Iterator[Check]:
    """Where platforms are told to call. Without an address of ours they tell nothing."""
    yield from (Check(f"callbacks {one.id}", OK, f"Its door is POST {one.callback_path}.") for one in doors())
    for name in doorless():
        yield Check("callbacks", OK, f"There is no door where {name} is not set: nothing that is told there is heard.")
    url = settings().receiver_url
    if url is not None:
        yield _address(url)
        return
    for one in map(account, account_ids()):
        if one.callback_secrets and any(asked.called_back for asked in one.platform.operations):
            yield Check(
                RECEIVER,
                NOTE,
                f"It is not set, so {one.id} is not told where to call, though it has a secret for it: set it to the "
                "receiver's address, https://….",
            )


def _address(url: str) -> Check:
    parts = urlsplit(url)
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        return Check(RECEIVER, WRONG, "It has to be https:// and a host, with a path at most: nothing else in it.")
    if parts.scheme != "https" and parts.hostname not in THIS_MACHINE:
        return Check(RECEIVER, WRONG, "It begins with http://, so secrets would travel in the open: write https://.")
    return Check(RECEIVER, OK, f"Platforms are told to call {url}.")


def variables(environ: Mapping[str, str] | None = None) -> Iterator[Check]:
    """Variables that look like settings and are none, with the one that was probably meant."""
    set_ = os.environ if environ is None else environ
    known = _known()
    for name in sorted(set(set_) - known):
        if name.upper().startswith(_prefixes()):
            yield _stray(name, _nearest(name, known, ALIKE_BEHIND_A_PREFIX))
        elif (near := _nearest(name, known, ALIKE)) and near not in set_:
            yield Check(name, NOTE, f"It is set and is no setting of ours; {near} is, and is not set.")


def _nearest(name: str, known: Iterable[str], alike: float) -> str | None:
    return next(iter(difflib.get_close_matches(name.upper(), known, 1, alike)), None)


def _stray(name: str, near: str | None) -> Check:
    if near is None:
        return Check(name, NOTE, "It is set, nobody reads it, and no setting is called like it: docs/settings.md.")
    return Check(name, WRONG, f"It is set, and nobody reads it: did you mean {near}? docs/settings.md lists them all.")


def _known() -> set[str]:
    declared: Iterable[str] = (
        one.name
        for group in (SETTINGS, *map(accounts.settings_of, platforms().values()), _of_schedules())
        for one in group
    )
    names = set(declared)
    return names | {f"{name}_FILE" for name in names} | accounts.variables(settings().accounts_file)


def _of_schedules() -> Iterable[Setting]:
    # When follows from what, so the house finds it by name, as it finds the platforms.
    found: Iterable[Setting] = importlib.import_module("schedules.declared").SETTINGS
    return found


def _prefixes() -> tuple[str, ...]:
    """Names that nobody else would give: a platform's own, and those of schedules that come along."""
    return (*(f"{name.upper()}_" for name in platforms()), "NIGHTLY_", "FREQUENT_")
