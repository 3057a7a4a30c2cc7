"""Nights of a nightly sync: what is done with the file of each, and how it is seen what became of it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROWS = 200
LATE, GROWS = 15.0, 15.0  # seconds after it was due
STEP = 2.0
TOO_LONG = 55.0


@dataclass(frozen=True)
class File:
    """The file of one night. `of` says which rows: the same word, the same rows."""

    path: Path
    of: str

    def lines(self, rows: int = ROWS) -> str:
        return "".join(f"{json.dumps(event)}\n" for event in events(self.of, rows))

    def whole(self, rows: int = ROWS) -> None:
        """Put in place in one move, as it should be."""
        written = self.path.with_suffix(".part")
        written.write_text(self.lines(rows))
        written.rename(self.path)


def events(of: str, rows: int = ROWS) -> list[dict[str, Any]]:
    row = {"date": "2026-11-13 10:00:00Z", "identifier": "order"}
    return [{"email": f"p{n}@shop.example.com", **row, "segments": {"night": of}} for n in range(rows)]


Doing = Callable[[File, float], None]


def in_time(file: File, _slot: float) -> None:
    file.whole()


def half(file: File, _slot: float) -> None:
    file.whole(ROWS // 3)


def late(file: File, slot: float) -> None:
    sleep_until(slot + LATE)
    file.whole()


def missing(_file: File, _slot: float) -> None:
    return


def grows(file: File, slot: float) -> None:
    _grow(file, slot + GROWS)


def grows_too_long(file: File, slot: float) -> None:
    _grow(file, slot + TOO_LONG)


def _grow(file: File, until: float) -> None:
    """Line by line where it is read from, as it should not be; it never rests for as long as two looks are apart."""
    lines, steps = file.lines().splitlines(keepends=True), max(1, int((until - time.time()) / STEP))
    share = -(-len(lines) // steps)
    for at in range(0, len(lines), share):
        with file.path.open("a") as out:
            out.writelines(lines[at : at + share])
        if at + share < len(lines):
            time.sleep(STEP)


def sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


@dataclass
class Told:
    """The alarms that a webhook was told, with the moments at which they began."""

    url: str
    raised: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def webhook() -> Iterator[Told]:
    """A door of our own for alarms."""

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if said["state"] == "raised":
                told.raised.append(said)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing of it belongs on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    told = Told(f"http://127.0.0.1:{server.server_port}/")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
