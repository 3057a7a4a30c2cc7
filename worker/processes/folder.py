"""The folder `var/` of one machine: who may open it, and the secrets made in it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet

from worker.settings import Settings

FLOWER_USER = "omniworker"


def make(folder: Path) -> None:
    """The folder, for its owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def write_private(path: Path, text: str) -> None:
    """Writes the file whole or not at all, readable for its owner alone."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def make_secrets(folder: Path, settings: Settings) -> None:
    """A key for stored payloads and a password for Flower, where neither the settings nor an earlier start gave one."""
    _make(folder / "secret.key", settings.values.get("SECRET_KEY"), Fernet.generate_key().decode())
    _make(
        folder / "flower.auth", settings.values.get("FLOWER_BASIC_AUTH"), f"{FLOWER_USER}:{secrets.token_urlsafe(18)}"
    )


def _make(path: Path, given: str | None, fresh: str) -> None:
    if given is None and not path.exists():
        write_private(path, f"{fresh}\n")
