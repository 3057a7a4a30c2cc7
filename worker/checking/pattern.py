"""What a row of CSV looks like that every reader takes apart alike, as a pattern that runs over a whole piece at once.

A pattern a row costs more than everything else that is done to a row; one for thousands of rows costs next to nothing
(docs/decisions/0045). Groups are repeated in atomic groups alone: `(?:…)*+` says something else in Python 3.11.2, which
takes b"a.@" for `a(?:\\.[a-z]++)*+@`.
"""

from __future__ import annotations

import functools
import re

END = rb"\r?+\n"
WRITTEN_OUT = 50


def repeated(pattern: bytes, times: bytes = b"*") -> bytes:
    """As often as it goes, and never less often."""
    return b"(?>(?:%b)%b)" % (pattern, times)


def times(pattern: bytes, n: int) -> bytes:
    """So often, one after the other: written out, which is matched fastest, as long as that is soon compiled. Thousands
    of columns would need minutes."""
    return pattern * n if n <= WRITTEN_OUT else repeated(pattern, b"{%d}" % n)


def but(letters: bytes) -> bytes:
    """Every byte but these; a set of what is in it is looked up in fewer steps than one of what is not."""
    return b"[%b]" % b"".join(b"\\x%02x" % byte for byte in range(256) if byte not in letters)


def quoted(inside: bytes) -> bytes:
    """Quotes around such letters, and around quotes that are doubled."""
    return b'"%b*+%b"' % (inside, repeated(b'""%b*+' % inside))


QUOTED, QUOTED_IN_A_LINE = quoted(b'[^"]'), quoted(b'[^"\n]')


def cell(delimiter: bytes, in_quotes: bytes = QUOTED_IN_A_LINE) -> bytes:
    """A cell that is quoted as a whole, or holds no mark of CSV."""
    return b"(?:%b|%b*+)" % (in_quotes, but(delimiter + b'"\r\n'))


@functools.lru_cache(maxsize=64)
def rows_with(delimiter: str, width: int, at: int, wanted: bytes) -> re.Pattern[bytes]:
    """Rows of so many cells, of which the one at a place is as wanted, be it in quotes. Lines end with LF."""
    mark, one = re.escape(delimiter.encode()), cell(delimiter.encode())
    this = b'(?:%b|"%b")' % (wanted, wanted)
    return re.compile(repeated(times(one + mark, at) + this + times(mark + one, width - 1 - at) + b"\n"))


@functools.lru_cache(maxsize=64)
def lines_with(delimiter: str, at: int, is_last: bool, wanted: bytes) -> re.Pattern[bytes]:
    """The same where lines are known to hold no quotes and as many cells as they should, and where `wanted` takes no
    delimiter."""
    mark = re.escape(delimiter.encode())
    rest = b"" if is_last else mark + b"[^\n]*+"
    return re.compile(repeated(times(b"[^%b]*+%b" % (mark, mark), at) + wanted + rest + b"\n"))


@functools.lru_cache(maxsize=64)
def table(delimiter: str, width: int) -> re.Pattern[bytes]:
    """Rows of so many cells, each in a line of its own. Lines end with LF."""
    mark, one = re.escape(delimiter.encode()), cell(delimiter.encode())
    return re.compile(repeated(one + times(mark + one, width - 1) + b"\n"))


@functools.lru_cache(maxsize=64)
def run_of_records(delimiter: str, most: int) -> re.Pattern[bytes]:
    """Up to so many records, none of them an empty line. They end where a line does outside of quotes."""
    mark, one = re.escape(delimiter.encode()), cell(delimiter.encode(), QUOTED)
    record = b"(?!%b)%b" % (END, one) + repeated(mark + one) + END
    return re.compile(repeated(record, b"{1,%d}" % most))


@functools.lru_cache(maxsize=64)
def run_of_lines(most: int) -> re.Pattern[bytes]:
    """The same where neither quotes nor carriage returns are."""
    return re.compile(repeated(b"[^\n]++\n", b"{1,%d}" % most))
