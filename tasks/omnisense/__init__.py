"""Omnisense, a CRM: subscribers, events, newsletters, imports, opt-out notices."""

from tasks.omnisense.access import SETTINGS, TIME_ZONE, access, read, sign
from tasks.omnisense.callbacks import CALLBACKS
from tasks.omnisense.operations import OPERATIONS
from worker.operation import Platform, Setting

PLATFORM = Platform(
    name="omnisense",
    title="Omnisense",
    settings=SETTINGS,
    pace=Setting("OMNISENSE_PACE", "calls per account; the documents name no limit, so this is our assumption", "5/s"),
    on_unsure=Setting("OMNISENSE_ON_UNSURE", "park: a person decides; again: user events are sent again", "park"),
    access=access,
    sign=sign,
    read=read,
    operations=OPERATIONS,
    callbacks=CALLBACKS,
    zone=TIME_ZONE,
    persons=lambda address: (address.lower(), address),
)
