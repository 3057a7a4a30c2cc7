"""The only file that talks HTTP to platforms: open, send, read, and say what the answer means.

Exactly one attempt: no redirects (a POST would be sent again), no retries of the adapter, no `.netrc` or proxy
from the environment. Who retries is `runner/`.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import msgspec
import requests
from requests.adapters import HTTPAdapter
from requests_toolbelt import MultipartEncoder
from urllib3.exceptions import HTTPError

from worker.answers import Answer, Lost, NotSent
from worker.deadline import Deadlines
from worker.facts.wire import File, Wire
from worker.operation import JSON, Access, Operation, Platform, Timeouts, Unsigned

ANSWER_CAP = 4 << 20
PIECE = 1 << 16
BLANKS_KEPT = 64
TELLING = Timeouts(connect=3.0, read=5.0, total=8.0)
EXCHANGING = Timeouts(connect=3.0, read=10.0, total=12.0)  # somebody waits in front of a browser


@dataclass(frozen=True)
class Parcel:
    """A request ready to leave. Its repr shows no address and no content."""

    url: str = field(repr=False)
    request: requests.PreparedRequest = field(repr=False)


class Client:
    """One session a thread: a session's connections are not made for sharing."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._deadlines = Deadlines()

    def pack(self, operation: Operation, platform: Platform, access: Access, wire: Wire) -> Parcel:
        """Sign and encode; values of its body may be JSON already (`msgspec.Raw`)."""
        signed_for = replace(operation, auth=wire.auth) if wire.auth else operation
        signed = platform.sign(signed_for, Unsigned({"Accept": "application/json"}, wire.body), access)
        kind, content = _content(signed.body, wire.file)
        headers = dict(signed.headers) | ({"Content-Type": kind} if content is not None else {})
        request = self._blank(wire.method or operation.method, _address(access.base_url, wire))
        request.headers.update(headers)
        request.prepare_body(content, None)
        return Parcel(str(request.url), request)

    def _blank(self, method: str, url: str) -> requests.PreparedRequest:
        """A request without headers and body. Its address is looked through once a thread, not once a request."""
        blanks: dict[tuple[str, str], requests.PreparedRequest] = self._own.__dict__.setdefault("blanks", {})
        if (method, url) not in blanks:
            if len(blanks) >= BLANKS_KEPT:  # addresses that hold ids come once
                blanks.clear()
            blanks[method, url] = requests.Request(method, url).prepare()
        return blanks[method, url].copy()

    def open(self, parcel: Parcel, operation: Operation) -> None:
        """Have a connection ready, so that the budget is taken and the mark is made only when one is."""
        pool = self._pool(parcel)
        connection = pool._get_conn(timeout=operation.timeouts.connect)
        try:
            if connection.sock is None:
                connection.timeout = operation.timeouts.connect
                connection.connect()
        except (HTTPError, OSError) as error:
            raise NotSent(_name(error)) from None
        finally:
            self._own.socket = connection.sock
            pool._put_conn(connection)

    def is_open(self, parcel: Parcel) -> bool:
        """Whether a connection of this thread stands since its last request, so that nobody has to wait for one."""
        pool = self._pool(parcel)
        connection = pool._get_conn()
        self._own.socket = connection.sock
        pool._put_conn(connection)
        return connection.sock is not None

    def send(self, parcel: Parcel, operation: Operation) -> Answer:
        """The answer, or `NotSent` when the request surely never left, or `Lost` when nobody can say."""
        return self._exchange(parcel, operation.timeouts)

    def tell(self, url: str, content: JSON) -> Answer:
        """POST a JSON document to an address of our own configuration; raises as `send` does."""
        request = self._blank("POST", url)
        request.headers["Content-Type"] = "application/json"
        request.prepare_body(msgspec.json.encode(content), None)
        return self._at_once(Parcel(url, request), TELLING)

    def exchange(self, url: str, form: str) -> Answer:
        """POST an encoded form to an address of our own configuration; raises as `send` does."""
        request = self._blank("POST", url)
        request.headers.update({"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"})
        request.prepare_body(form.encode(), None)
        return self._at_once(Parcel(url, request), EXCHANGING)

    def _at_once(self, parcel: Parcel, limits: Timeouts) -> Answer:
        """Without opening it before."""
        self.is_open(parcel)  # its connection is known from then on, so that a deadline can shut it, and no other
        return self._exchange(parcel, limits)

    def _exchange(self, parcel: Parcel, limits: Timeouts) -> Answer:
        began = time.monotonic()
        with self._deadlines.until(began + limits.total, self._shutter()) as overdue:
            try:
                # The adapter, not the session: that would look for cookies, hooks and redirects, none of which we want.
                adapter: Any = self._session().get_adapter(parcel.url)
                response = adapter.send(parcel.request, timeout=(limits.connect, limits.read))
                body = _read(response)
            except requests.ConnectTimeout as error:
                raise NotSent(_name(error)) from None
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                raise _loss(error, overdue()) from None
            if overdue():
                raise Lost("the total time was over")  # a socket that was shut can look like an answer's end
        return Answer(response.status, dict(response.headers), body, time.monotonic() - began)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            session.headers.clear()
            for scheme in ("http://", "https://"):
                session.mount(scheme, _Plainly(pool_connections=4, pool_maxsize=1, max_retries=0))
            self._own.session = session
        return session

    def _pool(self, parcel: Parcel) -> Any:
        """The pool of this thread for the parcel's host; its connections make themselves known to `_shutter`."""
        adapter: Any = self._session().get_adapter(parcel.url)
        pool = adapter.get_connection_with_tls_context(parcel.request, verify=True)
        if not getattr(pool.ConnectionCls, "known_to", None):
            pool.ConnectionCls = _known(pool.ConnectionCls, self._own)
        return pool

    def _shutter(self) -> Callable[[], None]:
        """Shuts the socket of the calling thread's request, from another thread."""
        own = self._own.__dict__
        return lambda: _shut(own.get("socket"))


