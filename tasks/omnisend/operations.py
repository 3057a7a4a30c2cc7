"""Every request of Omnisend that we make, declared once.

Source: Omnisend API v3, "Contacts", and its OpenAPI description. It names no limit of a body; that one is assumed.
"""

from collections.abc import Mapping
from typing import Any

from tasks.omnisend import agreed, batches, imported, oauth, requests
from tasks.omnisend.imported import ImportedContact
from tasks.omnisend.requests import BY_EMAIL, CONTACTS
from tasks.omnisend.shapes import SaveContact, UpdateContact, WhichContact, WhichContacts, WhoseContact
from worker.facts.found_by import FoundBy
from worker.facts.rows import Rows
from worker.facts.wire import Pages
from worker.operation import Limits, Operation, Repeat


def _look(options: Mapping[str, Any]) -> None:
    imported.look(options)
    batches.look(options)


OPERATIONS = (
    Operation(
        name="omnisend.save_contact",
        summary="Make a contact, or change the one that has its e-mail address or telephone number.",
        source="Omnisend API v3, Contacts, Create contact",
        method="POST",
        path=CONTACTS,
        shape=SaveContact,
        repeat=requests.repeat,
        fix=requests.fix,
        person=requests.person,
        names=requests.names,
        addressed=agreed.AGREED,
        found_by=requests.FOUND_BY,
        example={
            "identifiers": [
                {
                    "type": "email",
                    "id": "vanessa.kensington@example.com",
                    "channels": {"email": {"status": "subscribed", "statusDate": "2017-05-30T15:14:22Z"}},
                }
            ],
            "firstName": "Vanessa",
            "lastName": "Kensington",
            "tags": ["source: shopify"],
            "customProperties": {"age": 33, "marriageDate": "2018-07-07", "favoriteColors": ["blue", "green"]},
        },
    ),
    Operation(
        name="omnisend.update_contact",
        summary="Change some fields of a contact, named by the id that Omnisend gave it or by its e-mail address.",
        source="Omnisend API v3, Contacts, Update contact",
        method="PATCH",
        path=f"{CONTACTS}/{{contactID}}",
        shape=UpdateContact,
        repeat=Repeat.SAFE,
        fix=requests.fix,
        person=requests.person,
        names=requests.names,
        compose=requests.update,
        addressed=agreed.AGREED,
        found_by=requests.FOUND_BY,
        example={
            "contactID": "79enkpRa3GzzNRgOtvkjNvYbxwf",
            "lastName": "Powers",
            "customProperties": {"hair_color": "brown", "height": None},
        },
    ),
    Operation(
        name="omnisend.get_contact",
        summary="Ask what Omnisend knows of one contact.",
        source="Omnisend API v3, Contacts, Get contact's info",
        method="GET",
        path=f"{CONTACTS}/{{contactID}}",
        shape=WhichContact,
        repeat=Repeat.SAFE,
        compose=requests.get,
        found_by=FoundBy(("contactID",)),
        example={"contactID": "79enkpRa3GzzNRgOtvkjNvYbxwf"},
    ),
    Operation(
        name="omnisend.list_contacts",
        summary="List the contacts of an address, a status, a segment or a tag, or all of them, a page at a time.",
        source="Omnisend API v3, Contacts, List contacts",
        method="GET",
        path=CONTACTS,
        shape=WhichContacts,
        repeat=Repeat.SAFE,
        compose=requests.contacts,
        pages=Pages("contacts", requests.following),
        found_by=FoundBy(("email", "phone")),
        example={"status": "subscribed", "limit": 100},
    ),
    Operation(
        name="omnisend.get_contact_v4",
        summary="Ask what Omnisend knows of the contact with an e-mail address, by the account's link (version 4).",
        source='Omnisend, "General information", Making a request to the API',
        method="GET",
        path=f"{BY_EMAIL}{{email}}",
        shape=WhoseContact,
        repeat=Repeat.SAFE,
        auth=oauth.AUTH,
        compose=requests.get_v4,
        deprecated="Omnisend serves version 4 until 15 June 2027, and advises version 3 for whatever is new.",
        found_by=FoundBy(("email",)),
        example={"email": "austin.powers@example.com"},
    ),
    Operation(
        name="omnisend.import_contacts",
        summary="Make many contacts, or change those that are known, from a file.",
        source="Omnisend API v3, Batches, Create batch; Contacts, Create contact",
        method="POST",
        path=batches.BATCHES,
        shape=ImportedContact,
        rows=Rows(
            "contacts",
            ImportedContact,
            cells=imported.CELLS,
            fit=imported.fit,
            wire=batches.together,
            alone=batches.alone,
            cut=batches.cut,
            few=batches.FEW,
            options=(imported.CONSENT_DATE, batches.VIA, batches.BATCH_SIZE),
            look=_look,
            speaks_of=imported.speaks_of,
            identity=("email",),
        ),
        later=batches.LATER,
        addressed=agreed.AGREED,
        limits=Limits(rows=100, bytes=1_000_000, assumed=False),
        repeat=Repeat.SAFE,
        found_by=FoundBy(row=("identifiers.id", "email", "phone")),
        example={
            "email": "vanessa.kensington@example.com",
            "status": "subscribed",
            "statusDate": "2017-05-30T15:14:22Z",
            "firstName": "Vanessa",
            "tags": "source: shopify, vip",
            "favoriteColor": "blue",
        },
    ),
)
