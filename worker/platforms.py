"""Finds the platforms that `tasks/` declares. The house itself names none."""

from __future__ import annotations

import difflib
import functools
import importlib
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from worker.accounts import declared, settings_of
from worker.facts.link import Registered
from worker.operation import Access, NotConnected, Operation, Pace, Platform
from worker.people.consent import Rule
from worker.settings import pace, read, settings


class UnknownOperation(Exception):
    """No operation of this name is declared; the sentence offers the nearest."""


@functools.cache
def platforms() -> Mapping[str, Platform]:
    """Every declared platform by name; a mistake in a declaration shows here, at the start of a process."""
    declared = importlib.import_module("tasks").PLATFORMS
    return {platform.name: platform for platform in declared}


@functools.cache
def operations() -> Mapping[str, Operation]:
    """Every declared operation by name: each platform's, then the flows that join them."""
    single = (operation for platform in platforms().values() for operation in platform.operations)
    return {operation.name: operation for operation in (*single, *importlib.import_module("tasks").FLOWS)}


@functools.cache
def kinds() -> frozenset[str]:
    """Every kind of notice that a platform can tell."""
    called = (kind for one in platforms().values() if one.callbacks for kind in one.callbacks.kinds)
    found = (facts for one in platforms().values() for facts in (one.opt_outs, one.everybody, one.watched) if facts)
    return frozenset([*called, *(facts.kind for facts in found)])


@functools.cache
def looked_up() -> Sequence[str]:
    """Names of the operations whose platform can be asked what became of a request."""
    return [one.name for one in operations().values() if one.lookup or one.later]


def consent() -> Rule:
    """What decides who may be written to."""
    rule: Rule = importlib.import_module("tasks").CONSENT
    return rule


def operation(name: str) -> Operation:
    found = operations().get(name)
    if found is None:
        near = difflib.get_close_matches(name, operations(), 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UnknownOperation(f"There is no operation {name!r}.{hint} `omniworker operations` lists them.")
    return found


class Account:
    """One account of a platform as this process knows it: its way in and its pace.

    `values` come from ACCOUNTS_FILE; without them it is the environment's own account.
    """

    def __init__(self, platform: Platform, name: str = "default", values: Mapping[str, str] | None = None) -> None:
        self.platform = platform
        self.name = name
        self.id = f"{platform.name}/{name}"
        self._values = read(settings_of(platform), values)

    @functools.cached_property
    def access(self) -> Access:
        """Raises `NotConnected` with the sentence that names what is missing."""
        return self.platform.access(self._values)

    def by_link(self, operation: Operation) -> bool:
        """Whether this operation goes in by the account's link, not by its keys."""
        return self.platform.link is not None and operation.auth == self.platform.link.auth

    def linked(self, token: str) -> Access:
        """The way in by a link. Raises `NotConnected`."""
        assert self.platform.link is not None  # noqa: S101 - only such a platform gives tokens
        return self.platform.link.access(self._values, token)

    @functools.cached_property
    def registered(self) -> Registered:
        """Raises `NotConnected` with the sentence that names what is missing."""
        assert self.platform.link is not None  # noqa: S101 - asked for before
        return self.platform.link.registered(self._values)

    @functools.cached_property
    def told(self) -> Mapping[str, str]:
        """What the account was told that is no secret."""
        plain = {one.name for one in settings_of(self.platform) if not one.secret}
        return {name: value for name, value in self._values.items() if name in plain}

    @functools.cached_property
    def callback_secrets(self) -> tuple[str, ...]:
        """What a caller may prove itself by; none where the platform does not call, or nobody may."""
        callbacks = self.platform.callbacks
        said = self._values.get(callbacks.secrets, "") if callbacks else ""
        return tuple(part.strip() for part in said.split(",") if part.strip())

    @property
    def callback_path(self) -> str:
        """Below the receiver's address."""
        return f"/callbacks/{self.platform.name}" + ("" if self.name == "default" else f"/{self.name}")

    @functools.cached_property
    def pace(self) -> Pace:
        return pace(self.platform.pace, self._values)

    @property
    def zone(self) -> tzinfo:
        """By which clocks people live there. Raises `NotConnected` for one that there is not."""
        setting = self.platform.zone
        name = (self._values.get(setting.name) if setting else None) or "UTC"
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise NotConnected(
                f"{setting.name if setting else name} must be a zone's name, like Europe/Paris."
            ) from None

    @property
    def on_unsure(self) -> str:
        setting = self.platform.on_unsure
        return (self._values.get(setting.name) or "park") if setting else "park"


@functools.cache
def account(account_id: str) -> Account:
    """The account of an id, which is platform/name."""
    platform, _, name = account_id.partition("/")
    if name == "default":
        return Account(platforms()[platform])
    further = declared(settings().accounts_file, platforms())
    if account_id not in further:
        known = ["default", *(one.partition("/")[2] for one in further if one.startswith(f"{platform}/"))]
        raise NotConnected(
            f"There is no account {name!r} at {platform}; known: {', '.join(known)}. "
            "ACCOUNTS_FILE declares further ones."
        )
    return Account(platforms()[platform], name, further[account_id])


def account_ids() -> list[str]:
    """Every account there is: each platform's `default`, and those of ACCOUNTS_FILE."""
    further = declared(settings().accounts_file, platforms())
    return sorted([*(f"{name}/default" for name in platforms()), *further])


def doors() -> list[Account]:
    """The accounts that their platform can call: those with a secret for it."""
    return [one for one in map(account, account_ids()) if one.callback_secrets]


def doorless() -> list[str]:
    """The settings that would open the door of a platform which has none."""
    open_ = {one.platform.name for one in doors()}
    return [one.callbacks.secrets for one in platforms().values() if one.callbacks and one.name not in open_]
