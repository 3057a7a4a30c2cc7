"""When a newsletter is told to the platform, when it is delivered, and from when on nothing of it leaves any more."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from worker.newsletters.document import Document, WrongDocument
from worker.newsletters.window import Window

DAY = dt.timedelta(days=1)
LEAST_LEAD = dt.timedelta(seconds=30)  # somebody has to come by, and the budget may be used


@dataclass(frozen=True)
class Times:
    """`sends` and `expires` in seconds since 1970; without `deliver` it goes when it is approved. `said` is what may
    surprise whoever reads it."""

    sends: float
    expires: float | None
    deliver: dt.datetime | None = None
    said: str | None = None


def times(document: Document, now: dt.datetime, seconds: float, at_platform: bool) -> Times:
    """`seconds` is how long its requests take; `at_platform`: the platform itself waits for the moment of delivery, so
    it is told `lead` before, half a minute at least where there is as much. Raises `WrongDocument` for a moment that
    can't be kept."""
    lead = dt.timedelta(minutes=document.lead if at_platform else 0)
    deliver, said = _deliver(document, now, lead)
    if deliver is None:
        end = document.open.end(now) if document.open else None
        return Times(now.timestamp(), end.timestamp() if end else None, None, said)
    deliver = deliver.astimezone(dt.UTC)  # differences within a zone are those of its clocks, not of time
    if deliver - lead < now:
        raise WrongDocument(_too_soon(document) if deliver > now else _passed())
    if at_platform:
        told = deliver - max(lead, LEAST_LEAD) - dt.timedelta(seconds=seconds)
        return Times(max(told, now).timestamp(), deliver.timestamp(), deliver, said)
    expires = _expires(document, deliver)
    if deliver + dt.timedelta(seconds=seconds) > expires:
        raise WrongDocument(_too_many(seconds, (expires - deliver).total_seconds()))
    return Times(deliver.timestamp(), expires.timestamp(), deliver, said)


def _deliver(document: Document, now: dt.datetime, lead: dt.timedelta) -> tuple[dt.datetime | None, str | None]:
    """The moment, None for at once, and what has to be said of it."""
    when, open_ = document.deliver_at, document.open
    if when is None:
        return (None, None) if open_ is None or open_.holds(now) else (open_.opens(now + lead), _outside(open_))
    deliver, said = _named(when, document) if isinstance(when, dt.datetime) else _next(when, document, now, lead)
    if open_ is not None and not open_.holds(deliver):
        raise WrongDocument(f"deliver_at lies outside its window, {open_}: give another of the two.")
    return deliver, said


def _named(when: dt.datetime, document: Document) -> tuple[dt.datetime, str | None]:
    if when.tzinfo is not None:
        return when, None
    moment = when.replace(tzinfo=document.zone)
    if not _is_shown(moment):
        raise WrongDocument(
            f"deliver_at: clocks in {document.time_zone} go forward then, and never show {when:%H:%M on %Y-%m-%d}. "
            "Give another time."
        )
    return moment, _twice(moment, document)


def _next(when: dt.time, document: Document, now: dt.datetime, lead: dt.timedelta) -> tuple[dt.datetime, str | None]:
    """The next time that clocks show this hour, and leave room to tell the platform."""
    zone = when.tzinfo or document.zone
    today = dt.datetime.combine(now.astimezone(zone).date(), when.replace(tzinfo=None), zone)
    deliver = today if today >= now + lead else today + DAY
    if not _is_shown(deliver):
        shown = deliver.astimezone(dt.UTC).astimezone(zone)
        return shown, f"clocks in {document.time_zone} go forward then: {when:%H:%M} is {shown:%H:%M}"
    late = f"today's {when:%H:%M} is less than {document.lead} minutes ahead: it is tomorrow's"
    return deliver, late if now < today < now + lead else _twice(deliver, document)


def _is_shown(moment: dt.datetime) -> bool:
    """Whether clocks show it at all."""
    return moment.astimezone(dt.UTC).astimezone(moment.tzinfo).replace(tzinfo=None) == moment.replace(tzinfo=None)


def _twice(moment: dt.datetime, document: Document) -> str | None:
    if moment.utcoffset() == moment.replace(fold=1).utcoffset():
        return None
    return f"clocks in {document.time_zone} show {moment:%H:%M} twice then: the first is meant"


def _expires(document: Document, deliver: dt.datetime) -> dt.datetime:
    after = deliver.astimezone(dt.UTC) + dt.timedelta(minutes=document.expires_after)
    return min(after, document.open.end(deliver)) if document.open else after


def _outside(open_: Window) -> str:
    return f"now is outside its window, {open_}: it goes when that opens"


def _passed() -> str:
    return "deliver_at has passed. Give a later one, or leave it out to send when it is approved."


def _too_soon(document: Document) -> str:
    return (
        f"deliver_at is less than {document.lead} minutes ahead, and the platform is told that long before. Give a "
        "later one, or a shorter lead."
    )


def _too_many(seconds: float, left: float) -> str:
    return (
        f"Its requests take {seconds / 60:,.0f} minutes at the account's pace, and nothing of it leaves after "
        f"{left / 60:,.0f}: write to fewer people, or raise expires_after or the window."
    )
