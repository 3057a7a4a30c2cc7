"""What Flower hears of a worker: the same events as ever, a few times a second in one message.

Celery publishes them whenever its loop comes round, and a worker in a hurry comes round for every single one: that
cost a tenth of a call.
"""

from __future__ import annotations

from typing import Any

from celery.bootsteps import StartStopStep
from celery.worker.consumer.events import Events

PAUSE = 0.25
AT_ONCE = 1000


class EventsTogether(StartStopStep):
    """Events wait for each other for `PAUSE` seconds, or until they are `AT_ONCE`."""

    requires = (Events,)

    def start(self, c: Any) -> None:
        dispatcher = c.event_dispatcher
        if c.hub is None or not dispatcher.enabled:
            return
        dispatcher.on_send_buffered = None
        dispatcher.buffer_limit = AT_ONCE
        self._timer = c.hub.call_repeatedly(PAUSE, dispatcher.flush)

    def stop(self, _c: Any) -> None:
        timer, self._timer = getattr(self, "_timer", None), None
        if timer is not None:
            timer.cancel()
