"""Where sealed copies lie: files of UTF-8, private, written once, whole or not there at all.

STORAGE_URL is a folder, or s3://bucket/prefix.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from worker.processes.folder import make
from worker.sources.inbox import file_source
from worker.sources.refused import SourceRefused
from worker.sources.source import Source

# The ledger may lie on the same disk, and has to go on.
ROOM_LEFT = 100 << 20
LOOK_EVERY = 16 << 20


class Storage(Protocol):
    """A place for copies."""

    def find(self, name: str) -> Source | None:
        """The copy of this name, if it is there."""

    def write(self, name: str, blocks: Iterator[bytes]) -> None:
        """Store a copy. When it fails, or the process is killed, there is none."""

    def remove(self, name: str) -> None:
        """The copy of this name is gone, and what was left of an attempt to make it."""

    def check(self) -> str:
        """A sentence about the place, where a copy could be stored now; it is left as it is. Raises `SourceRefused`."""


def storage(url: str) -> Storage:
    if url.startswith("s3://"):
        from worker.sources.remote import Bucket  # only those who use it pay for it

        return Bucket(url)
    return Folder(Path(url))


class Folder:
    """A folder for its owner alone."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def find(self, name: str) -> Source | None:
        place = self._path / name
        try:
            return file_source(os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), str(place))
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        self._remove_drafts(name)
        (self._path / name).unlink(missing_ok=True)

    def check(self) -> str:
        try:
            place = next(one for one in (self._path, *self._path.absolute().parents) if one.exists())
            _try_out(self._path) if place is self._path else _check_may_make(place)
        except OSError as error:
            raise SourceRefused(
                f"Nothing can be stored in {self._path} ({error.strerror}): let STORAGE_URL name a folder that can "
                "be written to."
            ) from None
        _check_room(place)
        room = f"{shutil.disk_usage(place).free / 1e9:,.1f} GB of room"
        if place is self._path:
            return f"{self._path} can be written to, and has {room}."
        return f"{self._path} is made when a copy is needed; there is {room} for it."

    def _remove_drafts(self, name: str) -> None:
        """Left by a killed process, or by one that is no longer wanted."""
        for left in self._path.glob(f"{name}.*.draft"):
            left.unlink(missing_ok=True)

    def write(self, name: str, blocks: Iterator[bytes]) -> None:
        make(self._path)
        self._remove_drafts(name)
        draft = self._path / f"{name}.{os.urandom(4).hex()}.draft"
        try:
            write_down(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), self._path, blocks)
            draft.replace(self._path / name)
            _sync(self._path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def _try_out(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"room for this")


def _check_may_make(above: Path) -> None:
    """Whoever only looks makes no folder."""
    if not above.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if not os.access(above, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def write_down(handle: int, folder: Path, blocks: Iterator[bytes]) -> None:
    """Write the blocks to `handle`, to the disk itself, and close it. Raises `SourceRefused` where room runs out."""
    written = looked = 0
    try:
        with os.fdopen(handle, "wb") as file:
            for block in blocks:
                written += file.write(block)
                if not looked or written - looked >= LOOK_EVERY:
                    looked = max(written, 1)
                    _check_room(folder)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _no_room(folder) from None


def _check_room(folder: Path) -> None:
    if shutil.disk_usage(folder).free < ROOM_LEFT:
        raise _no_room(folder)


def _no_room(folder: Path) -> SourceRefused:
    return SourceRefused(
        f"There is no room for a copy of the file in {folder}: make room there, or let STORAGE_URL name another place, "
        "and import it again. Nothing was sent."
    )


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
