"""A group of commands: finds them where they are written, and ends a known error with one sentence."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping
from typing import Any

import click

from worker.cli.sentences import known
from worker.dot_env import take_dot_env


class Commands(click.Group):
    """Its commands are named in `places` as `module:attribute`, or added by decorator.

    Whatever is raised below and is somebody's to mend becomes a sentence on standard error (`sentences.py`). `.env` of
    the current folder is read first; what the environment says already wins.
    """

    def __init__(self, *words: Any, places: Mapping[str, str] | None = None, **options: Any) -> None:
        super().__init__(*words, **options)
        self._places = places or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self._places, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = self._places.get(cmd_name)
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for word in args:
            if not _is_text(word):
                raise click.UsageError(
                    f"{word!a} is not written in UTF-8: no job, key or file of ours has such a name."
                )
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        # What a command has to say it says itself; a log line beside it would be a second voice.
        logging.getLogger("worker").addHandler(logging.NullHandler())
        try:
            take_dot_env()
            return super().invoke(ctx)
        except Exception as error:
            ending = known(error)
            if ending is None:
                raise
            raise ending from error


def _is_text(word: str) -> bool:
    """Bytes that the terminal's encoding does not know come as halves of surrogate pairs, which no ledger takes."""
    return not any("\ud800" <= letter <= "\udfff" for letter in word)
