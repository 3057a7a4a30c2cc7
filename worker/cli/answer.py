"""What the platform said to a call. It lies sealed in the ledger, and is shown to whoever asks for it by name."""

from __future__ import annotations

import json
from typing import Any

import click

from worker.cli import office, show
from worker.cli.refused import refusals, write_text
from worker.cli.sentences import Failed
from worker.cli.watch import status_of
from worker.ledger import planning
from worker.processes.process import Process


def answer_of(own: Process, job_id: str) -> Any:
    """The platform's own words; a list where the call took several requests. None where it said nothing, or its words
    went with the job's content. Raises `Failed` for a file's job."""
    if office.job_of(own, job_id).kind == "file":
        raise Failed(f"Job {job_id} is that of a file: only a call has an answer. `omniworker jobs refused {job_id}`.")
    found = own.ledger.read(lambda tx: planning.all_of_call(tx, job_id))
    said = [own.seal.open(one.answer) if one.answer else None for one in found]
    return said[0] if len(said) == 1 else said if any(said) else None


def tell_call(own: Process, report: show.Report, as_json: bool) -> int:
    """Print the report with the answer, and why it was refused."""
    answer = answer_of(own, report["job"])
    if as_json:
        show.document({**report, "answer": answer})
        return status_of(report)
    click.echo(show.report_text(report))
    if answer is not None:
        click.echo(f"answer\n{json.dumps(answer, indent=2, ensure_ascii=False)}")
    write_text(refusals(own, report["job"]), click.echo)
    return status_of(report)
