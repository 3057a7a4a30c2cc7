"""All processes on one machine, in the foreground, on the folder `var/` (design §9)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import click

from worker import platforms
from worker.processes.child import Child
from worker.processes.embedded import HOST, NoRedis, answers, embedded, free_port, last_words
from worker.processes.folder import make, make_secrets, write_private
from worker.processes.held import held, write_down
from worker.processes.run import command, worker_names
from worker.processes.said import say
from worker.processes.supervisor import Supervisor
from worker.settings import VAR, Settings

REDIS_URL = VAR / "redis.url"
KINDS = ("web", "worker", "urgent", "beat", "flower")
LATER = ("beat", "flower")  # nobody waits for these
SQLITE = "sqlite:///"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - it is there for platforms to call


def up(settings: Settings, only: tuple[str, ...] = KINDS) -> int:
    """Runs all processes, or the kinds in `only`, until SIGTERM, SIGINT or SIGHUP; then 0.

    Prints where the receiver and Flower are, and `ready` when work is taken. Call it from the main thread. Raises
    `CannotStart` (`NoRedis` is one) with the sentence to show, and whatever the migration raises.
    """
    make(VAR)
    with held(VAR) as lock:
        make_secrets(VAR, settings)
        environ = _environ(settings)
        _migrate(environ["DATABASE_URL"])
        try:
            with Supervisor(keep_open=(lock,), started=partial(write_down, VAR)) as house:
                _serve(house, settings, environ, only)
        finally:
            REDIS_URL.unlink(missing_ok=True)
    return 0


def _serve(house: Supervisor, settings: Settings, environ: dict[str, str], only: Iterable[str]) -> None:
    redis_url = settings.redis_url if "REDIS_URL" in settings.values else _redis(house)  # not one of an earlier run
    if redis_url is None:
        return
    told = {**environ, "REDIS_URL": redis_url}
    children = [child for kind in only for child in _children(kind, settings, told)]
    takers = [child for child in children if child.name not in LATER]
    _start(house, takers)
    if house.until(lambda: house.ready >= {child.name for child in takers}):
        click.echo("ready")
        # The others wait until now: on a small machine five programs loading at once keep work waiting.
        _start(house, [child for child in children if child not in takers])
        house.keep_running()


def _start(house: Supervisor, children: Iterable[Child]) -> None:
    for child in children:
        house.start(child)


def _redis(house: Supervisor) -> str | None:
    """Starts the private Redis and gives its address once it answers; None when we were told to stop first."""
    own = embedded(VAR / "redis")
    say(f"Redis is {own.child.argv[0]} at {own.url}")
    house.start(own.child)
    if not house.until(lambda: house.falls[own.child.name] > 0 or answers(own.url, house.pids()[own.child.name])):
        return None
    if house.falls[own.child.name]:
        raise NoRedis(f"The private Redis does not start: {last_words(own.log)} (its log is {own.log})")
    write_private(REDIS_URL, f"{own.url}\n")
    return own.url


def _children(kind: str, settings: Settings, environ: dict[str, str]) -> list[Child]:
    if kind == "worker":
        one = {**environ, "WORKER_PROCESSES": "1"}
        return [Child(name, command(kind), one) for name in worker_names(settings)]
    if kind == "web":
        environ = {**environ, "PORT": str(_receiver_port(settings))}
    if kind == "flower":
        environ = {**environ, "FLOWER_PORT": str(_flower_port(settings))}
    return [Child(kind, command(kind), environ)]


def _receiver_port(settings: Settings) -> int:
    """Where platforms may call, said on standard output."""
    port = free_port(EVERYWHERE, settings.port) or free_port(EVERYWHERE, 0)
    taken = "" if port == settings.port else f" ({settings.port} is taken)"
    click.echo(f"Receiver: http://{HOST}:{port}{taken}")
    click.echo(f"Callbacks: {_callbacks()}")
    return port


def _callbacks() -> str:
    """Which doors there are, and what opens the others."""
    paths = [f"POST {one.callback_path}?secret_key=…" for one in platforms.doors()]
    missing = [f"none for want of {name}" for name in platforms.doorless()]
    return ", ".join([*paths, *missing])


def _flower_port(settings: Settings) -> int:
    """Where Flower will be, said on standard output; a taken port is no reason not to deliver."""
    port = free_port(HOST, settings.flower_port) or free_port(HOST, 0)
    taken = "" if port == settings.flower_port else f" ({settings.flower_port} is taken)"
    login = "FLOWER_BASIC_AUTH" if "FLOWER_BASIC_AUTH" in settings.values else VAR / "flower.auth"
    click.echo(f"Flower: http://{HOST}:{port}{taken}, user and password as in {login}")
    return port


def _environ(settings: Settings) -> dict[str, str]:
    """What every child is told, whatever folder it may go to."""
    environ = {"DATABASE_URL": _absolute(settings.database_url), "ALLOW_LOCAL": "1"}
    if "SECRET_KEY" not in settings.values:
        environ["SECRET_KEY_FILE"] = str((VAR / "secret.key").resolve())
    return environ


def _absolute(database_url: str) -> str:
    if not database_url.startswith(SQLITE):
        return database_url
    return SQLITE + str(Path(database_url.removeprefix(SQLITE)).resolve())


def _migrate(database_url: str) -> None:
    from worker.ledger.migrate import migrate  # only `up` and `omniworker migrate` need Alembic

    migrate(database_url)
