"""`python -m sandbox` as somebody starts it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

import sandbox as package

ROOT = Path(package.__file__).parent.parent


def run(*words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sandbox", *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_how_to_connect_and_ends_when_it_is_told(number):
    with run("--port", "0", "--latency", "0.01") as process:
        first = process.stdout.readline()
        url = first.split()[4]
        assert first.startswith("# sandbox: Omnisense at http://127.0.0.1:")
        assert url.endswith("/api/v1")
        variables = {
            "OMNISENSE_BASE_URL": url,
            "OMNISENSE_API_KEY": "sandbox-api-key",
            "OMNISENSE_MASTER_KEY": "sandbox-master-key",
            "OMNISENSE_ADMIN_EMAIL": "admin@sandbox.test",
            "OMNISENSE_ADMIN_TOKEN": "sandbox-token",
            "DEVINO_BASE_URL": url.replace("/api/v1", "/devino"),
            "DEVINO_API_KEY": "sandbox-devino-key",
            "OMNISEND_BASE_URL": url.removesuffix("/api/v1"),
            "OMNISEND_API_KEY": "sandbox-omnisend-key",
        }
        assert dict(process.stdout.readline().strip().split("=") for _ in variables) == variables
        assert requests.get(url.replace("/api/v1", "/_sandbox/counts"), timeout=60).json()["requests"] == 0
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


def test_a_port_that_is_taken_is_a_sentence_and_status_2():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with run("--port", str(taken.getsockname()[1])) as process:
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert "choose another --port" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [("--host", "0.0.0.0"), ("--port", "99999"), ("--latency", "-1")])  # noqa: S104
def test_words_that_are_off_are_a_sentence_and_status_2(words):
    with run(*words) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "Traceback" not in err
