"""How fast it is, beside a bare loop, which is the limit, and beside plain Celery, in one run on one machine.

`python -m tests.bench` runs every comparison and prints one table. Linux only: CPU and memory come from /proc.
"""