class _Plainly(HTTPAdapter):
    """Without what each request pays for and none of ours has: proxies, cookies, a response that sessions follow.
    It gives urllib3's own response."""

    def get_connection_with_tls_context(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> Any:
        """One pool a host, for good, so that the connection that was opened before is the one that is used."""
        host = str(request.url).split("/", 3)[2]
        pools: dict[str, Any] = self.__dict__.setdefault("pools", {})
        if host not in pools:
            pools[host] = super().get_connection_with_tls_context(request, verify=True)
        return pools[host]

    def request_url(self, request: requests.PreparedRequest, *_: Any) -> str:
        return f"/{request.path_url.lstrip('/')}"

    def build_response(self, _: requests.PreparedRequest, resp: Any) -> Any:
        return resp


def _content(body: JSON | None, file: File | None) -> tuple[str, bytes | None]:
    """What the body is, and its bytes. A form's border is made anew each time: no content can know it."""
    if file is None:
        return "application/json", None if body is None else msgspec.json.encode(body)
    parts = [*_fields(body or {}), (file.part, (file.name, file.content, file.kind))]
    form = MultipartEncoder(parts)
    return form.content_type, form.to_string()


def _fields(body: JSON, outer: str = "") -> Iterator[tuple[str, str]]:
    for name, value in body.items():
        whole = f"{outer}[{name}]" if outer else name
        if isinstance(value, dict):
            yield from _fields(value, whole)
        else:
            yield whole, str(value)


def _known(connection_class: type[Any], own: threading.local) -> type[Any]:
    """A connection class whose connections note themselves as their thread's current one when they connect."""

    class Known(connection_class):  # type: ignore[misc]
        known_to = own

        def connect(self) -> None:
            super().connect()
            own.socket = self.sock  # the connection itself lets go of it when an answer says that it closes

    return Known


def _shut(sock: socket.socket | None) -> None:
    try:
        if sock is not None:
            sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # closed meanwhile: just what was wanted


def _address(base_url: str, wire: Wire) -> str:
    query = f"?{urlencode(wire.query)}" if wire.query else ""
    return f"{base_url.rstrip('/')}{wire.path}{query}"


def _read(response: Any) -> bytes:
    """The whole body, decoded, at most `ANSWER_CAP` bytes of it."""
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := response.read(PIECE, decode_content=True):
            size += len(piece)
            if size > ANSWER_CAP:
                raise ValueError("the answer is too large")
            pieces.append(piece)
    finally:
        response.close()
        response.release_conn()
    return b"".join(pieces)


def _loss(error: Exception, overdue: bool) -> NotSent | Lost:
    text = repr(error)
    if not overdue and ("NewConnectionError" in text or "NameResolutionError" in text):
        return NotSent(_name(error))
    return Lost("the total time was over" if overdue else _name(error))


def _name(error: BaseException) -> str:
    """The class alone: the texts of these errors hold addresses and urls."""
    return type(error).__name__
