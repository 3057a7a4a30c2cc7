"""The public door for callbacks: who is it, keep what was told, answer 200.

The ledger has it before the answer, whatever Redis does; what can't be stored is answered 500, after which Devino sends
again. Doors are mounted from the platforms' records, one for each account that has a secret: without one there is none.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask, Request, Response, request
from werkzeug.exceptions import BadRequest, HTTPException

from worker.facts.callback import Called
from worker.ledger import posts
from worker.linking import connecting
from worker.operation import Platform
from worker.platforms import Account, account, account_ids
from worker.platforms import doors as open_doors
from worker.processes.process import process
from worker.receiver.told import keep

LARGEST = 1 << 20
READY_FOR = 1.0
log = logging.getLogger(__name__)


def receiver(wake: Callable[[], None]) -> Flask:
    """The application. `wake` is told after each callback that was stored, and keeps nobody waiting."""
    app = Flask("receiver", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST
    app.add_url_rule("/healthz", "healthz", lambda: _empty(200))
    app.add_url_rule("/readyz", "readyz", _Ready())
    for path, one in doors():
        app.add_url_rule(path, path, partial(_called, one, wake), methods=["POST"], provide_automatic_options=False)
    for path, platform in ways_back():
        app.add_url_rule(path, path, partial(_came_back, platform), methods=["GET"], provide_automatic_options=False)
    app.wsgi_app = _Told(app.wsgi_app, frozenset(rule.rule for rule in app.url_map.iter_rules()))  # type: ignore[method-assign]
    app.register_error_handler(HTTPException, lambda error: _empty(error.code or 500))
    return app


def doors() -> list[tuple[str, Account]]:
    """Where each account is called that has a secret for it."""
    return [(one.callback_path, one) for one in open_doors()]


def ways_back() -> list[tuple[str, Platform]]:
    """Where browsers come back to from each platform that an account can be linked to."""
    linked = {one.platform.name: one.platform for one in map(account, account_ids()) if connecting.can_begin(one)}
    return [(connecting.path(platform), platform) for platform in linked.values()]


def _came_back(platform: Platform) -> Response:
    """A person agreed at the platform, or did not: a sentence for them. Whoever only looks uses nothing up."""
    if request.method != "GET":
        return _empty(405)
    try:
        end = connecting.finish(process(), platform, tuple(request.args.items(multi=True)))
    except Exception as error:  # noqa: BLE001 - whatever it was, its own words may hold what came in the address
        log.error("an account of %s could not be linked: %s", platform.title, type(error).__name__)
        return _page(500, "It could not be stored, so nothing is linked. Connect once more later.")
    log.log(logging.INFO if end.well else logging.WARNING, "%s", end.sentence)
    return _page(200 if end.well else 400, end.sentence)


def _page(status: int, sentence: str) -> Response:
    page = Response(f"{sentence}\n", status, content_type="text/plain; charset=utf-8")
    # The address holds a code: no later page learns of it, nothing on the way keeps the answer.
    page.headers.update({"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"})
    return page


def _called(one: Account, wake: Callable[[], None]) -> Response:
    asked = request._get_current_object()  # type: ignore[attr-defined] # each look through the proxy costs a look
    callbacks = one.platform.callbacks
    assert callbacks is not None  # noqa: S101 - an account with secrets for it is of a platform that calls
    called = Called(tuple(parse_qsl(asked.query_string.decode("latin-1"), keep_blank_values=True)), asked.headers)
    if not callbacks.verify(called, one.callback_secrets):
        return _empty(403)
    body = _body(asked)
    try:
        keep(process(), one, body, asked.environ.get("HTTP_CONTENT_ENCODING", ""))
    except Exception as error:  # noqa: BLE001 - whatever it was, the caller has to come again
        # Without the error's own words: they may hold what was told.
        log.error("a callback for %s could not be stored: %s", one.id, type(error).__name__)
        return _empty(500)
    wake()
    return _empty(200)


def _body(asked: Request) -> bytes:
    """Raises an answer of its own, 413 or 400, where the request breaks off or breaks the rules of chunks."""
    try:
        return asked.get_data(cache=False)
    except HTTPException:
        raise
    except Exception as error:
        raise BadRequest from error


class _Ready:
    """Whether the ledger takes a write; asked of it once a second at most, however often we are asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_at, self._answer = 0.0, False

    def __call__(self) -> Response:
        with self._lock:
            if time.monotonic() - self._asked_at > READY_FOR:
                self._answer, self._asked_at = _writable(), time.monotonic()
            return _empty(200 if self._answer else 503)


def _writable() -> bool:
    try:
        process().ledger.write(posts.touch)
    except Exception as error:  # noqa: BLE001 - whatever it was, it is not ready
        log.error("the ledger takes no write: %s", type(error).__name__)
        return False
    return True


def _empty(status: int) -> Response:
    return Response(status=status)


class _Told:
    """The access log: the door's own name, never what a caller wrote into the address."""

    def __init__(self, app: Callable[..., Iterable[bytes]], names: frozenset[str]) -> None:
        self._app, self._names = app, names

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        began, said = time.monotonic(), "-"

        def start(status: str, *more: Any) -> Any:
            nonlocal said
            said = status[:3]
            return start_response(status, *more)

        answer = self._app(environ, start)
        name, path = environ.get("REQUEST_METHOD"), environ.get("PATH_INFO")
        where = path if path in self._names else "-"
        log.info("%s %s %s %d ms", name, where, said, round((time.monotonic() - began) * 1000))
        return answer
