"""Commands that are processes: `up`, `run`, `sandbox`; and `migrate`, which they need once."""

from __future__ import annotations

import click

from worker.cli import options, show
from worker.processes.run import RUNS
from worker.processes.run import run as run_process
from worker.settings import settings


@click.command()
@click.option(
    "--only", multiple=True, type=click.Choice(list(RUNS)), help="Only processes of this kind; may be repeated."
)
@click.pass_context
def up(ctx: click.Context, only: tuple[str, ...]) -> None:
    """All processes on this machine, in the foreground, with a private Redis and SQLite under ./var."""
    from worker.processes.parent import end_with_parent
    from worker.processes.up import KINDS
    from worker.processes.up import up as run_all

    end_with_parent()
    ctx.exit(run_all(settings(), only or KINDS))


@click.command()
@click.argument("name", type=click.Choice(list(RUNS)))
@click.pass_context
def run(ctx: click.Context, name: str) -> None:
    """One process, as a line of the Procfile."""
    ctx.exit(run_process(name, settings()))


@click.command()
@options.as_json
def migrate(as_json: bool) -> None:
    """Bring the ledger to this version's schema."""
    from worker.ledger.migrate import migrate as bring_up

    revision = bring_up(settings().database_url)
    show.document({"revision": revision}) if as_json else click.echo(f"The ledger's schema is {revision}.")


@click.command()
@click.option("--port", default=8099, show_default=True, help="0 takes any free one.")
@click.option("--latency", default=0.0, help="Seconds that every answer takes at least.")
@click.pass_context
def sandbox(ctx: click.Context, port: int, latency: float) -> None:
    """Play the platforms on this machine, with faults on demand."""
    from sandbox.__main__ import main as play

    ctx.exit(play(["--port", str(port), "--latency", str(latency)]))
