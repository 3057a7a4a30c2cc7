"""When a newsletter is told to the platform, when it is delivered, and from when on nothing of it leaves any more."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from worker.newsletters.document import Document, WrongDocument


@dataclass(frozen=True)
class Times:
    """`sends` and `expires` in seconds since 1970; without `deliver` it goes when it is approved."""

    sends: float
    expires: float | None
    deliver: dt.datetime | None = None


def times(document: Document, now: dt.datetime, seconds: float, at_platform: bool) -> Times:
    """`seconds` is how long its requests take; `at_platform`: the platform itself waits for the moment of delivery, so
    it is told `lead` before. Raises `WrongDocument` for a moment that can't be kept."""
    if document.deliver_at is None:
        return Times(now.timestamp(), None)
    deliver = _moment(document, now)
    if not at_platform:
        if deliver < now:
            raise WrongDocument(_passed(document))
        return Times(deliver.timestamp(), (deliver + dt.timedelta(minutes=document.expires_after)).timestamp(), deliver)
    told = deliver - dt.timedelta(minutes=document.lead, seconds=seconds)
    if deliver - dt.timedelta(minutes=document.lead) < now:
        raise WrongDocument(_too_soon(document) if deliver > now else _passed(document))
    return Times(max(told, now).timestamp(), deliver.timestamp(), deliver)


def _moment(document: Document, now: dt.datetime) -> dt.datetime:
    """The moment itself, or the next time that clocks show this hour."""
    when = document.deliver_at
    if isinstance(when, dt.datetime):
        return when if when.tzinfo else when.replace(tzinfo=document.zone)
    assert isinstance(when, dt.time)  # noqa: S101 - looked at by whoever asks
    zone = when.tzinfo or document.zone
    today = dt.datetime.combine(now.astimezone(zone).date(), when.replace(tzinfo=None), zone)
    soonest = now + dt.timedelta(minutes=document.lead)
    return today if today >= soonest else today + dt.timedelta(days=1)


def _passed(document: Document) -> str:
    return f"{document.name}: deliver_at has passed. Give a later one, or leave it out to send when it is approved."


def _too_soon(document: Document) -> str:
    return (
        f"{document.name}: deliver_at is less than {document.lead} minutes ahead, and the platform is told that long "
        "before. Give a later one, or a shorter lead."
    )
