"""The lines of the Procfile: what `omniworker run NAME` is (design §9).

Started one by one, processes share a database and a Redis that somebody named; nothing is assumed.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from worker.processes.child import CannotStart, Child
from worker.processes.folder import make
from worker.processes.parent import end_with_parent, own_name, tell_ready
from worker.processes.supervisor import Supervisor
from worker.settings import VAR, Settings

HERE = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"


def run(name: str, settings: Settings) -> int:
    """Runs one of `web worker urgent beat flower` until it is told to stop. Raises `CannotStart` with a sentence."""
    end_with_parent()
    if name not in RUNS:
        raise CannotStart(f"There is no process {name!r}: {', '.join(RUNS)} are the names.")
    check_settings(settings)
    check_rooms()
    return RUNS[name](settings)


def command(name: str) -> tuple[str, ...]:
    """The command line of `omniworker run NAME`. -P: a `tasks.py` in the current folder must not shadow ours."""
    return (sys.executable, "-P", "-m", "worker.cli", "run", name)


def worker_names(settings: Settings) -> list[str]:
    """`worker.1`, `worker.2`, …: Celery tells processes of one machine apart by them."""
    return [f"worker.{number + 1}" for number in range(settings.processes)]


def check_settings(settings: Settings) -> None:
    """Raises `CannotStart` unless the process was told where its ledger and its Redis are, and `SettingsError` where
    days of retention, or where alarms are told, can't be read."""
    _ = settings.retention_days, settings.alarm_refused, settings.alarm_webhook_url
    missing = [name for name in ("DATABASE_URL", "REDIS_URL") if name not in settings.values]
    if missing and not (settings.allow_local and settings.redis_url):
        raise CannotStart(
            f"{' and '.join(missing)} not set: a process started by itself must be told where its ledger and its "
            "Redis are. `omniworker up` runs everything on one machine without them."
        )
    if settings.local and not settings.allow_local:
        raise CannotStart(
            "DATABASE_URL is SQLite, which only processes of one machine can share: use postgresql://…, or set "
            "ALLOW_LOCAL=1 if all of them run on this machine."
        )


def check_rooms() -> None:
    """Raises `CannotStart` unless `tasks` and `schedules` are ours and declare something."""
    for room in ("tasks", "schedules"):
        check_room(room)
    from worker.platforms import platforms  # it imports `tasks`, which has to be ours first

    if not any(platform.operations for platform in platforms().values()):
        raise CannotStart(f"No operation is declared in {HERE / 'tasks'}: there is nothing this process could deliver.")


def check_room(room: str) -> None:
    """Raises `CannotStart` when the package `room` would not be taken from beside `worker`."""
    spec = importlib.util.find_spec(room)
    found = spec.submodule_search_locations or [str(spec.origin)] if spec else []
    places = [Path(place).resolve() for place in found]
    if places != [HERE / room]:
        where = f"comes from {places[0]}" if places else "can't be found"
        raise CannotStart(f"`{room}` {where}, not from {HERE / room}: rename what shadows it, or leave that folder.")


def _worker(settings: Settings) -> int:
    if settings.processes > 1:
        return _workers(settings)
    from worker.platforms import platforms

    return _celery(_worker_argv(own_name("worker.1"), (*platforms(), "bulk"), settings))


def _workers(settings: Settings) -> int:
    names = worker_names(settings)
    with Supervisor() as house:
        for name in names:
            house.start(Child(name, command("worker"), {"WORKER_PROCESSES": "1"}))
        if house.until(lambda: house.ready >= set(names)):
            tell_ready()
            house.keep_running()
    return 0


def _urgent(settings: Settings) -> int:
    return _celery(_worker_argv(own_name("urgent"), ("urgent",), settings))


def _worker_argv(name: str, queues: tuple[str, ...], settings: Settings) -> list[str]:
    pool = ["-P", "threads", "-c", str(settings.threads)]
    quiet = ["--without-gossip", "--without-mingle"]  # nothing of ours needs to know the other workers
    return ["worker", *pool, *quiet, "-E", "-Q", ",".join(queues), "-n", f"{name}@%h", "-l", settings.log_level]


def _beat(settings: Settings) -> int:
    from celery.signals import beat_init

    make(VAR)
    beat_init.connect(_beat_started)
    return _celery(["beat", "--schedule", str(VAR / "beat-schedule"), "--pidfile=", "-l", settings.log_level])


def _beat_started(**_: Any) -> None:
    tell_ready()


def _flower(settings: Settings) -> int:
    """Flower takes its password from the environment, where `ps` does not show it."""
    from tornado.ioloop import IOLoop

    os.environ.setdefault("FLOWER_READ_ONLY", "true")
    if settings.flower_auth:
        os.environ["FLOWER_BASIC_AUTH"] = settings.flower_auth
    IOLoop.current().add_callback(tell_ready)  # its loop turns once it listens
    return _celery(["flower", f"--port={settings.flower_port}", *_flower_address(settings)])


def _flower_address(settings: Settings) -> list[str]:
    """Open to other machines only with a password that somebody chose; one that `up` made is for this machine."""
    return [] if "FLOWER_BASIC_AUTH" in settings.values else [f"--address={LOOPBACK}"]


def _web(settings: Settings) -> int:
    from worker.celery import app  # it reads the declarations, which had to be checked first
    from worker.logs import set_up_logs
    from worker.receiver.web import serve

    app.set_default()
    set_up_logs(settings.log_level)
    return serve(settings)


def _celery(argv: list[str]) -> int:
    from worker.celery import app  # it reads the declarations, which had to be checked first

    return int(app.start(["--quiet", *argv]) or 0)  # without its banner


RUNS: dict[str, Callable[[Settings], int]] = {
    "web": _web,
    "worker": _worker,
    "urgent": _urgent,
    "beat": _beat,
    "flower": _flower,
}
