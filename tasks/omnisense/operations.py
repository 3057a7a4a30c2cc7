"""Every request of Omnisense that we make, declared once.

Source: Omnisense API documentation v1.0. It names no limits; those marked assumed are our own.
"""

from tasks.omnisense import agreed_cells, events, newsletters, subscriber_files, subscribers
from tasks.omnisense.access import ADMIN, BASIC
from tasks.omnisense.campaign import CAMPAIGN
from tasks.omnisense.precheck import precheck, precheck_cells
from tasks.omnisense.save_first import SAVE_FIRST
from tasks.omnisense.shapes import NEWSLETTER, Event, Newsletter, Subscriber, SubscriberRow, User, UserEvent
from worker.facts.found_by import FoundBy
from worker.facts.rows import Cells, Rows
from worker.facts.wire import Keeps
from worker.operation import Limits, Operation, Repeat, Timeouts

OPERATIONS = (
    Operation(
        name="omnisense.save_subscriber",
        summary="Create or update one person: what is known of them, and what they agreed to.",
        source="Omnisense API v1.0, Basic API, User data",
        method="POST",
        path=subscribers.PATH,
        auth=BASIC,
        shape=Subscriber,
        repeat=Repeat.SAFE,
        compose=subscribers.compose,
        person=subscribers.person,
        names=subscribers.names,
        keeps=Keeps(subscribers.trid),
        addressed=subscribers.AGREED,
        blind=subscribers.blind,
        found_by=FoundBy(("user.email", "user.phone", "trid", "udid"), answered=subscribers.TRID),
        example={
            "udid": "12345-abcdef-67890-fedcba",
            "user": {"email": "foo@bar.com", "first_name": "Foo", "last_name": "Bar", "lang": "fr", "optin": True},
            "location": {"latitude": "42.6932879", "longitude": "2.8951097"},
            "metadata": {"purchase_count": "5"},
        },
    ),
    Operation(
        name="omnisense.import_subscribers",
        summary="Create or update many people from a file, whose columns go as they are.",
        source="Omnisense API v1.0, Administrative API, Import users",
        method="POST",
        path=subscriber_files.PATH,
        auth=ADMIN,
        shape=SubscriberRow,
        rows=Rows(
            "subscribers",
            SubscriberRow,
            cells=Cells(
                ("email",),
                likely=tuple(User().fields),
                names_once=True,
                precheck=precheck_cells,
                example=subscriber_files.EXAMPLE,
            ),
            fit=subscriber_files.fit,
            encode=subscriber_files.encode,
            wire=subscriber_files.wire,
            addressed=agreed_cells.agreed,
            identity=("email",),
        ),
        limits=Limits(rows=5000, bytes=1 << 20, assumed=True),
        timeouts=Timeouts(read=120.0, total=120.0),
        repeat=Repeat.SAFE,
        verified=False,
        found_by=FoundBy(row=("email", "phone")),
        example={"email": "foo@bar.com", "first_name": "Foo", "last_name": "Bar", "lang": "fr"},
    ),
    Operation(
        name="omnisense.record_user_event",
        summary="Record what one person just did; with date and e-mail, it keeps its date when it leaves late.",
        source="Omnisense API v1.0, Basic API, Actions / Events",
        method="POST",
        path=events.PATH,
        auth=BASIC,
        shape=UserEvent,
        repeat=Repeat.HARMFUL,
        may_repeat=True,
        compose=events.compose,
        found_by=FoundBy(("email", "trid"), answered=subscribers.TRID),
        example={
            "email": "foo@bar.com",
            "user_event": {
                "identifier": "product.view",
                "segments": {"id": "1234", "name": "foo", "media": "iphone_app"},
            },
        },
    ),
    Operation(
        name="omnisense.send_newsletter",
        summary="Send a template to people that Omnisense knows; addresses it doesn't know are ignored there.",
        source="Omnisense API v1.0, Administrative API, Email API",
        method="POST",
        path=newsletters.PATH,
        auth=ADMIN,
        shape=Newsletter,
        limits=NEWSLETTER,
        repeat=Repeat.HARMFUL,
        verified=False,
        split=newsletters.split,
        campaign=CAMPAIGN,
        count=newsletters.count,
        compose=newsletters.compose,
        addressed=newsletters.ADDRESSED,
        transactional=newsletters.LISTED,
        choices=(SAVE_FIRST,),
        found_by=FoundBy(("emails", "emails.email")),
        example={
            "newsletter": {
                "newsletter_template_id": 45,
                "sender_profile_id": 11,
                "title": "Lorem ipsum title",
                "variables": {"promo_code": "123456", "promo_link": "https://omnisense.io?promo=123456"},
            },
            "emails": ["foo@bar.com", {"email": "yourcustomer@test.com", "variables": {"promo_code": "654321"}}],
        },
    ),
    Operation(
        name="omnisense.import_user_events",
        summary="Import what many people did, each event with its own date, from a file.",
        source="Omnisense API v1.0, Administrative API, Import actions",
        method="POST",
        path=events.IMPORT_PATH,
        auth=ADMIN,
        shape=Event,
        rows=Rows(
            events.IMPORTED,
            Event,
            precheck,
            Cells(("email", "date", "identifier"), rest="segments", moments=("date",), example=events.EXAMPLE),
        ),
        limits=Limits(rows=500, bytes=1 << 20, assumed=True),
        repeat=Repeat.HARMFUL,
        may_repeat=True,
        verified=False,
        found_by=FoundBy(row=("email",)),
        example={
            "email": "yourcustomer@test.com",
            "date": "2018-11-13 10:00:00Z",
            "identifier": "product.order",
            "segments": {"order_id": 1234, "order_amount": 150, "order_currency": "EUR"},
        },
    ),
)
