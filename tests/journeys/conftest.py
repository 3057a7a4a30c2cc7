"""`omniworker up` in a folder of its own, the sandbox as the platform."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from running_house import ROOT, House

import sandbox.server
from sandbox.server import Sandbox


@pytest.fixture(scope="module")
def platform() -> Iterator[Sandbox]:
    with sandbox.server.start(latency=0.01) as server:
        yield server


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, platform: Sandbox) -> Iterator[House]:
    if shutil.which("redis-server") is None and os.environ.get("CI"):
        pytest.fail("redis-server is not installed")
    folder = tmp_path_factory.mktemp("house")
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    told = {"PYTHONPATH": str(ROOT), "OMNISENSE_PACE": "500/s", "WORKER_PROCESSES": "2", "LOG_LEVEL": "DEBUG"}
    own = House(folder, kept | told | platform.environment(), platform)
    own.start("--only", "worker", "--only", "urgent")
    yield own
    own.stop()
