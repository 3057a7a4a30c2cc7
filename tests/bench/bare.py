"""The limit: cut lines from a file, join 500 of them into a body, post it with `requests`; nothing else is done.

python -m tests.bench.bare FILE URL [--threads N]      prints wall, CPU seconds and peak memory as JSON
With --csv the file is one of subscribers, and 5,000 lines go below its header as a file in a form.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO

import requests

from tests.lab import processes

ROWS, CSV_ROWS = 500, 5000
JSON_BODY = {"Content-Type": "application/json"}
KEYS = {"master_key": "key", "admin[email]": "a@b.co", "admin[token]": "token"}
Post = Callable[[requests.Session, str, Sequence[bytes]], requests.Response]


def as_json(session: requests.Session, url: str, lines: Sequence[bytes]) -> requests.Response:
    return session.post(url, data=b'{"user_events":[' + b",".join(lines) + b"]}", headers=JSON_BODY)


def as_form(header: bytes) -> Post:
    def post(session: requests.Session, url: str, lines: Sequence[bytes]) -> requests.Response:
        return session.post(url, data=KEYS, files={"csv": ("people.csv", header + b"".join(lines), "text/csv")})

    return post


class Loop:
    """The file and where it goes; several threads may `run` at once, each with a connection of its own."""

    def __init__(self, file: IO[bytes], url: str, is_csv: bool) -> None:
        self._file, self._url = file, url
        self._post = as_form(file.readline()) if is_csv else as_json
        self._at_once = CSV_ROWS if is_csv else ROWS
        self._cutting = threading.Lock()
        self.rows = 0

    def run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while lines := self._cut():
                self._post(session, self._url, lines).raise_for_status()

    def _cut(self) -> list[bytes]:
        with self._cutting:
            lines = list(itertools.islice(self._file, self._at_once))
            self.rows += len(lines)
            return lines


def main() -> None:
    parser = argparse.ArgumentParser("bare")
    parser.add_argument("file")
    parser.add_argument("url")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--csv", action="store_true")
    options = parser.parse_args()
    wall, busy = time.perf_counter(), time.process_time()
    with open(options.file, "rb") as file:  # noqa: PTH123 - the plainest loop there is
        loop = Loop(file, options.url, options.csv)
        threads = [threading.Thread(target=loop.run) for _ in range(options.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - busy}
    sys.stdout.write(json.dumps({"rows": loop.rows, **seconds, "peak": processes.peak(os.getpid())}) + "\n")


if __name__ == "__main__":
    main()
