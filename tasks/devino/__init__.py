"""Devino OMNI: cascades of SMS, Viber, e-mail, push and VK, and messages to contacts through them."""

from tasks.devino.access import SETTINGS, TIME_ZONE, access, sign
from tasks.devino.answers import read
from tasks.devino.callbacks import CALLBACKS
from tasks.devino.operations import OPERATIONS
from tasks.devino.watched import WATCHED
from worker.operation import Platform, Setting

PLATFORM = Platform(
    name="devino",
    title="Devino",
    settings=SETTINGS,
    pace=Setting("DEVINO_PACE", "calls per account; the only rate that Devino published, for an older API", "10/s"),
    access=access,
    sign=sign,
    read=read,
    operations=OPERATIONS,
    callbacks=CALLBACKS,
    probe="devino.list_cascades",
    watched=WATCHED,
    zone=TIME_ZONE,
)
