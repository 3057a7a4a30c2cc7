"""The `omniworker` command. Each of its words is loaded when it is used: `omniworker run` pays for no other."""

from __future__ import annotations

from importlib import metadata

import click

from worker.cli.commands import Commands

PLACES = {
    "demo": "worker.cli.demo:demo",
    "up": "worker.cli.processes:up",
    "run": "worker.cli.processes:run",
    "doctor": "worker.cli.doctor:doctor",
    "migrate": "worker.cli.processes:migrate",
    "sandbox": "worker.cli.processes:sandbox",
    "operations": "worker.cli.operations:operations",
    "enqueue": "worker.cli.enqueue:enqueue",
    "import": "worker.cli.imports:import_file",
    "export": "worker.cli.export:export",
    "jobs": "worker.cli.jobs:jobs",
    "find": "worker.cli.find:find",
    "quarantine": "worker.cli.quarantine:quarantine",
    "consent": "worker.cli.consent:consent",
    "newsletters": "worker.cli.newsletters:newsletters",
    "accounts": "worker.cli.accounts:accounts",
    "schedules": "schedules.commands:schedules",
}


def version() -> str:
    """What `--version` says, of a checkout that nobody installed too."""
    try:
        return metadata.version("omniworker")
    except metadata.PackageNotFoundError:
        return "of a checkout that is not installed"


@click.group(cls=Commands, places=PLACES)
@click.version_option(version(), prog_name="omniworker")
def main() -> None:
    """Deliver files and calls to the platforms: every row accounted for, nothing sent twice in silence."""
