"""Opens a file that a job names: only regular files under the folders of INBOX, and never so that it could block."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from worker.settings import VAR
from worker.sources.refused import SourceRefused
from worker.sources.source import Source

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: a FIFO without a writer would hold the process for ever.
FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_NOFOLLOW | os.O_CLOEXEC
BLOCK = 1 << 18


def stamp_of(found: os.stat_result) -> str:
    return f"{found.st_size}:{found.st_mtime_ns}:{found.st_ino}"


def open_source(name: str, inbox: Sequence[Path]) -> Source:
    """Open `name` (relative to the first folder of `inbox`, or absolute) for reading, whatever it holds.

    Raises `SourceRefused` for whatever is no readable, non-empty regular file inside one of the folders,
    for dot-files, and for the worker's own data.
    """
    _check_name(name)
    if not inbox:
        raise SourceRefused(f"{name} lies outside INBOX, which names no folder at all: add its folder to INBOX.")
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
    if not found.st_size:
        raise SourceRefused(f"{name} is empty: there is nothing to send.")
    os.set_blocking(handle, True)
    return file_source(handle, path)


def file_source(handle: int, path: str) -> Source:
    """The open file `handle` as it is, whatever it holds."""
    found = os.fstat(handle)
    return Source(
        path,
        found.st_size,
        stamp_of(found),
        os.fdopen(handle, "rb", buffering=BLOCK),
        partial(_read, handle),
        lambda: stamp_of(os.fstat(handle)),
    )


def _read(handle: int, offset: int, length: int) -> bytes:
    """One system call may return less than was asked for, without being at the end."""
    parts = []
    while length and (part := os.pread(handle, length, offset)):
        parts.append(part)
        offset += len(part)
        length -= len(part)
    return b"".join(parts)


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
