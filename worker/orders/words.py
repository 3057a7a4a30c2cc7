"""What an order may say: the words of a public task's kwargs and the options of a file, each declared once.

Intake refuses every other word; the command line and docs/tasks.md are made from these.
"""

from __future__ import annotations

from dataclasses import dataclass

from worker.facts.wire import Choice
from worker.sources.wanted import DELIMITERS, FORMATS


@dataclass(frozen=True)
class Word:
    """One name in the kwargs of a task. `needed` words have to be there."""

    name: str
    takes: str
    meaning: str
    needed: bool = False


@dataclass(frozen=True)
class Option:
    """One name in `options`. `allowed` are its values, where they can be listed."""

    name: str
    takes: str
    meaning: str
    allowed: tuple[str, ...] = ()


KEY = Word(
    "key",
    "text",
    "your once-only name for what you ask: unique within account and operation, the same key is the same job, "
    "for ever. Without one the Celery task id is the key",
)
ACCOUNT = Word("account", "text", "the platform's account; `default` if not given")

THEN = Word(
    "then",
    "list of objects",
    "tasks of yours to send when no row is pending any more: `task`, `queue`, and `kwargs` if wanted, "
    "to which `report` is added",
)
ON_ERROR = Word(
    "on_error",
    "list of objects",
    "the same, sent besides when not all went well: the job failed, was cancelled, or has refused or unsure rows",
)

CALL_WORDS = (
    Word("payload", "object", "what the operation's page lists", needed=True),
    KEY,
    ACCOUNT,
    Word("options", "object", "see below, and what the operation's page lists"),
)
AROUND = Word(
    "payload", "object", "what stands around the rows in each request, where the operation's page says that it takes it"
)
FILE_WORDS = (
    Word(
        "source",
        "text",
        "the path of a file in a folder of `INBOX` as the workers see it, or an address under a prefix of it",
        needed=True,
    ),
    AROUND,
    KEY,
    ACCOUNT,
    Word("options", "object", "see below, and what the operation's page lists"),
    THEN,
    ON_ERROR,
)
ROWS_WORDS = (
    Word("rows", "list of objects", "in place of a source: the rows themselves, at most 1 MiB of JSON", needed=True),
    AROUND,
    KEY,
    ACCOUNT,
    Word("options", "object", "`on_unsure`, `purpose`, `changed_only`, `max_refused`"),
    THEN,
    ON_ERROR,
)

PURPOSES = MARKETING, TRANSACTIONAL = ("marketing", "transactional")
PURPOSE = Option(
    "purpose",
    "text",
    "of messages: `marketing` if not given. `transactional`, for what the account's settings list by its id: no "
    "unsubscription stops it, a complaint or a bounce does",
    allowed=PURPOSES,
)
UNCHECKED = Option(
    "unchecked",
    "true",
    "of messages to people whose addresses the platform alone knows, and of an `optin` or `optin_sms` without its "
    "address: send them, though nobody's opt-out can be seen",
)
ON_UNSURE = Option(
    "on_unsure",
    "text",
    "where a repeat harms and the answer was lost: `park` waits for a person, `again` sends it again and counts it "
    "as repeated (user events only). If not given, the account's setting decides",
    allowed=("park", "again"),
)
FILES = (
    Option("format", "text", "what the file is; if not given, its name and content say", allowed=FORMATS),
    Option("encoding", "text", "of the text, where it is not UTF-8 and no byte order mark says so, like `cp1251`"),
    Option("delimiter", "text", "of CSV; if not given, the header says", allowed=tuple(DELIMITERS)),
    Option(
        "map",
        "object",
        'of CSV: what we call a column of theirs, like `{"Mail": "email"}`; a command says `Mail=email`',
    ),
    Option("time_zone", "text", "of CSV: where dates without an offset are, like `Europe/Paris`"),
    Option("numbers", "list of texts", "of CSV: columns whose cells are sent as numbers"),
    Option("leave_out", "list of texts", "of CSV: columns that are not sent"),
    Option("json_column", "text", "of CSV: the column whose cells are whole rows in JSON, and all that is sent"),
    Option(
        "defused",
        "true or false",
        "of CSV: an apostrophe in front of what a spreadsheet would run is taken away, where `jobs refused` put it",
    ),
)
STRICT = Option(
    "strict",
    "boolean",
    "a file with columns that look like fields of the platform, and are not written like them, is refused; without it "
    "they go as they are, and are warned about",
)
UNIQUE = Option(
    "unique",
    "list of texts",
    "fields that say who a row is about: of rows with equal ones the last goes, the others are skipped, `duplicate`",
)
CHANGED_ONLY = Option(
    "changed_only",
    "boolean",
    "rows that are as they were when the account last accepted them stay behind: skipped, `unchanged`. Who a row is "
    "about say the fields of `unique`, else the operation",
)
MAX_REFUSED = Option(
    "max_refused",
    "text",
    "the job pauses when more of its first 1,000 rows are refused, like `20%`; `jobs resume` lets it go on. It needs "
    "1,000 rows that have ended, and requests that are left to hold back: a smaller file is over before anything can "
    "be held",
)
WHICH_ROWS = (UNIQUE, CHANGED_ONLY, MAX_REFUSED)
CALL_OPTIONS: tuple[Option, ...] = (PURPOSE, UNCHECKED)
FILE_OPTIONS = (ON_UNSURE, PURPOSE, *FILES, STRICT, *WHICH_ROWS)
ROWS_OPTIONS = (ON_UNSURE, PURPOSE, CHANGED_ONLY, MAX_REFUSED)


def names(declared: tuple[Word, ...] | tuple[Option | Choice, ...]) -> set[str]:
    return {one.name for one in declared}
