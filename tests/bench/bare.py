"""The limit: cut lines from a file, join 500 of them into a body, post it with `requests`; nothing else is done.

python -m tests.bench.bare FILE URL [--threads N]      prints wall, CPU seconds and peak memory as JSON
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import threading
import time
from typing import IO

import requests

from tests.lab import processes

ROWS = 500
JSON_BODY = {"Content-Type": "application/json"}


class Loop:
    """The file and where it goes; several threads may `run` at once, each with a connection of its own."""

    def __init__(self, file: IO[bytes], url: str) -> None:
        self._file, self._url = file, url
        self._cutting = threading.Lock()
        self.rows = 0

    def run(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while lines := self._cut():
                body = b'{"user_events":[' + b",".join(lines) + b"]}"
                session.post(self._url, data=body, headers=JSON_BODY).raise_for_status()

    def _cut(self) -> list[bytes]:
        with self._cutting:
            lines = list(itertools.islice(self._file, ROWS))
            self.rows += len(lines)
            return lines


def main() -> None:
    parser = argparse.ArgumentParser("bare")
    parser.add_argument("file")
    parser.add_argument("url")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    wall, busy = time.perf_counter(), time.process_time()
    with open(options.file, "rb") as file:  # noqa: PTH123 - the plainest loop there is
        loop = Loop(file, options.url)
        threads = [threading.Thread(target=loop.run) for _ in range(options.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    seconds = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - busy}
    sys.stdout.write(json.dumps({"rows": loop.rows, **seconds, "peak": processes.peak(os.getpid())}) + "\n")


if __name__ == "__main__":
    main()
