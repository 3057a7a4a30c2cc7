"""`POST /subscriber/import`: a file of people in a form, taken strictly, kept cell for cell."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.server import Sandbox

BORDER = "----border"
FIELDS = {"master_key": "sandbox-master-key", "admin[email]": "admin@sandbox.test", "admin[token]": "sandbox-token"}
FILE = 'form-data; name="csv"; filename="people.csv"'
GOOD = b"email,city\r\na@shop.test,Paris\r\n"


def form(content: bytes, fields: dict[str, str] = FIELDS, file: str = FILE) -> bytes:
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts.append(f"Content-Disposition: {file}\r\nContent-Type: text/csv\r\n\r\n".encode() + content)
    return b"".join(f"--{BORDER}\r\n".encode() + part + b"\r\n" for part in parts) + f"--{BORDER}--\r\n".encode()


@pytest.fixture
def bring(caller: Any) -> Any:
    def call(body: bytes, kind: str = f"multipart/form-data; boundary={BORDER}") -> Any:
        return caller.call("POST", "/api/v1/subscriber/import", body, Content_Type=kind)

    return call


def test_it_keeps_every_cell_as_it_came(bring: Any, sandbox: Sandbox) -> None:
    content = 'email,"say ""hi""",city\r\na@shop.test,"x,\r\ny",\r\nB@shop.test, é ,Łódź\r\n'.encode()
    heard = bring(form(content))
    assert (heard.status, heard.body) == (200, b"")
    first, second = sandbox.state("omnisense")
    assert first["columns"] == {"email": "a@shop.test", 'say "hi"': "x,\r\ny", "city": ""}
    assert second["columns"] == {"email": "B@shop.test", 'say "hi"': " é ", "city": "Łódź"}


def test_what_comes_twice_is_counted_and_is_no_double(bring: Any, sandbox: Sandbox) -> None:
    for _ in range(2):
        assert bring(form(GOOD)).status == 200
    (who,) = sandbox.state("omnisense")
    assert who["times"] == 2
    assert sandbox.counts()["doubled"] == 0


def test_a_file_and_a_call_speak_of_the_same_person(bring: Any, caller: Any, sandbox: Sandbox) -> None:
    user = {"email": "A@shop.test", "city": "Rome"}
    caller.call("POST", "/api/v1/subscriber", {"api_key": "sandbox-api-key", "user": user})
    bring(form(GOOD))
    who = sandbox.person("a@shop.test") or {}
    assert (who["user"]["city"], who["columns"]["city"]) == ("Rome", "Paris")


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"\xef\xbb\xbf" + GOOD, "csv"),
        (GOOD.decode().encode("utf-16"), "csv"),
        (b"", "csv"),
        (b"email\r\n", "csv"),
        (b"a@shop.test,Paris\r\nb@shop.test,Rome\r\n", "csv"),
        (b"email,city,city\r\na@shop.test,Paris,Rome\r\n", "csv"),
        (b"email,\r\na@shop.test,Paris\r\n", "csv"),
        (b"email,city\r\na@shop.test\r\n", "csv[1]"),
        (b"email,city\r\na@shop.test,Paris\r\n\r\n", "csv[2]"),
        (b"email,city\r\nnobody,Paris\r\n", "csv[1].email"),
        (b'email,city\r\na@shop.test,"Par"is\r\n', "csv"),
        (b"email,city\r\na@shop.test,\xff\r\n", "csv"),
    ],
)
def test_a_file_that_is_off_is_refused_whole(bring: Any, sandbox: Sandbox, content: bytes, place: str) -> None:
    heard = bring(form(content))
    assert (heard.status, heard.json["at"]) == (422, place)
    assert sandbox.state("omnisense") == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (form(GOOD, FIELDS | {"api_key": "x"}), 422),
        (form(GOOD, {"master_key": "sandbox-master-key"}), 422),
        (form(GOOD, FIELDS | {"admin[token]": "wrong"}), 401),
        (form(GOOD, file='form-data; name="csv"'), 422),
        (form(GOOD, file='form-data; name="file"; filename="people.csv"'), 422),
        (form(GOOD, file='attachment; name="csv"; filename="people.csv"'), 400),
        (form(GOOD, FIELDS, 'form-data; name="master_key"; filename="people.csv"'), 400),
        (form(GOOD)[:-4], 400),
        (b"x" + form(GOOD), 400),
        (b"", 400),
    ],
)
def test_a_form_that_is_off_is_refused(bring: Any, body: bytes, status: int) -> None:
    assert bring(body).status == status


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "multipart/mixed; boundary=x"])
def test_it_has_to_be_a_form(bring: Any, kind: str) -> None:
    assert bring(form(GOOD), kind).status == 415
