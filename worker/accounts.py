"""Further accounts beside the environment's `default`: a TOML file named by ACCOUNTS_FILE (design §10).

    [platform.berlin]
    instance = "berlin"
    pace = "2/s"
    api_key = { env = "BERLIN_API_KEY" }
    master_key = { file = "/run/secrets/berlin-master-key" }

A table is platform and account; its keys are the platform's settings without their prefix, in small letters. A secret
never stands in the file itself: `env` names the variable that holds it, `file` the file.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from worker.operation import Platform, Setting
from worker.settings import SettingsError

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
Values = dict[str, str]


class _Wrong(Exception):
    """One mistake; its text says where and what to do."""


def declared(path: str | None, platforms: Mapping[str, Platform]) -> dict[str, Values]:
    """The values of every account in the file by account id, under the names of the platform's settings.

    Raises `SettingsError` with every mistake of the file, one a line.
    """
    if not path:
        return {}
    found: dict[str, Values] = {}
    mistakes: list[str] = []
    for platform_name, name, table in _tables(path, mistakes):
        if platform_name not in platforms:
            mistakes.append(f"[{platform_name}.{name}]: there is no such platform; known: {', '.join(platforms)}.")
            continue
        found[f"{platform_name}/{name}"] = _values(platforms[platform_name], name, table, mistakes)
    if mistakes:
        raise SettingsError(f"{path} (ACCOUNTS_FILE) can't be used:\n" + "\n".join(f"  {one}" for one in mistakes))
    return found


def variables(path: str | None) -> set[str]:
    """The names of the variables that hold the secrets of these accounts. Raises `SettingsError`."""
    tables = (table for _, _, table in _tables(path, [])) if path else ()
    said = (value.get("env") for table in tables for value in table.values() if isinstance(value, dict))
    return {name for name in said if isinstance(name, str)}


def known_as(setting: Setting, platform: Platform) -> str:
    """What a setting is called in the file: `PLATFORM_API_KEY` is `api_key`."""
    return setting.name.lower().removeprefix(f"{platform.name}_")


def settings_of(platform: Platform) -> tuple[Setting, ...]:
    """All that one account of a platform may be told."""
    return (*platform.settings, platform.pace, *((platform.on_unsure,) if platform.on_unsure else ()))


def _tables(path: str, mistakes: list[str]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} (ACCOUNTS_FILE) can't be read: {error}.") from None
    for platform, accounts in document.items():
        if not isinstance(accounts, dict) or not all(isinstance(table, dict) for table in accounts.values()):
            mistakes.append(f"{platform}: write each account as a table of its own, [{platform}.NAME].")
            continue
        for name, table in accounts.items():
            yield platform, name, table


def _values(platform: Platform, name: str, table: Mapping[str, Any], mistakes: list[str]) -> Values:
    at = f"[{platform.name}.{name}]"
    if name == "default" or not NAME.fullmatch(name):
        mistakes.append(
            f"{at}: an account's name is small letters, digits, - and _, and not `default` (the environment's)."
        )
    settings = {known_as(setting, platform): setting for setting in settings_of(platform)}
    values: Values = {}
    for key, said in table.items():
        try:
            setting = _setting(settings, key)
            values[setting.name] = _value(setting, key, said)
        except _Wrong as wrong:
            mistakes.append(f"{at} {wrong}")
    return values


def _setting(settings: Mapping[str, Setting], key: str) -> Setting:
    if key in settings:
        return settings[key]
    near = difflib.get_close_matches(key, settings, 1)
    raise _Wrong(f"{key} is not known; {f'did you mean {near[0]}?' if near else 'known: ' + ', '.join(settings) + '.'}")


def _value(setting: Setting, key: str, said: Any) -> str:
    match said:
        case str() if setting.secret:
            raise _Wrong(f'{key} is a secret: write {{ env = "VARIABLE" }} or {{ file = "PATH" }}, never the value.')
        case str() if said.strip():
            return said.strip()
        case {"env": str() as variable, **rest} if not rest:
            return _from_environment(key, variable)
        case {"file": str() as path, **rest} if not rest:
            return _from_file(key, path)
    raise _Wrong(f'{key} has to be a text that is not empty, {{ env = "VARIABLE" }} or {{ file = "PATH" }}.')


def _from_environment(key: str, variable: str) -> str:
    value = os.environ.get(variable, "").strip()
    if not value:
        raise _Wrong(f"{key}: the variable {variable} is not set.")
    return value


def _from_file(key: str, path: str) -> str:
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _Wrong(f"{key}: {path} can't be read ({type(error).__name__}).") from None
    if not value:
        raise _Wrong(f"{key}: {path} is empty.")
    return value
