"""The options of a file as words of a command, made from where they are declared, so that none can be left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from worker.orders.words import FILE_OPTIONS, Option
from worker.platforms import operations

FLAGS = ("boolean", "true or false", "true")
PAIRS, LISTS, WHOLE = "object", "list of texts", "whole number"


class OfFiles(click.Command):
    """Takes the options of every file, and those of single operations, which are declared with them."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        *own, help_ = super().get_params(ctx)
        return [*own, *map(_parameter, declared().values()), help_]


def declared() -> Mapping[str, Option]:
    """Every option that a file can have, by name."""
    single = (option for one in operations().values() if one.rows for option in one.rows.options)
    return {option.name: option for option in (*FILE_OPTIONS, *single)}


def options_of(said: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the task, which have the same names; what was not said is left out."""
    pairs = {name for name, option in declared().items() if option.takes == PAIRS}
    read = {name: _pairs(_word(name), value) if name in pairs else value for name, value in said.items()}
    return {name: value for name, value in read.items() if value}


def _parameter(option: Option) -> click.Option:
    word, help_ = _word(option.name), f"{option.meaning[0].upper()}{option.meaning[1:]}."
    if option.takes in FLAGS:
        return click.Option([word], is_flag=True, help=help_)
    if option.takes == PAIRS:
        return click.Option([word], multiple=True, metavar="THEIRS=OURS", help=help_)
    if option.allowed:
        return click.Option([word], type=click.Choice(option.allowed), help=help_)
    whole = click.IntRange(min=1) if option.takes == WHOLE else click.STRING
    return click.Option([word], type=whole, metavar="NAME,…" if option.takes == LISTS else None, help=help_)


def _word(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _pairs(word: str, said: Sequence[str]) -> dict[str, str]:
    """A name of theirs may hold the mark, one of ours does not."""
    found = [pair.rpartition("=") for pair in said]
    if any(not theirs or not ours for theirs, _, ours in found):
        raise click.BadParameter(f"write THEIRS=OURS, like {word} Mail=email", param_hint=word)
    return {theirs: ours for theirs, _, ours in found}
