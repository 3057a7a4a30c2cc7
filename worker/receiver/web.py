"""The process `web`: the receiver under gunicorn, on PORT."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from worker.ledger.migrate import check_schema
from worker.processes.parent import tell_ready
from worker.processes.process import process
from worker.receiver.guests import Doorkeeper
from worker.receiver.receiver import doors, receiver, ways_back
from worker.receiver.waker import Waker
from worker.settings import Settings

THREADS = 32  # each waits for a commit that it shares with the others: more of them, fewer commits
CONNECTIONS = 1000
KEEP_ALIVE = 5
LEAVE_WITHIN = 15
log = logging.getLogger(__name__)


def serve(settings: Settings) -> int:
    """Runs the receiver until it is told to stop."""
    process().seal  # noqa: B018 - raises where SECRET_KEY is missing or wrong
    check_schema(process().ledger)
    process().ledger.close()
    process.cache_clear()  # what was opened here must not be shared with those who are forked
    try:
        Web(settings).run()
    except SystemExit as left:
        return int(left.code or 0)
    return 0


class NoRequest(logging.Filter):
    """A line of gunicorn's may quote of a request that it can't read, and nobody knows where a query in that is."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        said = re.split(r"[?'\"]" if text.startswith("Invalid request") else r"\?", text, maxsplit=1)
        record.msg, record.args = "%s", (f"{said[0]}…" if len(said) > 1 else text,)
        return True


class OurLogger(Logger):  # type: ignore[misc] # gunicorn has no types
    """gunicorn says what it says through our own lines, and keeps no access log: an address holds a secret."""

    def setup(self, _cfg: Any) -> None:
        self.error_log = logging.getLogger("gunicorn.error")
        self.error_log.propagate = True  # gunicorn turned it off, and without a handler lines go out as they are
        self.error_log.addFilter(NoRequest())
        self.access_log = logging.getLogger("gunicorn.access")
        self.access_log.disabled = True


class Web(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """One process that collects requests and answers them in threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        for name, value in _told(self._settings).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return receiver(Waker().wake)


def _told(settings: Settings) -> Mapping[str, Any]:
    return {
        "bind": f"0.0.0.0:{settings.port}",
        "worker_class": Doorkeeper,
        "workers": 1,
        "threads": THREADS,
        "worker_connections": CONNECTIONS,
        # Before it listens: who connects meanwhile would wait for it to be made.
        "preload_app": True,
        "keepalive": KEEP_ALIVE,
        "graceful_timeout": LEAVE_WITHIN,
        # It bounds one turn of its loop; whoever waits is bounded by the loop itself.
        "timeout": 60,
        "limit_request_fields": 64,
        "limit_request_line": 4094,
        # One word of a trusted proxy is believed. Two that differ would be answered 400, and a callback lost; and a
        # path is what was asked for.
        "forwarded_allow_ips": ",".join(settings.trusted_proxies),
        "secure_scheme_headers": {"X-FORWARDED-PROTO": "https"},
        "forwarder_headers": "",
        "control_socket_disable": True,
        "logger_class": OurLogger,
        "proc_name": "omniworker web",
        "post_worker_init": lambda _worker: _began(settings),
    }


def _began(settings: Settings) -> None:
    names = [*(path for path, _ in doors()), *(path for path, _ in ways_back())]
    log.info("the receiver listens on port %d; doors: %s", settings.port, ", ".join(names) or "none, no secret is set")
    tell_ready()
