"""What is believed of a request that came through a proxy: how it was sent to a trusted one, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from gunicorn.http.errors import InvalidSchemeHeaders
from gunicorn.http.parser import RequestParser
from gunicorn.http.wsgi import create

from worker.receiver.web import Web
from worker.settings import SETTINGS, Settings, read

PROXY, STRANGER = "10.1.2.3", "203.0.113.9"


def seen(trusted: str, peer: str, *headers: str) -> dict[str, Any]:
    """The request as the application would see it."""
    cfg = Web(Settings(read(SETTINGS, {"TRUSTED_PROXIES": trusted}))).cfg
    head = "\r\n".join(["POST /callbacks/devino HTTP/1.1", "Host: h", "Content-Length: 0", *headers, "", ""])
    request = next(RequestParser(cfg, iter([head.encode()]), (peer, 40000)))
    environ: dict[str, Any] = create(request, None, (peer, 40000), ("10.0.0.1", 8000), cfg)[1]
    return environ


@pytest.mark.parametrize(
    ("trusted", "peer", "scheme"),
    [
        ("", PROXY, "http"),
        ("", "127.0.0.1", "http"),
        (PROXY, STRANGER, "http"),
        (PROXY, PROXY, "https"),
        ("10.9.9.9, 10.1.0.0/16", PROXY, "https"),
        ("*", STRANGER, "https"),
    ],
)
def test_https_is_believed_from_trusted_proxies_alone(trusted: str, peer: str, scheme: str) -> None:
    assert seen(trusted, peer, "X-Forwarded-Proto: https")["wsgi.url_scheme"] == scheme


def test_who_called_is_whoever_is_connected() -> None:
    environ = seen("*", PROXY, f"X-Forwarded-For: {STRANGER}")
    assert environ["REMOTE_ADDR"] == PROXY


@pytest.mark.parametrize("header", ["PATH_INFO: /healthz", "SCRIPT_NAME: /callbacks", "X-Forwarded-Prefix: /callbacks"])
def test_no_proxy_changes_the_path(header: str) -> None:
    environ = seen("*", PROXY, header)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/callbacks/devino")


@pytest.mark.parametrize("header", ["X-Forwarded-Ssl: off", "X-Forwarded-Protocol: http"])
def test_other_words_for_the_same_turn_no_callback_away(header: str) -> None:
    assert seen("*", PROXY, "X-Forwarded-Proto: https", header)["wsgi.url_scheme"] == "https"


def test_a_proxy_that_says_both_is_turned_away() -> None:
    with pytest.raises(InvalidSchemeHeaders):
        seen("*", PROXY, "X-Forwarded-Proto: https", "X-Forwarded-Proto: http")
