"""Opens a file that a job names: only regular files under the folders of INBOX, and never so that it could block."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from worker.settings import VAR

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a FIFO without a writer would hold the process for ever.
FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW | os.O_CLOEXEC
BLOCK = 1 << 18
UTF8_BOM = b"\xef\xbb\xbf"
NOT_LINES = {
    b"\x1f\x8b": "is packed with gzip: unpack it first",
    b"PK\x03\x04": "is a zip archive: unpack it first",
    b"\xff\xfe": "is written in UTF-16 or UTF-32: write it in UTF-8 first",
    b"\xfe\xff": "is written in UTF-16: write it in UTF-8 first",
}


class SourceRefused(Exception):
    """A source that can't be taken; the sentence says what is wrong and what to do. Nothing was sent."""


@dataclass(frozen=True)
class Source:
    """An open file. `start` is where its rows begin (after a byte order mark); `stamp` changes when the file does."""

    path: str
    size: int
    stamp: str
    start: int
    stream: BinaryIO = field(repr=False)

    def __enter__(self) -> Source:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.stream.close()

    def check_unchanged(self) -> None:
        """Raise `SourceRefused` when the file is no longer the one that was opened."""
        if stamp_of(os.fstat(self.stream.fileno())) != self.stamp:
            raise SourceRefused(
                f"{self.path} was changed while it was being read: nothing further is sent. "
                "Write it elsewhere, move it into place when it is whole, and import it again."
            )


def stamp_of(found: os.stat_result) -> str:
    return f"{found.st_size}:{found.st_mtime_ns}:{found.st_ino}"


def open_source(name: str, inbox: Sequence[Path]) -> Source:
    """Open `name` (relative to the first folder of `inbox`, or absolute) for reading.

    Raises `SourceRefused` for whatever is no readable, non-empty regular file inside one of the folders,
    for dot-files, for the worker's own data, and for what its first bytes show to be no lines of UTF-8.
    """
    _check_name(name)
    real = Path(os.path.realpath(inbox[0] / name))
    root = _root_of(real, name, inbox)
    _check_hidden(real.relative_to(root), real, name)
    try:
        handle = _open_below(root, real.relative_to(root))
    except OSError as error:
        raise SourceRefused(_why_not(error, name, inbox)) from error
    try:
        return _opened(handle, name, str(real))
    except BaseException:
        os.close(handle)
        raise


def _check_name(name: str) -> None:
    if not name.strip():
        raise SourceRefused("The source has no name: give the path of a file in a folder of INBOX.")
    if any(letter < " " or letter == "\x7f" or "\ud800" <= letter <= "\udfff" for letter in name):
        raise SourceRefused(
            f"The source {name!a} has a line break or another control character in its name: rename it."
        )
    if "://" in name:
        raise SourceRefused(f"{name} is an address: only files are read. Copy it into a folder of INBOX first.")


def _root_of(real: Path, name: str, inbox: Sequence[Path]) -> Path:
    for folder in map(Path.resolve, inbox):
        if real.is_relative_to(folder):
            return folder
    raise SourceRefused(
        f"{name} lies outside INBOX ({', '.join(map(str, inbox))}): "
        "put the file into one of these folders, or add its folder to INBOX."
    )


def _check_hidden(below: Path, real: Path, name: str) -> None:
    if any(part.startswith(".") for part in below.parts):
        raise SourceRefused(f"{name} is a dot-file or lies in a dot-folder, which are never read: rename or move it.")
    if real.is_relative_to(VAR.resolve()):
        raise SourceRefused(f"{name} lies in {VAR}/, the worker's own data, which is never read: move it elsewhere.")


def _open_below(root: Path, below: Path) -> int:
    """Open step by step, so that a folder exchanged for a link after the check leads nowhere."""
    folder = os.open(root, FOLDER)
    try:
        for part in below.parts[:-1]:
            inner = os.open(part, FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(below.name or ".", FILE, dir_fd=folder)
    finally:
        os.close(folder)


def _opened(handle: int, name: str, path: str) -> Source:
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe, socket or device"
        raise SourceRefused(f"{name} is {kind}, not a file: name a regular file.")
    start = _start(os.pread(handle, 4, 0), name)
    if found.st_size == start:
        raise SourceRefused(f"{name} is empty: there is nothing to send.")
    os.set_blocking(handle, True)
    return Source(path, found.st_size, stamp_of(found), start, os.fdopen(handle, "rb", buffering=BLOCK))


def _start(head: bytes, name: str) -> int:
    for magic, sentence in NOT_LINES.items():
        if head.startswith(magic):
            raise SourceRefused(f"{name} {sentence}.")
    return len(UTF8_BOM) if head.startswith(UTF8_BOM) else 0


def _why_not(error: OSError, name: str, inbox: Sequence[Path]) -> str:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return (
            f"{name} does not exist: check the name. Relative names are looked up in INBOX, first folder, {inbox[0]}."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{name} may not be read by the worker's user: give that user the right to read it."
    if error.errno in (errno.ENXIO, errno.ENODEV):
        return f"{name} is a pipe, socket or device, not a file: name a regular file."
    return f"{name} can't be opened ({os.strerror(error.errno or 0)}): put a readable file there."
