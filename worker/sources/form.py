"""What a file is: its format and encoding, by what the job says, by its first bytes, and by its name."""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from pathlib import PurePosixPath

from worker.facts.rows import Rows
from worker.sources.refused import SourceRefused
from worker.sources.wanted import OF_CSV, OptionWrong, Wanted

HEAD = 1 << 16
GZIP = b"\x1f\x8b"
# Longest first: UTF-32's mark begins with UTF-16's.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
NO_TEXT = {
    b"PK\x03\x04": "is a zip archive, which Excel's workbooks are too: unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "is a workbook of Excel: save the sheet as CSV",
    b"BZh": "is packed with bzip2: unpack it first, or pack it with gzip",
    b"\xfd7zXZ": "is packed with xz: unpack it first, or pack it with gzip",
    b"\x28\xb5\x2f\xfd": "is packed with zstd: unpack it first, or pack it with gzip",
    GZIP: "is packed with gzip twice: unpack it once",
}
FORMATS = {".csv": "csv", ".tsv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}
GUESSED = 1 << 15


@dataclass(frozen=True)
class Form:
    """`format` is ndjson, csv or json; `encoding` Python's name."""

    format: str
    encoding: str


def form_of(path: str, head: bytes, wanted: Wanted, rows: Rows) -> Form:
    """The form of a file that begins with `head`, unpacked. Raises `SourceRefused` for what holds no text."""
    for magic, sentence in NO_TEXT.items():
        if head.startswith(magic):
            raise SourceRefused(f"{path} {sentence}.")
    encoding = _encoding(path, head, wanted)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head).removeprefix("\ufeff")
    if not text.strip():
        raise SourceRefused(f"{path} is empty, or begins with {HEAD >> 10} KB of nothing: there is nothing to send.")
    form = Form(wanted.format or _by_name(path) or _by_content(text, rows), encoding)
    if form.format != "csv":
        _check_options(path, form, wanted)
    return form


def _encoding(path: str, head: bytes, wanted: Wanted) -> str:
    marked = next((name for mark, name in MARKS.items() if head.startswith(mark)), None)
    if marked and wanted.encoding and not wanted.encoding.startswith(marked):
        raise OptionWrong(
            "encoding", f"{path} begins with the mark of {marked}, but --encoding says {wanted.encoding}."
        )
    if not marked and wanted.encoding in ("utf-16", "utf-32"):
        raise SourceRefused(
            f"{path} does not begin with the mark of {wanted.encoding}: say --encoding {wanted.encoding}-le, or -be, "
            "whose letters have their small byte first, or last; or the encoding that it is in."
        )
    if marked or wanted.encoding:
        return marked or str(wanted.encoding)
    for start, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(head) > 1 and not head[start::2].strip(b"\0") and head[1 - start :: 2].strip(b"\0"):
            raise SourceRefused(f"{path} looks like UTF-16 without its mark: say --encoding {name} if it is.")
    _check_utf8(path, head)
    return "utf-8"


def _check_utf8(path: str, head: bytes) -> None:
    """One row that is no UTF-8 is that row's fault; where no row with a letter beyond ASCII is, the file's."""
    lines = [line for line in head.splitlines()[: -1 if len(head) == HEAD else None] if not line.isascii()]
    wrong = [line for line in lines if not _is_utf8(line)]
    if len(wrong) > 1 and len(wrong) == len(lines):
        line = next(n for n, one in enumerate(head.splitlines(), 1) if not _is_utf8(one))
        raise SourceRefused(
            f"{path} is not in UTF-8: line {line} is the first that is not. {_guess(head[:GUESSED])}"
            "Say --encoding (the option encoding); nothing is guessed."
        )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _guess(sample: bytes) -> str:
    from charset_normalizer import from_bytes  # only files that are refused pay for it

    best = from_bytes(sample).best()
    return f"It may be {best.encoding}. " if best else ""


def _by_name(path: str) -> str | None:
    return FORMATS.get(PurePosixPath(path.lower().removesuffix(".gz")).suffix)


def _by_content(text: str, rows: Rows) -> str:
    begun = text.lstrip()
    if begun.startswith("["):
        return "json"
    if not begun.startswith("{"):
        return "csv" if rows.cells else "ndjson"
    line = begun.partition("\n")[0]
    try:
        first = json.loads(line)
    except (ValueError, RecursionError):
        # Cut off, or one object on many lines: a document, unless its line goes on beyond what was looked at.
        return "json" if len(begun) > len(line) or f'"{rows.key}"' in line[:GUESSED] else "ndjson"
    return "json" if rows.key in first else "ndjson"


def _check_options(path: str, form: Form, wanted: Wanted) -> None:
    told = [name for name in OF_CSV if getattr(wanted, name)]
    if told:
        raise OptionWrong(
            told[0], f"{path} is {form.format}, and {' and '.join(told)} {'are' if told[1:] else 'is'} for CSV alone."
        )
