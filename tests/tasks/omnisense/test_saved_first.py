"""The steps of a newsletter whose recipients are saved first."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.omnisense.save_first import MOST, following
from worker.errors import Refused
from worker.facts.wire import Step

LETTER = {"newsletter_template_id": 45}
OWN = {"email": "own@shop.example.com", "variables": {"code": "1"}}


def asked(*emails: Any) -> dict[str, Any]:
    return {"newsletter": LETTER, "emails": list(emails)}


def test_everybody_is_saved_by_address_alone() -> None:
    step = following(asked("a@shop.example.com", OWN), {})
    assert isinstance(step, Step)
    assert step.each == [{"user": {"email": "a@shop.example.com"}}, {"user": {"email": "own@shop.example.com"}}]


def test_it_goes_to_those_who_were_saved_as_they_stood_there() -> None:
    step = following(asked("a@shop.example.com", "b@shop.example.com", OWN), {"save": [False, True, True]})
    assert isinstance(step, Step)
    assert (step.operation, step.payload) == ("omnisense.send_newsletter", asked("b@shop.example.com", OWN))


def test_too_many_are_refused_before_the_first_is_saved() -> None:
    with pytest.raises(Refused) as error:
        following(asked(*(f"p{n}@shop.example.com" for n in range(MOST + 1))), {})
    assert error.value.refusals[0].code == "save_first.too_many"
