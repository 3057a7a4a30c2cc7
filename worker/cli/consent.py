"""`omniworker consent`: who may be written to, who said so, and which platform was told."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Sequence

import click

from worker import platforms
from worker.cli import consent_shown, office, options, show
from worker.cli.commands import Commands
from worker.cli.consent_file import Wrong, read_events
from worker.cli.consent_shown import known_of, standing
from worker.cli.export import STANDARD_OUTPUT, write
from worker.cli.sentences import WordsOff
from worker.ledger import consents
from worker.operation import JSON
from worker.people import register
from worker.people.consent import Event
from worker.processes.process import Process

AT_ONCE = 50
MOST_SHOWN = 1000
SOME_REFUSED = 3
FEWEST_DIGITS = 5


@click.group(cls=Commands)
def consent() -> None:
    """Who may be written to, on which channel, and what for."""


@consent.command("show")
@click.argument("address", metavar="ADDRESS")
@options.as_json
def show_one(address: str, as_json: bool) -> None:
    """Where ADDRESS (e-mail, telephone number, device token) stands, and every receipt of it."""
    own = office.for_reading()
    found = own.ledger.read(lambda tx: known_of(own, tx, address))
    if as_json:
        show.document(found)
    else:
        consent_shown.say(found)


@consent.command("set")
@click.argument("address", metavar="ADDRESS")
@click.argument("state", metavar="in|out")
@click.option("--channel", "channels", multiple=True, metavar="NAME", help="email, sms, viber, push; all it can be on.")
@click.option("--reason", metavar="WORD", help="Of an opt-out: wish (if not given), unsubscription, bounce, complaint.")
@click.option("--purpose", default="marketing", metavar="WORD", help="marketing (if not given) or transactional.")
@click.option("--at", "moment", metavar="TIME", help="When it happened, with its offset from UTC; now if not given.")
@options.by
@options.as_json
def set_one(
    address: str,
    state: str,
    channels: Sequence[str],
    reason: str | None,
    purpose: str,
    moment: str | None,
    by: str | None,
    as_json: bool,
) -> None:
    """Write down what a person said of ADDRESS: `out`, they want nothing more; `in`, they agreed.

    An opt-out is checked before every send from now on, and the other platforms are told. An opt-in lifts an older
    opt-out here; it is told to nobody.
    """
    who = by or office.login()
    events = _events(address, state, channels, reason, purpose, _moment(moment), who)
    own = office.for_recording()
    new = own.ledger.write(lambda tx: [register.enter(own, tx, event, who) for event in events])
    if not any(new):
        show.aside("Nothing is new in that: the same, or something later, was known before.")
    elif not office.somebody_works(own):
        show.aside("It holds from now on. No worker is running: `omniworker up` tells the other platforms.")
    found = own.ledger.read(lambda tx: known_of(own, tx, address))
    if as_json:
        show.document(found)
    else:
        consent_shown.say(found)


@consent.command("export")
@click.option("-o", "file", required=True, metavar="FILE", help="Where to; - writes to standard output.")
@options.as_json
def export_all(file: str, as_json: bool) -> None:
    """Write everybody's standing to FILE, a JSON object a line. It holds addresses: nobody else may read it."""
    if as_json and file == STANDARD_OUTPUT:
        raise WordsOff("With -o - the rows go to standard output, where --json would put its document: choose one.")
    own = office.for_reading()
    written = write(file, _pages(own))
    if as_json:
        show.document({"file": file, "rows": written.rows})
    else:
        show.aside(f"{written.rows:,} rows in {'standard output' if file == STANDARD_OUTPUT else file}.")


@consent.command("import")
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@options.by
@options.as_json
@click.pass_context
def import_all(ctx: click.Context, file: str, by: str | None, as_json: bool) -> None:
    """Take in a list of people: NDJSON, or CSV with a header, of `address` and, where they differ from these, `state`
    (out), `channel` (all it can be on), `reason` (unsubscription), `purpose` (marketing), `at` (now).

    Whoever stands there as `in` is noted, and lifts no opt-out: only a person's own act does. Good rows are taken in,
    bad ones named by row and reason: then the exit status is 3, else 0.
    """
    own = office.for_recording()
    sums, wrong = _take_in(own, file, by or office.login())
    if as_json:
        show.document({"file": file, **sums, "reasons": [{"row": one.row, "reason": one.sentence} for one in wrong]})
    else:
        click.echo(f"{sums['new']:,} new, {sums['known']:,} known before, {sums['refused']:,} refused")
        for one in wrong:
            show.aside(f"row {one.row}: {one.sentence}")
        if sums["refused"]:
            show.aside(_mend(sums["refused"], len(wrong)))
    ctx.exit(SOME_REFUSED if sums["refused"] else 0)


