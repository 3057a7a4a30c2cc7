"""`python -P -m worker.cli …` is the same as `omniworker …`."""

from __future__ import annotations

from worker.cli import main

main(prog_name="omniworker")
