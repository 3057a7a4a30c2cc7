"""A private RabbitMQ: own node, own ports, own name service, all on loopback, ended with its owner."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import amqp

from worker.processes.embedded import HOST, end_with, free_port

PLACES = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # the one on PATH asks for the system's own user and node


def binary() -> Path | None:
    found = Path(PLACES) if Path(PLACES).exists() else Path(shutil.which("rabbitmq-server") or "")
    return found if found.is_file() and shutil.which("epmd") else None


class OwnRabbitMQ:
    """`url` is where it answers."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self._folder = Path(tempfile.mkdtemp(prefix="omniworker-rabbit-"))
        known = {entry.pw_name for entry in pwd.getpwall()}
        self._user = None if os.getuid() else next(name for name in ("rabbitmq", "nobody") if name in known)
        if self._user:
            shutil.chown(self._folder, self._user)
        self.port, distribution, names = (free_port(HOST, 0) for _ in range(3))
        self.url = f"amqp://guest:guest@{HOST}:{self.port}//"
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "RABBITMQ_NODENAME": f"omniworker-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
            "RABBITMQ_MNESIA_BASE": str(self._folder),
            "RABBITMQ_LOG_BASE": str(self._folder),
            "RABBITMQ_CONFIG_FILE": str(self._folder / "none"),
            "RABBITMQ_CONF_ENV_FILE": str(self._folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._folder / "plugins"),
            "RUNNING_UNDER_SYSTEMD": "1",  # no shell between it and us
            "ERL_EPMD_PORT": str(names),
            "ERL_EPMD_ADDRESS": HOST,
        }
        # Started by us and not by Erlang, which would leave it behind as a daemon.
        self._names = self._start(shutil.which("epmd") or "epmd")
        self.process = self._start(str(server))
        self._until_it_answers()

    def stop(self) -> None:
        for process in (self.process, self._names):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)
        shutil.rmtree(self._folder)

    def _start(self, command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [command],
            user=self._user,
            env=self._environ,
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=end_with(os.getpid()),  # after `user`, which would take the wish back
        )

    def _until_it_answers(self) -> None:
        deadline = time.monotonic() + 90
        while True:
            try:
                with amqp.Connection(f"{HOST}:{self.port}", connect_timeout=2):
                    return
            except (OSError, amqp.AMQPError):
                assert self.process.poll() is None, "it ended"
                assert time.monotonic() < deadline, "it does not answer"
                time.sleep(0.1)
