"""The one Celery app. Each setting that is not the default has its reason: take it out, and that is what breaks."""

from __future__ import annotations

import importlib
from typing import Any

from celery import Celery
from celery.signals import (
    setup_logging,
    task_revoked,
    worker_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)

from worker import platforms
from worker.broker import VISIBILITY, told
from worker.heard import EventsTogether
from worker.logs import set_up_logs
from worker.quiet import quiet_consumer
from worker.runner.tasks import HandOut, give_task, routes
from worker.settings import settings

_told = settings()
app = Celery("omniworker", broker=_told.broker_url or "redis://127.0.0.1:6379/0", backend=_told.result_backend)
app.conf.update(
    # A message from an application is safe in the broker until its job is recorded.
    task_acks_late=True,
    task_acks_on_failure=True,
    # Deaths are counted in the ledger; Celery's own redelivery of a dead worker's message loops for ever.
    task_reject_on_worker_lost=False,
    # One message a free thread: what a process has prefetched waits for nobody else.
    worker_prefetch_multiplier=1,
    # Nothing of ours waits in a worker's memory: `not_before` lies in the ledger.
    worker_eta_task_limit=1000,
    # Longer than any task; shorter than an operator's patience after a kill.
    visibility_timeout=VISIBILITY,
    **told(_told.broker_url, (*platforms.platforms(), "bulk", "urgent")),
    result_backend_transport_options={"visibility_timeout": VISIBILITY},
    # A call on the wire is not cancelled because Redis went away: that would make it unsure.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry_on_startup=True,
    # Wait for Redis for ever: the supervisor is not needed for an outage of the broker.
    broker_connection_max_retries=None,
    # Publishing gives up within seconds: the ledger has the row, the sweeper tells again.
    task_publish_retry_policy={"max_retries": 2, "interval_start": 0.2, "interval_step": 0.3, "interval_max": 1},
    # A hanging result backend must not hold a thread for ever.
    result_backend_max_retries=5,
    # Code in a message is code that runs.
    accept_content=["json"],
    result_accept_content=["json"],
    task_serializer="json",
    result_serializer="json",
    # The arguments would be stored beside the result.
    result_extended=False,
    # The ledger has what became of a call for good.
    result_expires=86400,
    # Operators watch Flower; ids and names are all it is told.
    worker_send_task_events=True,
    task_send_sent_event=False,
    task_track_started=False,
    # A slot that fired is not fired again after a crash of beat.
    beat_sync_every=1,
    beat_max_loop_interval=5,
    timezone="UTC",
    enable_utc=True,
    # The lines of a worker are set up once, in logs.py.
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    task_routes=routes(list(platforms.operations().values())),
    task_create_missing_queues=True,
)
for _operation in platforms.operations().values():
    give_task(app, _operation)
# When follows from what, so the house finds it by name, as it finds the platforms.
importlib.import_module("schedules.beat").give(app)
app.register_task(HandOut())
app.conf.task_routes = {**app.conf.task_routes, HandOut.name: {"queue": "urgent"}}
app.steps["consumer"].add(EventsTogether)
app.set_default()
quiet_consumer()


@setup_logging.connect
def _logs(**_: Any) -> None:
    set_up_logs(settings().log_level)


@worker_init.connect
def _check(**_: Any) -> None:
    from worker.processes.start import check_worker

    check_worker()


@worker_ready.connect
def _ready(sender: Any = None, **_: Any) -> None:
    from worker.processes.start import began_or_end

    began_or_end(str(getattr(sender, "hostname", "worker")))


@worker_shutting_down.connect
def _leaving(**_: Any) -> None:
    from worker.processes.process import process

    process().stopping.set()


@worker_shutdown.connect
def _left(**_: Any) -> None:
    from worker.processes.start import ended

    ended()


@task_revoked.connect
def _revoked(request: Any = None, **_: Any) -> None:
    from worker.processes.process import process
    from worker.runner.call import revoked

    revoked(process(), str(getattr(request, "id", "")))
