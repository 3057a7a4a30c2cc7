"""Files of people's data that a command makes: whole, or not there, and for their owner alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from typing import IO


@contextmanager
def beside(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path` when all of it is on disk, and is gone if anything went wrong. It holds
    people's data, so nobody else may read it. What is there and no file, a device or a pipe, is written into."""
    if path.exists() and not path.is_file():
        with path.open("wb") as target:
            yield target
        return
    handle, part = mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with open(handle, "wb") as target:  # noqa: PTH123 - a handle, not a path
            yield target
            target.flush()
            os.fsync(handle)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
