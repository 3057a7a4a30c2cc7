"""Every error that a person can do something about: its one sentence and its exit status, decided here alone."""

from __future__ import annotations

import errno
from typing import IO, Any

import click

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)


class Failed(click.ClickException):
    """Ends the command with exit status 1 and a sentence, which stands alone on standard error."""

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, file=file, err=True)


class WordsOff(Failed):
    """The command's own words name something that does not exist."""

    exit_code = 2


def known(error: Exception) -> Failed | None:
    """How the command ends for this error; None for one that nobody foresaw, which is a mistake of ours."""
    if isinstance(error, Failed):
        return error
    # Imported only now: most commands end well, and these modules are not all free.
    from worker.operation import NotConnected
    from worker.platforms import UnknownOperation
    from worker.processes.child import CannotStart
    from worker.settings import SettingsError

    if isinstance(error, UnknownOperation):
        return WordsOff(str(error))
    if isinstance(error, (CannotStart, NotConnected, SettingsError)):
        return Failed(str(error))
    return _of_data(error) or _of_ledger(error) or _of_system(error)


def _of_data(error: Exception) -> Failed | None:
    from worker.ledger.decisions import HalfTaken, JobEnded, NewsletterStays
    from worker.newsletters.document import WrongDocument
    from worker.newsletters.moves import CanNot
    from worker.orders.replayable import NothingToReplay
    from worker.runner.results import Refused
    from worker.runner.walk import Stopped
    from worker.sources.read_back import SourceChanged
    from worker.sources.refused import SourceAway, SourceRefused

    if isinstance(error, Refused):
        return Failed(" ".join(error.reasons))
    ours = (
        CanNot,
        HalfTaken,
        JobEnded,
        NewsletterStays,
        NothingToReplay,
        SourceAway,
        SourceChanged,
        SourceRefused,
        Stopped,
        WrongDocument,
    )
    return Failed(str(error)) if isinstance(error, ours) else None


def _of_ledger(error: Exception) -> Failed | None:
    from worker.ledger.migrate import OldSchema
    from worker.ledger.postgresql import BadAddress
    from worker.ledger.sqlite import NetworkFileSystem
    from worker.ledger.types import LedgerError
    from worker.pace import ClockOff

    if isinstance(error, (BadAddress, ClockOff, NetworkFileSystem, OldSchema)):
        return Failed(str(error))
    if not isinstance(error, LedgerError):
        return None
    # The driver's own words: those around them would show the statement and what it carries.
    said = str(getattr(error, "orig", error)).strip().partition("\n")[0].rstrip(".")
    return Failed(f"The ledger can't be used: {said}. DATABASE_URL says where it is.")


def _of_system(error: Exception) -> Failed | None:
    if not isinstance(error, OSError):
        return None
    if error.errno in NO_ROOM:  # a write that fails does not know its file's name
        return Failed(f"{error.strerror}: make room, then give the command again.")
    if error.filename is None:
        return None
    advice = " Give this user the right to it, or go to another folder." if error.errno in NO_RIGHT else ""
    return Failed(f"{error.filename}: {error.strerror}.{advice}")
