"""`python -m sandbox --port 8099 [--latency S] [--host 127.0.0.1] [--seed N]`: the sandbox as a process."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from sandbox.server import Sandbox, start


def main(words: Sequence[str] | None = None) -> int:
    """Play until SIGTERM or SIGINT. Words that are off, or a port that is taken: a sentence and status 2."""
    parser = _parser()
    options = parser.parse_args(words)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        sandbox = start(options.port, options.latency, options.host, options.seed)
    except (ValueError, OverflowError) as error:
        parser.error(str(error))
    except OSError as error:
        parser.error(f"{options.host}:{options.port} can't be listened on ({error.strerror}); choose another --port.")
    with sandbox:
        _say(sandbox, options.latency)
        stopped.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "sandbox", description="Plays the platforms on this machine, with faults on demand."
    )
    parser.add_argument("--port", type=int, default=8099, help="0 takes any free one (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every answer takes at least")
    parser.add_argument("--seed", type=int, default=0, help="decides which requests meet a fault that has a share")
    return parser


def _say(sandbox: Sandbox, latency: float) -> None:
    lines = [f"# sandbox: Omnisense at {sandbox.omnisense_url} (latency {latency:g} s; faults and counts: /_sandbox/)"]
    lines += [f"{name}={value}" for name, value in sandbox.environment().items()]
    sys.stdout.write("\n".join([*lines, ""]))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
