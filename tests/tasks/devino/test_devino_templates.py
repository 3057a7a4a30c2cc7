"""The six templates, each limit at its edge (platforms.md 2.4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tasks.devino.conftest import cascade, codes, first, loaded

DAY = 86_400
LEAST: dict[str, tuple[str, dict[str, Any]]] = {
    "SMS": ("smsTemplate", {"from": "SHOP", "text": "Hello"}),
    "VIBER": ("viberTemplate", {"from": "SHOP", "text": "Hello"}),
    "EMAIL": ("emailTemplate", {"sourceAddress": "a@shop.test", "subject": "Hello", "htmlBody": "${Unsubscribe}"}),
    "PUSH": ("pushTemplate", {"from": 1, "text": "Hello"}),
    "PUSH_WALLET": ("pushWalletTemplate", {"from": "SHOP", "payload": {"message": "Hello"}}),
    "VK": ("vkTemplate", {"templateId": "1", "routes": ["VK"]}),
}


def _with(channel: str, **changes: Any) -> dict[str, Any]:
    key, content = LEAST[channel]
    content = {name: value for name, value in {**content, **changes}.items() if value is not ...}
    return {key: content}


def _codes(channel: str, **changes: Any) -> list[str]:
    """Codes without the place of the template."""
    found = codes("create_cascade", cascade(triggers=[first(channel=channel, template=_with(channel, **changes))]))
    return [code.removeprefix(f"triggers.0.template.{LEAST[channel][0]}.") for code in found]


@pytest.mark.parametrize("channel", LEAST)
def test_the_least_that_a_template_needs_is_kept_as_it_is(channel: str) -> None:
    asked = cascade(triggers=[first(channel=channel, template=_with(channel))])
    assert loaded("create_cascade", asked)["triggers"][0]["template"] == _with(channel)


@pytest.mark.parametrize(
    ("channel", "name"),
    [
        ("SMS", "from"),
        ("SMS", "text"),
        ("VIBER", "from"),
        ("EMAIL", "sourceAddress"),
        ("EMAIL", "subject"),
        ("EMAIL", "htmlBody"),
        ("PUSH", "from"),
        ("PUSH", "text"),
        ("PUSH_WALLET", "from"),
        ("PUSH_WALLET", "payload"),
        ("VK", "templateId"),
        ("VK", "routes"),
    ],
)
def test_what_a_template_needs_is_missed_there_and_not_where_it_overrides(channel: str, name: str) -> None:
    assert _codes(channel, **{name: ...}) == [f"{name}.missing"]
    key = LEAST[channel][0]
    payload = {"taskId": 1, "contactIds": [1], "templates": {"5": _with(channel, **{name: ...})}}
    assert loaded("send_messages", payload)["templates"]["5"][key].keys() == LEAST[channel][1].keys() - {name}


@pytest.mark.parametrize("channel", LEAST)
def test_an_override_may_be_empty_and_knows_no_other_names(channel: str) -> None:
    key = LEAST[channel][0]
    assert loaded("send_messages", {"taskId": 1, "contactIds": [1], "templates": {"5": {key: {}}}})
    wrong = {"taskId": 1, "contactIds": [1], "templates": {"5": {key: {"colour": "red"}}}}
    assert codes("send_messages", wrong) == [f"templates.5.value.{key}.colour.unknown"]


LENGTHS = [
    ("SMS", "text", 34_170, "x"),
    ("SMS", "text", 17_085, "ж"),
    ("VIBER", "text", 2_000, "ж"),
    ("EMAIL", "sourceName", 150, "ж"),
    ("PUSH", "title", 200, "ж"),
    ("PUSH", "text", 1_024, "ж"),
]


@pytest.mark.parametrize(("channel", "name", "most", "letter"), LENGTHS)
def test_texts_have_their_longest(channel: str, name: str, most: int, letter: str) -> None:
    assert _codes(channel, **{name: letter * most}) == []
    assert _codes(channel, **{name: letter * (most + 1)}) == [f"{name}.too_long"]


@pytest.mark.parametrize(
    ("channel", "least", "most"),
    [("SMS", 0, 3 * DAY), ("VIBER", 15, 14 * DAY), ("PUSH", 30, DAY), ("VK", 15, DAY), ("PUSH_WALLET", 1, None)],
)
def test_a_message_lives_for_its_channels_seconds(channel: str, least: int, most: int | None) -> None:
    good = [least] if most is None else [least, most]
    bad = [least - 1] if most is None else [least - 1, most + 1]
    assert [_codes(channel, validity=seconds) for seconds in good] == [[]] * len(good)
    assert [_codes(channel, validity=seconds) for seconds in bad] == [["validity.out_of_range"]] * len(bad)
    assert _codes(channel, validity="60") == _codes(channel, validity=True) == ["validity.invalid"]


@pytest.mark.parametrize(
    ("channel", "changes", "found"),
    [
        ("SMS", {"from": "ELEVEN CHAR"}, []),
        ("SMS", {"from": "TWELVE CHARS"}, ["from.invalid"]),
        ("SMS", {"from": "1" * 15}, []),
        ("SMS", {"from": "1" * 16}, ["from.invalid"]),
        ("SMS", {"from": "МАГАЗИН"}, ["from.invalid"]),
        ("SMS", {"from": " "}, ["from.empty"]),
        ("SMS", {"text": " \n"}, ["text.empty"]),
        ("SMS", {"shortenUrl": True}, []),
        ("SMS", {"shortenUrl": "yes"}, ["shortenUrl.invalid"]),
        ("SMS", {"validity": None}, []),
        ("VIBER", {"text": ...}, ["incomplete"]),
        ("VIBER", {"action": "https://shop.test"}, ["incomplete"]),
        ("VIBER", {"action": "https://shop.test", "caption": "Buy"}, []),
        ("VIBER", {"action": "https://shop.test", "caption": "Buy", "image": "https://shop.test/a.JPG"}, []),
        ("VIBER", {"text": ..., "action": "https://shop.test", "caption": "Buy"}, ["incomplete"]),
        ("VIBER", {"text": ..., "action": "https://a.test", "caption": "Buy", "image": "https://a.test/a.png"}, []),
        ("VIBER", {"text": ..., "image": "https://shop.test/a.png"}, ["incomplete"]),
        ("VIBER", {"image": "https://shop.test/a.png"}, ["incomplete"]),
        ("VIBER", {"action": "https://a.test", "caption": "x" * 30}, []),
        ("VIBER", {"action": "https://a.test", "caption": "x" * 31}, ["caption.too_long"]),
        ("VIBER", {"action": "https://a.test", "caption": "B", "image": "https://a.test/a.gif"}, ["image.invalid"]),
        ("VIBER", {"action": "https://a.test", "caption": "B", "image": "https://a.test/a?b=c.gif"}, []),
        ("VIBER", {"action": "shop.test", "caption": "Buy"}, ["action.invalid"]),
        ("VIBER", {"action": "ftp://shop.test", "caption": "Buy"}, ["action.invalid"]),
        ("VIBER", {"action": "https://shop.test/a b", "caption": "Buy"}, ["action.invalid"]),
        ("VIBER", {"action": "https://[shop.test", "caption": "Buy"}, ["action.invalid"]),
        ("VIBER", {"action": "${Link}", "caption": "Buy"}, []),
        ("EMAIL", {"sourceAddress": "shop.test"}, ["sourceAddress.invalid"]),
        ("EMAIL", {"htmlBody": "<h1>Hello</h1>"}, ["htmlBody.unsubscribe"]),
        ("EMAIL", {"htmlBody": ..., "plainText": "<h1>Hello</h1>"}, []),
        ("EMAIL", {"attachmentIds": [1, "2"]}, []),
        ("EMAIL", {"attachmentIds": []}, ["attachmentIds.empty"]),
        ("EMAIL", {"attachmentIds": ["a"]}, ["attachmentIds.0.invalid"]),
        ("PUSH", {"from": "app"}, ["from.invalid"]),
        ("PUSH", {"text": ..., "silentPush": True}, []),
        ("PUSH", {"badge": 0}, []),
        ("PUSH", {"badge": -1}, ["badge.out_of_range"]),
        ("PUSH", {"android": {"icon": {"a": 1}}, "apns": {}}, []),
        ("PUSH", {"android": "icon"}, ["android.invalid"]),
        ("PUSH", {"options": {"a": "1"}}, []),
        ("PUSH", {"options": {"a": 1}}, ["options.nested"]),
        ("PUSH_WALLET", {"to": "+7 910 339-80-80"}, []),
        ("PUSH_WALLET", {"to": "123"}, ["to.invalid"]),
        ("PUSH_WALLET", {"callbackUrl": "https://a.test/" + "x" * 985}, []),
        ("PUSH_WALLET", {"callbackUrl": "https://a.test/" + "x" * 986}, ["callbackUrl.too_long"]),
        ("PUSH_WALLET", {"callbackData": "", "mergeKey": "k"}, []),
        ("PUSH_WALLET", {"scheduledTime": "2099-01-01T00:00:00Z"}, ["scheduledTime.not_wanted"]),
        ("PUSH_WALLET", {"payload": {"message": "x" * 2048, "title": "x" * 50}}, []),
        ("PUSH_WALLET", {"payload": {"message": "x" * 2049}}, ["payload.message.too_long"]),
        ("PUSH_WALLET", {"payload": {"message": "x", "title": "x" * 51}}, ["payload.title.too_long"]),
        ("PUSH_WALLET", {"payload": {"message": "x", "image": "https://a.test/" + "x" * 497}}, []),
        (
            "PUSH_WALLET",
            {"payload": {"message": "x", "image": "https://a.test/" + "x" * 498}},
            ["payload.image.too_long"],
        ),
        ("PUSH_WALLET", {"payload": {}}, ["payload.message.missing"]),
        ("PUSH_WALLET", {"payload": {"message": "x", "deeplink": {"target": "card"}}}, []),
        (
            "PUSH_WALLET",
            {"payload": {"message": "x", "deeplink": {"target": "shop"}}},
            ["payload.deeplink.target.not_one_of"],
        ),
        (
            "PUSH_WALLET",
            {"payload": {"message": "x", "deeplink": {"target": "campaign"}}},
            ["payload.deeplink.campaignId.missing"],
        ),
        (
            "PUSH_WALLET",
            {"payload": {"message": "x", "deeplink": {"target": "campaign", "campaignId": "x" * 513}}},
            ["payload.deeplink.campaignId.too_long"],
        ),
        ("VK", {"templateId": 45}, []),
        ("VK", {"templateData": {"name": {"a": [1]}}}, []),
        ("VK", {"routes": []}, ["routes.empty"]),
        ("VK", {"routes": ["FB"]}, ["routes.0.not_one_of"]),
        ("VK", {"deliveryPolicy": "ALL"}, ["deliveryPolicy.not_one_of"]),
        ("VK", {"callbackUrl": "http://a.test", "callbackData": "x"}, []),
    ],
)
def test_a_template_takes_what_is_documented(channel: str, changes: dict[str, Any], found: list[str]) -> None:
    whole = "triggers.0.template.viberTemplate.incomplete"
    assert [code.replace(whole, "incomplete") for code in _codes(channel, **changes)] == found


def test_values_that_documents_write_in_two_ways_go_out_in_one() -> None:
    vk = {"templateId": 45, "routes": ["ok", "VK", "OK"], "deliveryPolicy": "any"}
    wallet = {"to": "+7 910 339-80-80"}
    for channel, changes, sent in (
        ("VK", vk, {"templateId": "45", "routes": ["OK", "VK"], "deliveryPolicy": "ANY"}),
        ("PUSH_WALLET", wallet, {"to": "79103398080"}),
        ("EMAIL", {"attachmentIds": ["7", 8]}, {"attachmentIds": [7, 8]}),
    ):
        asked = cascade(triggers=[first(channel=channel, template=_with(channel, **changes))])
        assert loaded("create_cascade", asked)["triggers"][0]["template"] == _with(channel, **sent)
