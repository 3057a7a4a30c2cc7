"""The rule of consent: where somebody stands is a function of the set of events, not of their order."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.consent import CONSENT, OPT_INS, OPT_OUTS, PURPOSES, channels_of, purposes, same, stops
from worker.people.consent import Event, Known, Standing

REASONS = (*OPT_OUTS, *OPT_INS)
events = st.lists(
    st.builds(
        Event,
        address=st.just("ann@example.com"),
        channel=st.just("email"),
        reason=st.sampled_from(REASONS),
        at=st.integers(0, 5).map(float),
        source=st.sampled_from(("omnisense/default", "omnisend/default", "a person")),
        purpose=st.sampled_from(PURPOSES),
    ),
    min_size=1,
    max_size=6,
)


def said(reason: str, at: float, source: str = "x", purpose: str = "marketing") -> Event:
    return Event("ann@example.com", "email", reason, at, source, purpose)


def end(*taken: Event) -> Standing:
    known: Known = {}
    for event in taken:
        known = CONSENT.learn(known, event)
    return CONSENT.standing(known)


@given(events, st.randoms())
def test_the_end_is_a_function_of_the_set(taken: list[Event], shuffled: object) -> None:
    other = list(taken) + taken[:2]  # delivered twice
    shuffled.shuffle(other)  # type: ignore[attr-defined]
    assert end(*taken) == end(*other)


@given(events)
def test_nobody_is_in_against_an_opt_out_that_no_later_act_lifted(taken: list[Event]) -> None:
    outs = [one for one in taken if one.reason in OPT_OUTS]
    lifted = all(any(act.reason == "act" and act.at > one.at for act in taken) for one in outs)
    assert end(*taken).out is not lifted or not outs


def test_an_older_event_never_wins() -> None:
    assert end(said("act", 7), said("unsubscription", 6)).out is False
    assert end(said("unsubscription", 7), said("act", 6)).out is True


def test_ties_go_to_the_opt_out() -> None:
    assert {end(*order).out for order in permutations([said("act", 7), said("unsubscription", 7)])} == {True}


def test_an_import_never_subscribes_again() -> None:
    assert end(said("unsubscription", 1), said("claim", 9)).out is True
    assert end(said("claim", 9)).out is False


def test_the_gravest_reason_is_named() -> None:
    taken = [said("bounce", 3), said("complaint", 1), said("unsubscription", 2)]
    for order in permutations(taken):
        found = end(*order)
        assert (found.reason, found.at) == ("complaint", 1)
    assert end(said("complaint", 1), said("act", 2), said("unsubscription", 3)).reason == "unsubscription"


@pytest.mark.parametrize(
    ("reason", "purpose", "speaks_of"),
    [
        ("unsubscription", "marketing", ("marketing",)),
        ("wish", "marketing", ("marketing",)),
        ("wish", "transactional", PURPOSES),
        ("complaint", "marketing", PURPOSES),
        ("bounce", "marketing", PURPOSES),
        ("act", "marketing", PURPOSES),
        ("act", "transactional", ("transactional",)),
    ],
)
def test_which_purposes_an_event_speaks_of(reason: str, purpose: str, speaks_of: tuple[str, ...]) -> None:
    assert purposes(said(reason, 1, purpose=purpose)) == speaks_of


@pytest.mark.parametrize(
    ("address", "compared", "channels"),
    [
        (" Ann@Example.COM ", "ann@example.com", ("email",)),
        ("+7 (910) 339-80-80", "79103398080", ("sms", "viber")),
        ("79103398080", "79103398080", ("sms", "viber")),
        ("fGx1:APA91b-Token_X", "fGx1:APA91b-Token_X", ("push",)),
        ("  ", None, ("push",)),
    ],
)
def test_how_addresses_are_compared(address: str, compared: str | None, channels: tuple[str, ...]) -> None:
    assert same(address) == compared
    assert compared is None or channels_of(address) == channels


@pytest.mark.parametrize(
    ("reasons", "dropped"),
    [
        ([None, None], False),
        (["unsubscription", None], True),
        ([None, "complaint"], True),
        (["bounce", None], False),
        (["bounce", "bounce"], True),
        (["bounce"], True),
        ([], False),
    ],
)
def test_one_wish_drops_an_address_and_a_bounce_only_where_it_is_on_every_channel(
    reasons: list[str | None], dropped: bool
) -> None:
    assert stops(reasons) is dropped
