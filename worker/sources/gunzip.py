"""Unpacks gzip as it comes, in bounded memory, and refuses what is damaged or made to fill the disk."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from worker.sources.form import GZIP
from worker.sources.refused import SourceRefused

AT_ONCE = 1 << 18
GZIP_WINDOW = 31  # zlib's word for gzip with its header and its checksum
# Exports shrink to a fifth or a twentieth; zeros to a thousandth. What is small does no harm either way.
MOST_RATIO = 200
ALWAYS_FINE = 64 << 20


def unpacked(path: str, packed: Iterator[bytes]) -> Iterator[bytes]:
    """The text of one gzip member after the other. Raises `SourceRefused`."""
    taken = given = 0
    member = zlib.decompressobj(GZIP_WINDOW)
    for block in packed:
        taken += len(block)
        while block := _in_member(path, member, block):
            member = zlib.decompressobj(GZIP_WINDOW) if member.eof else member
            for text in _texts(path, member, block):
                given += len(text)
                _check_ratio(path, taken, given)
                yield text
            block = member.unused_data
    if not member.eof:
        raise SourceRefused(f"{path} is cut off: its gzip has no end. Copy it again, whole.")


def _check_ratio(path: str, taken: int, given: int) -> None:
    if given > max(ALWAYS_FINE, taken * MOST_RATIO):
        raise SourceRefused(
            f"{path} grows to more than {MOST_RATIO} times its size when it is unpacked: no export does. "
            "Unpack it yourself if it is right."
        )


def _texts(path: str, member: zlib._Decompress, block: bytes) -> Iterator[bytes]:
    try:
        while block and not member.eof:
            if text := member.decompress(block, AT_ONCE):
                yield text
            block = member.unconsumed_tail
    except zlib.error:
        raise SourceRefused(f"{path} is damaged: its gzip can't be unpacked. Copy or pack it again.") from None


def _in_member(path: str, member: zlib._Decompress, block: bytes) -> bytes:
    """Behind a member comes another, or zeros that fill a tape's block, or what was never packed."""
    rest = block.lstrip(b"\0") if member.eof else block
    if member.eof and rest and not GZIP.startswith(rest[:2]):
        raise SourceRefused(f"{path} goes on after the end of its gzip with something else: pack it again.")
    return rest
