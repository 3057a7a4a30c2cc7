"""What an application finds in the Celery result of a call that was not accepted."""

from __future__ import annotations

from collections.abc import Iterable

from worker.outcome import Refusal


class Refused(Exception):
    """`Refused(code, reasons, job)`: it was not done and never will be, as it stands."""

    def __init__(self, code: str, reasons: list[str], job: str | None = None) -> None:
        super().__init__(code, reasons, job)
        self.code = code
        self.reasons = reasons
        self.job = job

    @classmethod
    def of(cls, refusals: Iterable[Refusal], job: str | None) -> Refused:
        named = list(refusals)
        return cls(named[0].code, [" ".join(filter(None, (r.reason, r.advice))) for r in named], job)


class Unsure(Exception):
    """`Unsure(why, job)`: it may or may not have been done; a person decides, `omniworker jobs decide`."""

    def __init__(self, why: str, job: str | None = None) -> None:
        super().__init__(why, job)
        self.why = why
        self.job = job
