"""`python -m tests.bench.bare_web`: a Flask route that reads what it is sent and answers 200, served as `web` is."""

from __future__ import annotations

from flask import Flask, Response, request

from worker.receiver.web import Web
from worker.settings import settings


class Bare(Web):
    """The same gunicorn with the same settings, and nothing behind it."""

    def load(self) -> Flask:
        app = Flask("bare", static_folder=None)
        app.add_url_rule("/callbacks/devino", "called", _called, methods=["POST"])
        return app


def _called() -> Response:
    request.get_data(cache=False)
    return Response(status=200)


if __name__ == "__main__":
    Bare(settings()).run()
