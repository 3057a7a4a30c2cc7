"""What the processes of one machine say, line by line on standard error, each with its name in front."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import IO

import click

PIECE = 1 << 16  # read at once; a longer line is shown in pieces


def say(sentence: str) -> None:
    """A sentence of the supervisor's own."""
    _show(f"omniworker | {sentence}\n".encode())


class Said:
    """The output of one child."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        os.set_blocking(file.fileno(), False)
        self.file = file
        self._prefix = f"{name} | ".encode()
        self._rest = b""

    def pass_on(self) -> bool:
        """Shows what came; False when nothing came, which after a wait for it means that nothing will."""
        piece = self._read()
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if self._rest and (not piece or len(self._rest) > PIECE):
            lines, self._rest = [*lines, self._rest], b""
        _show(b"".join(self._prefix + line + b"\n" for line in lines))
        return bool(piece)

    def close(self) -> None:
        """Shows what is left and closes the file."""
        while self.pass_on():
            pass
        self.file.close()

    def _read(self) -> bytes:
        with suppress(BlockingIOError):
            return os.read(self.file.fileno(), PIECE)
        return b""


def _show(text: bytes) -> None:
    with suppress(OSError):  # nobody reads it any more: no reason to stop delivering
        click.echo(text, nl=False, err=True)
