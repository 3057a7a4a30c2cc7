"""How each fault is played on the wire. A function a fault; `exchange.take()` is what makes a request count."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from sandbox.answer import Answer
from sandbox.faults import Fault
from sandbox.line import Line

PAGE = b"<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><h1>Please sign in</h1></body></html>\n"
TEXT = b'{"status": "ok"}'


class Exchange(Protocol):
    """One request whose body was read."""

    line: Line
    open: bool

    def take(self) -> Answer: ...
    def send(self, answer: Answer) -> None: ...
    def end(self, how: str) -> None: ...


def status(exchange: Exchange, fault: Fault) -> None:
    if fault.applied:
        exchange.take()
    kind = "application/json" if fault.body.startswith(("{", "[")) else "text/plain; charset=utf-8"
    wait = {} if fault.retry_after is None else {"Retry-After": _seconds(fault.retry_after)}
    exchange.send(Answer(fault.status, fault.body.encode(errors="replace"), kind, {**fault.headers, **wait}))


def hang(exchange: Exchange, fault: Fault) -> None:
    """No answer, however long the caller waits; after `seconds` the connection is closed."""
    if fault.applied:
        exchange.take()
    exchange.end("hang")
    exchange.line.pause(fault.seconds)


def cut(exchange: Exchange, _fault: Fault) -> None:
    """Taken, then closed without a word."""
    exchange.take()
    exchange.end("cut")


def half(exchange: Exchange, _fault: Fault) -> None:
    """Taken; the answer promises a body of which half arrives. An answer without a body is given one."""
    taken = exchange.take()
    answer = taken if taken.body else replace(taken, body=TEXT)
    whole = answer.encode()
    exchange.end("half")
    exchange.line.write(whole[: len(whole) - (len(answer.body) + 1) // 2])


def garbage(exchange: Exchange, _fault: Fault) -> None:
    """Taken; what comes back is no HTTP."""
    exchange.take()
    exchange.end("garbage")
    exchange.line.write(b"HTP/1.1 OK two hundred\r\n\r\n")


def empty(exchange: Exchange, _fault: Fault) -> None:
    exchange.take()
    exchange.send(Answer(200))


def html(exchange: Exchange, fault: Fault) -> None:
    """A page with 200, as a proxy or a maintenance page in front of the platform sends it."""
    if fault.applied:
        exchange.take()
    exchange.send(Answer(200, PAGE, "text/html; charset=utf-8"))


def drip(exchange: Exchange, fault: Fault) -> None:
    """Taken; the answer comes byte by byte, so that no single read times out."""
    answer = exchange.take()
    exchange.end(str(answer.status))
    for byte in answer.encode(close=True):
        exchange.line.write(bytes([byte]))
        exchange.line.pause(fault.every)


def delay(exchange: Exchange, fault: Fault) -> None:
    answer = exchange.take()
    exchange.line.pause(fault.seconds)
    exchange.send(answer)


def change(exchange: Exchange, fault: Fault) -> None:
    """Taken; one place of the answer's JSON says something else. An answer without that place stays as it is."""
    answer = exchange.take()
    exchange.send(replace(answer, body=_changed(answer.body, fault)))


def _changed(body: bytes, fault: Fault) -> bytes:
    *path, last = fault.at.split(".")
    try:
        content = part = json.loads(body)
        for name in path:
            part = part[name]
        part[last] = fault.to
    except (ValueError, LookupError, TypeError):
        return body
    return json.dumps(content).encode()


STAYS_OPEN: Mapping[str, Callable[[Exchange, Fault], None]] = {
    "status": status,
    "empty": empty,
    "html": html,
    "delay": delay,
    "change": change,
}
CLOSES: Mapping[str, Callable[[Exchange, Fault], None]] = {
    "hang": hang,
    "cut": cut,
    "half": half,
    "garbage": garbage,
    "drip": drip,
}


def play(exchange: Exchange, fault: Fault) -> None:
    """Every fault but `reset`, which happens before there is a body."""
    if fault.fault in CLOSES:
        exchange.open = False
    {**CLOSES, **STAYS_OPEN}[fault.fault](exchange, fault)


def _seconds(wait: float | str) -> str:
    return wait if isinstance(wait, str) else f"{wait:g}"
