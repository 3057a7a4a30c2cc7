"""Text of any encoding as UTF-8, as it comes. What is no text in it becomes a byte that is none in UTF-8 either, so
that its row is refused and no other."""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Iterator

NO_LETTER = "\udcff"  # what `surrogateescape` writes as the byte 0xFF


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - only used for decoding
    return NO_LETTER, error.end


codecs.register_error("omniworker.mark", _mark)


def decoded(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The blocks in UTF-8, without a byte order mark of UTF-16 or UTF-32."""
    if encoding == "utf-8":
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(encoding)("omniworker.mark")
    for block in itertools.chain(blocks, [b""]):
        if text := decoder.decode(block, not block):
            yield text.encode("utf-8", "surrogateescape")