def _mend(refused: int, named: int) -> str:
    more = f"{refused - named:,} further ones are not named. " if refused > named else ""
    return f"{more}All others are taken in: mend these, and take in a file of them alone (exit status 3)."


def _take_in(own: Process, file: str, by: str) -> tuple[dict[str, int], list[Wrong]]:
    """How many events were new, known before and refused, and the first of the reasons."""
    sums = {"rows": 0, "new": 0, "known": 0, "refused": 0}
    wrong: list[Wrong] = []
    batch: list[Event] = []
    for events in read_events(file, platforms.consent()):
        sums["rows"] += 1
        if isinstance(events, Wrong):
            sums["refused"] += 1
            wrong = [*wrong, events][:MOST_SHOWN]
            continue
        batch += events
        if len(batch) >= AT_ONCE:
            _enter(own, batch, by, sums)
            batch = []
    _enter(own, batch, by, sums)
    return sums, wrong


def _enter(own: Process, batch: list[Event], by: str, sums: dict[str, int]) -> None:
    new = own.ledger.write(lambda tx: [register.enter(own, tx, event, by) for event in batch])
    sums["new"] += sum(number is not None for number in new)
    sums["known"] += sum(number is None for number in new)


def _is_doubtful(address: str) -> bool:
    """Somebody's typing: a blank inside an address, or what is neither an address nor a number."""
    text = address.strip()
    return any(map(str.isspace, text)) if "@" in text else sum(map(str.isdigit, text)) < FEWEST_DIGITS


def _events(
    address: str, state: str, channels: Sequence[str], reason: str | None, purpose: str, at: float, who: str
) -> list[Event]:
    """One event a channel. Raises `WordsOff`."""
    rule = platforms.consent()
    if rule.same(address) is None:
        raise WordsOff("ADDRESS is empty: give an e-mail address, a telephone number or a device's token.")
    if not channels and _is_doubtful(address):
        raise WordsOff(
            "ADDRESS looks like neither an e-mail address nor a telephone number: correct it, or say with --channel "
            "that it is a device's token."
        )
    if state not in ("in", "out"):
        raise WordsOff(f"{state!r} is neither in nor out.")
    if state == "in" and reason:
        raise WordsOff("--reason says why somebody opted out; leave it out with `in`.")
    _one_of("--purpose", purpose, rule.purposes_of_use)
    _one_of("--reason", reason or "wish", rule.opt_outs)
    for channel in channels:
        _one_of("--channel", channel, rule.channels_of(address))
    said = (reason or "wish") if state == "out" else rule.opt_ins[0]
    return [Event(address, one, said, at, who, purpose) for one in channels or rule.channels_of(address)]


def _one_of(option: str, word: str, allowed: Sequence[str]) -> None:
    if word not in allowed:
        raise WordsOff(f"{option} is {word!r}: here it can be {', '.join(allowed)}.")


def _moment(text: str | None) -> float:
    if text is None:
        return time.time()
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise WordsOff(f"--at is {text!r}: write date, time and offset, like 2026-01-31T14:00:00+02:00.") from None
    if moment.tzinfo is None:
        raise WordsOff("--at does not say its offset from UTC: write it, like 2026-01-31T14:00:00+02:00.")
    if moment.timestamp() > time.time() + register.CLOCKS_DIFFER:
        raise WordsOff("--at lies in the future: nobody can have said it yet.")
    return moment.timestamp()


def _pages(own: Process) -> Iterator[list[JSON]]:
    last = 0
    while rows := own.ledger.read(lambda tx, last=last: consents.following(tx, last, 1000)):  # type: ignore[misc]
        yield [standing(row) | {"address": own.seal.open(row.address)} for row in rows]
        last = rows[-1].id
