"""How Devino's answers are read (platforms.md 2.5, 2.7, 2.9).

It says no inside a 200: `code` REJECTED, `result` null, or `reasons`. `description` repeats a contact's addresses; only
what follows its last ` #` is kept. Ids are numbers or strings and become strings; words that no document lists stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tasks.devino import marks
from tasks.devino.names import parted
from tasks.strict import JSON
from worker.answers import without_addresses
from worker.operation import Operation, Reading, Unreadable

REJECTED, OK, BLOCKED = "REJECTED", "OK", "STOPPED_BALANCE_BLOCKED"
NO_BALANCE = ("billing.error", "not-enough-credits", BLOCKED.lower())
ITS_OWN_TROUBLE = frozenset({"unknown", "queue_full", "system_error"})
REASON = re.compile(r"#([\w.-]+);\s*([^\"{}]*)", re.ASCII)
LONGEST_REASON = 200
IDS = re.compile(r"id|.+Id")


def read(operation: Operation, status: int, _headers: Mapping[str, str], body: bytes) -> Reading:
    """What the answer says. Raises `Unreadable` for one that is not in Devino's form."""
    said = _decoded(body)
    no = _no(said)
    if no is not None:
        return no
    if status >= 400:
        return Reading(False, f"devino.{status}")
    return READERS[operation.name](said["result"])


def words(said: JSON) -> tuple[str, str]:
    """Key and text of the reason in an answer or in one of its items; the key is empty if it gives none."""
    for reason in _dicts(said.get("reasons")):
        if isinstance(reason.get("key"), str):
            return _clean(reason["key"], str(reason.get("defaultMessage") or ""))
    description = said.get("description")
    tail = f" {description}"[f" {description}".rfind(" #") + 1 :]
    found = REASON.fullmatch(tail) if isinstance(description, str) else None
    return _clean(found[1], found[2]) if found else ("", "")


def _clean(key: str, text: str) -> tuple[str, str]:
    return without_addresses(key)[:LONGEST_REASON].lower(), without_addresses(text)[:LONGEST_REASON].strip()


def _decoded(body: bytes) -> JSON:
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable("the answer is not JSON") from error
    if not isinstance(said, dict) or not {"result", "reasons"} & said.keys():
        raise Unreadable("the answer has no result")
    return said


def _no(said: JSON) -> Reading | None:
    """The refusal of the whole request, if the answer is one."""
    result = said.get("result")
    if said.get("reasons") or result is None:
        return _no_to_all(*words(said))
    if isinstance(result, dict) and result.get("code") == REJECTED:
        return _no_to_all(*words({**said, **result}))
    return None


def _no_to_all(key: str, text: str) -> Reading:
    closes = key.endswith(NO_BALANCE)
    return Reading(False, key or "devino.rejected", text or key, closes=closes, passing=key in ITS_OWN_TROUBLE)


def _created(result: Any) -> Reading:
    """A list is what the look-up of a creation is answered, which is asked in its name."""
    if isinstance(result, list):
        return _many(result)
    made = result.get("result") if isinstance(result, dict) and result.get("code") == OK else None
    if not isinstance(made, int | str) or isinstance(made, bool) or made == "":
        raise Unreadable("the answer names no cascade")
    return Reading(True, answer={"result": {**result, "result": str(made)}})


def _one(result: Any) -> Reading:
    if not isinstance(result, dict) or "id" not in result:
        raise Unreadable("the answer holds no cascade")
    if result.get("state") == BLOCKED:
        return _no_to_all(BLOCKED.lower(), "it stopped the cascade because the balance is empty")
    return Reading(True, answer={"result": _readable(result)})


def _many(result: Any) -> Reading:
    if not isinstance(result, list) or len(_dicts(result)) != len(result):
        raise Unreadable("the answer holds no list")
    return Reading(True, answer={"result": _readable(result)})


def _sent(result: Any) -> Reading:
    """One item a contact. A no to everybody that is about the account or Devino itself is one to the request."""
    if not isinstance(result, dict) or not {"sendAnswers", "errorAnswers"} & result.keys():
        raise Unreadable("the answer says nothing of any contact")
    items = [*_dicts(result.get("sendAnswers")), *_dicts(result.get("errorAnswers"))]
    sent = [_item(item) for item in items if item.get("code") == OK]
    errors = [_error(item) for item in items if item.get("code") != OK]
    given = result.get("contactIds")
    ids = [str(one) for one in given] if isinstance(given, list) else []
    if not sent and errors and len(ids) <= len(errors):
        noes = [_no_to_all(error["key"], error["text"]) for error in errors]
        if all(no.closes for no in noes) or all(no.passing for no in noes):
            return noes[0]
    return Reading(True, answer={"result": {"contactIds": ids, "sendAnswers": sent, "errorAnswers": errors}})


def _item(item: JSON) -> JSON:
    """Nothing else of it is kept: the rest may repeat the contact."""
    kept = {name: item[name] for name in ("code", "mergeKey", "result") if name in item}
    return {name: str(value) if type(value) is int else value for name, value in kept.items()}


def _error(item: JSON) -> JSON:
    key, text = words(item)
    dump = str(item.get("description") or "").rpartition(" #")[0]
    return {**_item(item), "key": key or "devino.rejected", "text": text, "marks": sorted(marks.of_text(dump))}


def _dicts(value: Any) -> list[JSON]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _readable(value: Any) -> Any:
    """Ids as strings, and a cascade's name as its caller wrote it, our token beside it."""
    if isinstance(value, list):
        return [_readable(one) for one in value]
    if not isinstance(value, dict):
        return value
    read_on = {name: str(one) if _is_id(name, one) else _readable(one) for name, one in value.items()}
    name, token = parted(value["taskName"]) if isinstance(value.get("taskName"), str) else ("", None)
    return {**read_on, "taskName": name, "token": token} if token else read_on


def _is_id(name: str, value: Any) -> bool:
    return IDS.fullmatch(name) is not None and isinstance(value, int) and not isinstance(value, bool)


READERS: Mapping[str, Callable[[Any], Reading]] = {
    "devino.create_cascade": _created,
    "devino.get_cascade": _one,
    "devino.list_cascades": _many,
    "devino.send_messages": _sent,
    "devino.list_macros": _many,
}
