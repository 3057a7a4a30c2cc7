"""Callbacks a second: the receiver, which has each on disk before it answers, and a route that only answers.

Both are served by the same gunicorn with the same settings, each in processes of its own, and asked by as many
connections at once. Redis is away.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography.fernet import Fernet

from tests.bench.figures import Run
from tests.lab import processes
from tests.lab.surroundings import bare
from tests.lab.workers import Workers
from worker.ledger import notices
from worker.ledger.ledger import Ledger
from worker.ledger.migrate import migrate
from worker.processes.embedded import HOST, free_port
from worker.processes.run import command

CONNECTIONS = 32
WARM, SECONDS = 1.0, 8.0
SECRET = "s3cr3t-of-devino"
REDIS_AWAY = "redis://127.0.0.1:1/0"
HEAD = f"POST /callbacks/devino?secret_key={SECRET} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: %d\r\n\r\n"
GOOD, END = b"HTTP/1.1 200 ", b"\r\n\r\n"


def receiver(folder: Path) -> Run:
    """Every callback that was answered is looked for in the ledger in the end."""
    run = _measured(folder, command("web"))
    ledger = Ledger(_address(folder))
    kept = sum(ledger.read(notices.counts).values())
    ledger.close()
    assert kept == run.more["answered"], f"{run.more['answered']} callbacks were answered, {kept} are in the ledger"
    return run


def bare_route(folder: Path) -> Run:
    return _measured(folder, (sys.executable, "-m", "tests.bench.bare_web"))


def _address(folder: Path) -> str:
    return f"sqlite:///{folder / 'ledger.db'}"


def _measured(folder: Path, argv: tuple[str, ...]) -> Run:
    folder.mkdir()
    migrate(_address(folder))
    port = free_port(HOST, 0)
    told = {"DATABASE_URL": _address(folder), "SECRET_KEY": Fernet.generate_key().decode(), "REDIS_URL": REDIS_AWAY}
    told |= {"ALLOW_LOCAL": "1", "PORT": str(port), "DEVINO_CALLBACK_SECRETS": SECRET, "LOG_LEVEL": "ERROR"}
    web = Workers(folder, bare(**told), argv)
    try:
        web.start()
        web.ready()
        warm = _asked(port, WARM, 0)
        busy, began = processes.cpu(web.pids()), time.perf_counter()
        answered = _asked(port, SECONDS, 1)
        wall = time.perf_counter() - began
        cpu = processes.cpu(web.pids()) - busy
        peaks = tuple(map(processes.peak, web.carriers()))
    finally:
        web.stop()
    return Run("", answered, wall, cpu, peaks, f"{CONNECTIONS} connections", {"answered": warm + answered})


def _asked(port: int, seconds: float, turn: int) -> int:
    """How many were answered in that time, by all connections together."""
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return sum(pool.map(lambda place: _caller(port, until, f"{turn}{place:03d}"), range(CONNECTIONS)))


def _caller(port: int, until: float, name: str) -> int:
    """One connection, kept for all its calls; each of a message of its own."""
    answered = 0
    with socket.create_connection((HOST, port), timeout=30) as connection:
        while time.monotonic() < until:
            message = f"9{name}{answered:014d}"
            body = json.dumps([{"messageId": message, "status": "delivered", "ts": 1_700_000_000_000}]).encode()
            connection.sendall((HEAD % len(body)).encode() + body)
            answer = b""
            while END not in answer:
                came = connection.recv(4096)
                assert came, "the connection was closed"
                answer += came
            assert answer.startswith(GOOD), answer
            answered += 1
    return answered
