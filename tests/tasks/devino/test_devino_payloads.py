"""Random valid payloads of every shape are accepted by the sandbox, and what is sent is what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings

from sandbox.server import Sandbox
from tests.tasks.devino.conftest import Post
from tests.tasks.devino.payloads import LISTS, MACROS, MESSAGES, Pair, cascades


@given(cascades())
@settings(max_examples=120, deadline=None)
def test_any_valid_cascade_is_created_as_it_was_asked_for(played: Sandbox, pair: Pair) -> None:
    asked, expected = pair
    (sent,) = Post(played)("create_cascade", asked)
    assert sent.body == expected
    assert sent.answer["result"]["code"] == "OK"


@given(MESSAGES)
@settings(max_examples=120, deadline=None)
def test_any_valid_messages_are_sent_as_they_were_asked_for(played: Sandbox, pair: Pair) -> None:
    asked, expected = pair
    (sent,) = Post(played)("send_messages", asked)
    assert sent.body == expected
    assert sent.answer["result"]["errorAnswers"] == []
    assert len(sent.answer["result"]["sendAnswers"]) == len(expected.get("contacts", expected.get("contactIds")))


def _asked_in_the_query(expected: Mapping[str, Any]) -> list[tuple[str, str]]:
    flat = [(name, one) for name, value in expected.items() for one in (value if isinstance(value, list) else [value])]
    return sorted((name, str(one).lower() if isinstance(one, bool) else str(one)) for name, one in flat)


@given(LISTS)
@settings(max_examples=80, deadline=None)
def test_any_valid_question_for_cascades_is_asked_as_it_is(played: Sandbox, pair: Pair) -> None:
    asked, expected = pair
    (sent,) = Post(played)("list_cascades", asked)
    assert sorted(sent.query) == _asked_in_the_query(expected)


@given(MACROS)
@settings(max_examples=40, deadline=None)
def test_any_valid_question_for_macros_is_asked_as_it_is(played: Sandbox, pair: Pair) -> None:
    asked, expected = pair
    (sent,) = Post(played)("list_macros", asked)
    assert sorted(sent.query) == _asked_in_the_query(expected)
