"""Omnisend: the contacts of a shop, their channels and their consent to be written to."""

from tasks.omnisend import oauth
from tasks.omnisend.access import SETTINGS, access
from tasks.omnisend.answers import read
from tasks.omnisend.operations import OPERATIONS
from tasks.omnisend.opted_out import EVERYBODY, LISTED
from worker.operation import Platform, Setting

PLATFORM = Platform(
    name="omnisend",
    title="Omnisend",
    settings=(*SETTINGS, *oauth.SETTINGS),
    pace=Setting("OMNISEND_PACE", "calls per account; Omnisend allows 400 in any minute", "400/m"),
    access=access,
    sign=oauth.sign,
    read=read,
    operations=OPERATIONS,
    link=oauth.LINK,
    probe="omnisend.list_contacts",
    opt_outs=LISTED,
    everybody=EVERYBODY,
    persons=lambda address: (f"email:{address.lower()}", f"email:{address}", f"phone:{address}"),
)
