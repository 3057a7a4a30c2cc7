"""Opens what a job names, so that its rows can be cut and read back by offset.

A file on this machine in plain UTF-8, as lines of JSON or CSV, is read where it lies. Anything else (gzip, another
encoding, a JSON document, an object in a bucket) is copied first, once, into a sealed copy that is all of that; it is
named after the job, so every process finds it again, and what happens to the original no longer matters.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from worker.settings import Settings
from worker.sources.form import Form
from worker.sources.inbox import file_source
from worker.sources.original import Named, Original, in_place
from worker.sources.refused import SourceRefused
from worker.sources.source import Source
from worker.sources.storage import storage, write_down
from worker.sources.wanted import wanted

COPIES = (Form("ndjson", "utf-8"), Form("csv", "utf-8"))
ASK_EVERY = 5.0


class Interrupted(Exception):
    """Whoever copies was told to stop: nothing is wrong, and nothing was kept."""


def open_rows(named: Named, told: Settings) -> Source:
    """The rows of a job that was planned. Raises `SourceRefused` when they are not where they were."""
    if copy := _copy(named, told):
        return copy
    original = Original(named, told)
    if original.in_place:
        return original.rows()
    original.close()
    raise SourceRefused(
        f"The sealed copy of {named.name} is not in STORAGE_URL ({told.storage_url}): put it back there. "
        "All workers need the same STORAGE_URL."
    )


def open_to_plan(named: Named, told: Settings, going: Callable[[], bool]) -> Source:
    """The same for who plans: the copy is made if it is needed. `going` is asked now and then whether to go on.

    Raises `SourceRefused` with the sentence that says what is wrong and what to do, and `Interrupted`.
    """
    if copy := _copy(named, told):
        return copy
    original = Original(named, told)
    if original.in_place:
        return original.rows()
    with original:
        name = f"{named.copy}.{original.sealed.format}"
        storage(told.storage_url).write(name, _while(going, original.text()))
    copy = _copy(named, told)
    assert copy is not None  # noqa: S101 - it was written just now
    return copy


def open_to_look(named: Named, told: Settings) -> Source:
    """The same for who only looks: a copy that is needed is gone when it is closed."""
    original = Original(named, told)
    if original.in_place:
        return original.rows()
    with original, tempfile.TemporaryFile() as file:
        handle = file.fileno()
        write_down(os.dup(handle), Path(tempfile.gettempdir()), original.text())
        return in_place(file_source(os.dup(handle), original.path), original.sealed, original.asked, named.rows)


def check_begin(named: Named, told: Settings) -> list[str]:
    """What is doubtful in the first bytes. Raises `SourceRefused` for what is wrong with the name, the options or
    them."""
    with Original(named, told) as original:
        return original.check()


def header_of(named: Named, told: Settings) -> tuple[str, ...]:
    """What a file of CSV calls its columns. Raises `SourceRefused`."""
    with Original(named, told) as original:
        return original.sheet().theirs


def remove_copies(told: Settings, job_id: str) -> None:
    """No copy of this job's file is left, nor what was left of making one."""
    for form in COPIES:
        storage(told.storage_url).remove(f"{job_id}.{form.format}")


def _copy(named: Named, told: Settings) -> Source | None:
    for form in COPIES:
        if found := storage(told.storage_url).find(f"{named.copy}.{form.format}"):
            return in_place(found, form, wanted(named.options), named.rows)
    return None


def _while(going: Callable[[], bool], blocks: Iterator[bytes]) -> Iterator[bytes]:
    asked = time.monotonic()
    for block in blocks:
        yield block
        if time.monotonic() - asked > ASK_EVERY:
            asked = time.monotonic()
            if not going():
                raise Interrupted
