"""Everything that is wrong with a newsletter, gathered: nobody has to mend one thing to learn of the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from worker.newsletters.document import WrongDocument, named
from worker.newsletters.stored import NotYet
from worker.operation import NotConnected
from worker.platforms import UnknownOperation
from worker.runner.results import Refused
from worker.sources.read_back import SourceChanged
from worker.sources.refused import SourceAway, SourceRefused

T = TypeVar("T")
FORESEEN = (NotConnected, SourceAway, SourceChanged, SourceRefused, UnknownOperation, WrongDocument)


class Mistakes(list[str]):
    """A sentence each."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        super().__init__(known)
        self._passing = 0

    def of(self, work: Callable[[], T]) -> T | None:
        """What came of it; None where it is a mistake, which is noted."""
        try:
            return work()
        except Refused as error:
            self.extend(error.reasons)
        except FORESEEN as error:
            self.extend(str(error).splitlines())
            self._passing += isinstance(error, NotYet)
        return None

    def told(self, name: str) -> WrongDocument:
        """All of them; `NotYet` where time alone mends them."""
        return (NotYet if len(self) == self._passing else WrongDocument)(named(name, self))
