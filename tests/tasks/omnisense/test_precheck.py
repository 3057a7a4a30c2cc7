"""The pre-check may accept only what the shape accepts, with the same bytes to send."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.omnisense.precheck import precheck
from tasks.omnisense.shapes import Event
from worker.checking.check import check_lines, too_long
from worker.facts.rows import Rows
from worker.operation import Limits
from worker.sources.cut import cut
from worker.sources.inbox import open_source

SLOW = Rows("user_events", Event)
FAST = Rows("user_events", Event, precheck)
GOOD = b'{"email":"a@example.com","date":"2026-01-31T12:00:00Z","identifier":"order.placed","segments":{"id":1}}'


def _agree(lines: Sequence[bytes]) -> bool:
    """Whether the pre-check accepts; when it does, the slow road has to accept all with the same bytes."""
    taken = precheck(lines)
    if taken is None:
        return False
    checked = check_lines(range(1, len(lines) + 1), lines, SLOW)
    assert checked.refusals == []
    assert msgspec.json.encode(taken) == msgspec.json.encode(checked.rows)
    return True


def _json(row: Any) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass")


PLAIN_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
SCALAR = st.one_of(
    PLAIN_TEXT, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()
)
DATE = st.datetimes().map(lambda when: when.isoformat("T", "seconds") + "Z")
ADDRESS = st.builds(
    "{}@{}".format,
    st.from_regex(r"[A-Za-z0-9_+-]{1,8}(\.[A-Za-z0-9_+-]{1,8})?", fullmatch=True),
    st.sampled_from(["example.com", "shop.example.org", "EXAMPLE.co.uk", "localhost", "xn--80ak6aa92e.com"]),
)
NAME = PLAIN_TEXT.filter(str.strip)
TYPICAL = st.fixed_dictionaries(
    {"email": ADDRESS, "date": DATE, "identifier": NAME},
    optional={"segments": st.dictionaries(PLAIN_TEXT, SCALAR, max_size=4)},
)


@given(st.lists(TYPICAL, min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_rows_as_they_should_be_are_accepted(rows: list[dict[str, Any]]) -> None:
    assert _agree([_json(row) for row in rows])


ODD_ADDRESS = st.one_of(
    ADDRESS,
    st.text("a.@-_+\"'\\é \n\t(<,:;!\0", max_size=12),
    st.builds("{}@{}".format, st.text('aZ9.-_+é"\n@', max_size=6), st.text("aZ9.-_é[]1\n", max_size=12)),
    st.builds(
        "{}@{}".format, st.just("a"), st.sampled_from(["[127.0.0.1]", "[256.0.0.1]", "münchen.de", "a.b", "a..b", ""])
    ),
    st.sampled_from(['"quoted text"@example.com', "a@b@example.com", "@", "a@example.com\n", "\ud800@example.com"]),
)
ODD_DATE = st.one_of(
    DATE,
    st.datetimes().map(lambda when: f"{when}Z"),
    st.datetimes(timezones=st.timezones()).map(lambda when: when.isoformat()),
    st.from_regex(r"\d{4}-\d\d-\d\d[T tx]\d\d:\d\d:\d\d(Z|z|[+-]\d\d:?\d\d|)", fullmatch=True),
    st.text("0123456789-:TZ+. W", min_size=18, max_size=22),
    st.sampled_from(["2026-W01-1T10:00:00Z", "2026-01-01T24:00:00Z", "20260101T101010+0000", "2026-02-30T00:00:00Z"]),
)
ODD_TEXT = st.one_of(st.text(max_size=8), st.text('\ud800\udc00\0\u3000 \\"\x7f\x1b', max_size=4), st.just("\\u0000"))
ODD_VALUE = st.recursive(
    st.one_of(ODD_TEXT, SCALAR, st.floats(), st.integers(-(10**400), 10**400)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(ODD_TEXT, inner, max_size=3)),
    max_leaves=5,
)
ODD = st.fixed_dictionaries(
    {},
    optional={
        "email": st.one_of(ODD_ADDRESS, ODD_VALUE),
        "date": st.one_of(ODD_DATE, ODD_VALUE),
        "identifier": st.one_of(NAME, ODD_VALUE),
        "segments": st.one_of(st.dictionaries(ODD_TEXT, ODD_VALUE, max_size=3), ODD_VALUE),
        "colour": ODD_VALUE,
    },
)


def _escaped(row: Any) -> bytes:
    return json.dumps(row).encode()


def _doubled(row: dict[str, Any], again: dict[str, Any]) -> bytes:
    """The same keys twice in one object."""
    return b"{" + b",".join([_escaped(part)[1:-1] for part in (row, again) if part]) + b"}"


def _mutated(line: bytes, edits: list[tuple[int, bytes]]) -> bytes:
    for at, what in edits:
        place = at % (len(line) + 1)
        line = line[:place] + what + line[place + len(what) % 2 :]
    return line.replace(b"\n", b" ")


EDIT = st.tuples(
    st.integers(0, 400),
    st.one_of(
        st.binary(min_size=1, max_size=1),
        st.sampled_from(
            [b"", b"\\u0000", b"\\ud800", b"\\", b'"', b"NaN", b"e400", b"1e5", b"[", b"{", b",", b" ", b"\r", b"\0"]
        ),
    ),
)
ODD_LINE = st.one_of(
    st.builds(_json, st.one_of(TYPICAL, ODD)),
    st.builds(_escaped, st.one_of(TYPICAL, ODD)),
    st.builds(_doubled, TYPICAL, st.one_of(TYPICAL, ODD)),
    st.builds(_doubled, ODD, TYPICAL),
    st.builds(_mutated, st.builds(_json, TYPICAL), st.lists(EDIT, min_size=1, max_size=3)),
    st.builds(lambda row, change: _json(row | change), TYPICAL, ODD),
).map(lambda line: line.replace(b"\n", b" "))


@given(st.lists(ODD_LINE, min_size=1, max_size=3))
@settings(max_examples=500, deadline=None)
def test_whatever_the_precheck_accepts_the_shape_accepts_with_the_same_bytes(lines: list[bytes]) -> None:
    _agree(lines)


@given(st.lists(st.builds(lambda row, email: row | {"email": email}, TYPICAL, ODD_ADDRESS), min_size=1, max_size=3))
@settings(max_examples=250, deadline=None)
def test_addresses_are_judged_alike(rows: list[dict[str, Any]]) -> None:
    _agree([_escaped(row) for row in rows])


def _with_address(address: str) -> bytes:
    return GOOD.replace(b'"a@example.com"', _escaped(address))


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4])
def test_all_short_mailboxes_are_judged_alike(size: int) -> None:
    mailboxes = ["".join(letters) for letters in itertools.product('a.-@"é\n ', repeat=size)]
    accepted = {mailbox for mailbox in mailboxes if _agree([_with_address(f"{mailbox}@example.com")])}
    dots = {"".join(letters) for letters in itertools.product("a-.", repeat=size)}
    assert accepted == {mailbox for mailbox in dots if mailbox and "" not in mailbox.split(".")}


def test_all_short_domains_are_judged_alike() -> None:
    domains = ["".join(letters) for size in range(6) for letters in itertools.product("a.-1é", repeat=size)]
    accepted = [domain for domain in domains if _agree([_with_address(f"a@{domain}")])]
    assert {"a.aa", "1.aa", "é.aa"} <= set(accepted)


def test_one_rows_address_never_makes_up_for_anothers() -> None:
    odd = [
        "a",
        "@",
        "a@",
        "@a",
        "a@example.com@",
        "a\n@example.com",
        "a@example.com\nb@example.com",
        "\n",
        "a.\n.b@a.aa",
        "",
    ]
    for first, second in itertools.product([*odd, "a@example.com"], repeat=2):
        assert _agree([_with_address(first), _with_address(second)]) == (first == second == "a@example.com")


@given(st.lists(st.builds(lambda row, date: row | {"date": date}, TYPICAL, ODD_DATE), min_size=1, max_size=3))
@settings(max_examples=250, deadline=None)
def test_dates_are_judged_alike(rows: list[dict[str, Any]]) -> None:
    _agree([_escaped(row) for row in rows])


@given(st.lists(ODD_LINE, min_size=1, max_size=30))
@settings(max_examples=150, deadline=None)
def test_both_roads_send_and_refuse_the_same_rows(lines: list[bytes]) -> None:
    numbers = range(1, len(lines) + 1)
    fast, slow = check_lines(numbers, lines, FAST), check_lines(numbers, lines, SLOW)
    assert msgspec.json.encode(fast.rows) == msgspec.json.encode(slow.rows)
    assert fast.refusals == slow.refusals
    assert len(slow.rows) + len(slow.refusals) == len(lines)
    assert len({refusal.row for refusal in slow.refusals}) == len(slow.refusals)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"date": "2026-01-31 12:00:00Z"},
        {"date": "2026-01-31T12:00:00+02:00"},
        {"date": "2026-01-31T12:00:00.123Z"},
        {"segments": None},
        {"segments": {}},
        {"segments": {"big": 10**30, "part": 1.0, "none": None, "yes": True, "text": "ключ"}},
        {"email": "first.last+tag@sub.example.co.uk"},
        {"email": "o'neil@[127.0.0.1]"},
    ],
)
def test_rows_of_daily_life_take_the_fast_road(change: dict[str, Any]) -> None:
    assert _agree([GOOD, _json(json.loads(GOOD) | change)])


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (GOOD[:-1], "row.json"),
        (b"not JSON", "row.json"),
        (b"[1]", "row.not_object"),
        (b"null", "row.not_object"),
        (GOOD.replace(b"order", b"or\0der"), "row.nul"),
        (GOOD.replace(b"order", b"or\\u0000der"), "text.nul"),
        (GOOD.replace(b'"id":1', b'"\\u0000":1'), "text.nul"),
        (GOOD.replace(b"order", b"or\xffder"), "row.utf8"),
        (GOOD.replace(b"order", b"or\\ud83dder"), "row.surrogate"),
        (GOOD.replace(b'"id":1', b'"id":NaN'), "row.nan"),
        (GOOD.replace(b'"id":1', b'"id":-Infinity'), "row.nan"),
        (GOOD.replace(b'"email":"a@example.com",', b""), "email.missing"),
        (GOOD.replace(b"a@example.com", b"nobody"), "email.invalid"),
        (GOOD.replace(b"a@example.com", b"a@b@example.com"), "email.invalid"),
        (GOOD.replace(b"a@example.com", b".a@example.com"), "email.invalid"),
        (GOOD.replace(b'"date":"2026-01-31T12:00:00Z",', b""), "date.missing"),
        (GOOD.replace(b"00Z", b"00"), "date.naive"),
        (GOOD.replace(b"01-31", b"02-31"), "date.invalid"),
        (GOOD.replace(b"2026-01-31T12:00:00Z", b"0001-01-01T00:00:00+14:00"), "date.invalid"),
        (GOOD.replace(b"order.placed", b""), "identifier.empty"),
        (GOOD.replace(b"order.placed", b"  "), "identifier.empty"),
        (GOOD.replace(b'"id":1', b'"id":[1]'), "segments.nested"),
        (GOOD.replace(b'"id":1', b'"id":{"a":1}'), "segments.nested"),
        (GOOD.replace(b'{"email"', b'{"colour":"red","email"'), "colour.unknown"),
        (b'{"segments":' * 50_000, "row.too_deep"),
    ],
)
def test_a_broken_row_is_refused_by_its_code_and_its_neighbours_go(line: bytes, code: str) -> None:
    checked = check_lines([1, 2, 3], [GOOD, line, GOOD], FAST)
    assert [(refusal.row, refusal.code) for refusal in checked.refusals] == [(2, code)]
    assert len(checked.rows) == 2


def test_a_line_of_ten_megabytes_is_refused_by_its_code(tmp_path: Any) -> None:
    (tmp_path / "rows").write_bytes(GOOD + b"\n" + GOOD.replace(b"order", b"x" * (10 << 20)) + b"\n" + GOOD)
    limits = Limits(500, 1 << 20)
    with open_source("rows", [tmp_path]) as source:
        first, long, last = cut(source, limits)
    assert (first.too_long, long.too_long, last.too_long) == (False, True, False)
    refusal = too_long(long, limits)
    assert (refusal.row, refusal.code) == (2, "row.too_long")


@pytest.mark.parametrize("spoil", [b'{"email":1}', GOOD.replace(b"a@", b"a"), GOOD.replace(b"Z", b"")])
def test_one_doubtful_row_makes_the_whole_chunk_doubtful(spoil: bytes) -> None:
    assert precheck([GOOD] * 10) is not None
    assert precheck([GOOD] * 5 + [spoil] + [GOOD] * 5) is None
