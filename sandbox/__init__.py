"""Local servers that play the platforms, written from the platforms' own documents and from nothing else.

Standard library only, and nothing of `worker`, `tasks` or `schedules`: it can't share their mistakes. One file or
folder a platform (`omnisense/`); server, faults, counts and log know no platform. `python -m sandbox` runs it as a
process, `sandbox.server.start()` inside a test. It listens on loopback alone.
"""
