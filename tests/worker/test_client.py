"""The client against a server that misbehaves on the wire."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from worker import client as client_module
from worker import platforms
from worker.answers import Lost
from worker.client import Client
from worker.errors import Refused
from worker.facts.wire import File, Wire
from worker.operation import Access, Operation, Platform, Timeouts
from worker.outcome import Refusal
from worker.runner.sending import without_keys

DRIP = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n"


@pytest.fixture
def dripping() -> Iterator[str]:
    """Answers at once, says that it will close, then sends a space every 50 ms and never closes."""
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            line, _ = door.accept()
            with line:
                line.recv(1 << 16)
                line.sendall(DRIP)
                while True:
                    line.sendall(b" ")
                    time.sleep(0.05)

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{door.getsockname()[1]}/api/v1"
    door.close()


@pytest.fixture
def impatient() -> tuple[Operation, Platform]:
    operation = platforms.operation("omnisense.record_user_event")
    return replace(operation, timeouts=Timeouts(1.0, 1.0, 0.5)), platforms.platforms()["omnisense"]


def test_the_total_time_ends_an_answer_that_closes_its_connection_and_drips(
    dripping: str, impatient: tuple[Operation, Platform]
) -> None:
    client, (operation, platform) = Client(), impatient
    access = Access(dripping, dict.fromkeys(("OMNISENSE_API_KEY",), "key"))
    parcel = client.pack(operation, platform, access, Wire(operation.path, body={}))
    client.open(parcel, operation)
    began = time.monotonic()
    with pytest.raises(Lost, match="total time"):
        client.send(parcel, operation)
    assert time.monotonic() - began >= 0.5  # and it ended, though the answer never does


@pytest.mark.parametrize("way", ["tell", "exchange"])
def test_the_total_time_ends_what_goes_to_our_own_addresses_too(
    dripping: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TELLING", "EXCHANGING"):
        monkeypatch.setattr(client_module, name, Timeouts(1.0, 1.0, 0.5))
    with pytest.raises(Lost, match="total time"):
        getattr(Client(), way)(dripping, "")


def test_a_connection_that_was_closed_meanwhile_is_not_open(
    dripping: str, impatient: tuple[Operation, Platform]
) -> None:
    client, (operation, platform) = Client(), impatient
    parcel = client.pack(
        operation, platform, Access(dripping, {"OMNISENSE_API_KEY": "key"}), Wire(operation.path, body={})
    )
    assert not client.is_open(parcel)
    client.open(parcel, operation)
    assert client.is_open(parcel)
    with pytest.raises(Lost):
        client.send(parcel, operation)
    assert not client.is_open(parcel)


def test_keys_that_a_platform_quotes_in_its_refusal_are_blanked_the_longer_first() -> None:
    access = Access("", {"A": "secret", "B": "secret-and-more", "C": "abc"})
    said = Refused([Refusal(1, "no", "secret-and-more, secret, abc")], whole=True)
    (found,) = without_keys(said, access).refusals
    assert found.reason == "…, …, abc"


def test_a_file_goes_as_a_form_with_what_is_nested_in_the_body_flattened() -> None:
    operation = platforms.operation("omnisense.import_user_events")
    wire = Wire("/x", body={"plain": 1}, file=File("csv", "rows.csv", "text/csv", "email\nä@b.c\n".encode()))
    platform = platforms.platforms()["omnisense"]
    names = ("OMNISENSE_API_KEY", "OMNISENSE_MASTER_KEY", "OMNISENSE_ADMIN_EMAIL", "OMNISENSE_ADMIN_TOKEN")
    client, access = Client(), Access("http://127.0.0.1:1/api/v1", dict(zip(names, "abcd", strict=True)))
    first, second = (client.pack(operation, platform, access, wire).request for _ in range(2))
    kind, content = first.headers["Content-Type"], first.body
    assert kind.startswith("multipart/form-data; boundary=")
    assert kind != second.headers["Content-Type"]
    assert isinstance(content, bytes)
    for part in (b'name="master_key"\r\n\r\nb\r\n', b'name="admin[email]"\r\n\r\nc\r\n', b'name="plain"\r\n\r\n1\r\n'):
        assert part in content
    assert 'filename="rows.csv"\r\nContent-Type: text/csv\r\n\r\nemail\nä@b.c\n\r\n'.encode() in content
