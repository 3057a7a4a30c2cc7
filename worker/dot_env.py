"""`.env` of the current folder, which the command and `worker.enqueue` read alike."""

from __future__ import annotations

from pathlib import Path

from dotenv import load_dotenv

from worker.settings import SettingsError

DOT_ENV = Path(".env")


def take_dot_env() -> None:
    """Take it into the environment, which wins where it says something already; child processes find it there too.

    Raises `SettingsError`.
    """
    if not DOT_ENV.is_file():
        return
    try:
        load_dotenv(DOT_ENV)
    except UnicodeDecodeError:
        raise SettingsError(f"{DOT_ENV.absolute()} is not UTF-8: write it as lines of NAME=value in UTF-8.") from None
    except OSError as error:
        raise SettingsError(f"{DOT_ENV.absolute()} can't be read ({error.strerror}): let this user read it.") from None
