"""Every schedule there is: the house's own, and those of SCHEDULES_FILE."""

from __future__ import annotations

import difflib

from schedules import frequent as frequently
from schedules import nightly as nights
from schedules.file import in_file
from schedules.frequent import frequent
from schedules.hourly import hourly
from schedules.nightly import comparisons, nightly
from schedules.schedule import Schedule
from schedules.wrong import mistakes_of
from worker.settings import SettingsError, read, settings

SETTINGS = (*nights.SETTINGS, *frequently.SETTINGS)


class UnknownSchedule(Exception):
    """No schedule of this name is declared; the sentence offers the nearest."""


def declared() -> list[Schedule]:
    """All schedules. Read anew each time: the file is small, and who changes it need not restart anything.

    Raises `SettingsError` with every mistake of the file.
    """
    values = read(SETTINGS)
    own = [*nightly(values), *frequent(values), *hourly(), *comparisons(values)]
    return [*_checked(own), *in_file(settings().schedules_file)]


def _checked(own: list[Schedule]) -> list[Schedule]:
    """The house's own depend on settings, which can be wrong too."""
    mistakes = [f"  [{one.name}] {said}" for one in own for said in mistakes_of(one)]
    if mistakes:
        raise SettingsError("The settings of schedules can't be used:\n" + "\n".join(mistakes))
    return own


def schedule(name: str) -> Schedule:
    """The schedule of this name. Raises `UnknownSchedule`, `SettingsError`."""
    found = {one.name: one for one in declared()}
    if name not in found:
        near = difflib.get_close_matches(name, found, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise UnknownSchedule(f"There is no schedule {name!r}.{hint} `omniworker schedules list` shows them.")
    return found[name]
