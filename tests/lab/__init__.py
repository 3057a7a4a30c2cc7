"""Faults on purpose: real processes are killed, cut off and starved, and what became of every row is counted.

`python -m tests.lab` runs every experiment, `python -m tests.lab NAME` one of them. The sandbox is the oracle: it
counts what it took by itself. Linux only: processes are found and killed through /proc.
"""
