"""The worker's own variables, each written once: name, default, meaning, secret or not.

A platform's variables stand in its own record (`tasks/<platform>/access.py`) and are read the same way.
Every variable may come as `NAME_FILE`, the path of a file that holds the value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from environs import EnvError, FileAwareEnv

from worker.addresses import is_redis
from worker.operation import Pace, Setting

VAR = Path("var")
LAST_PORT = 65535
WHOLE = 100.0
SETTINGS = (
    Setting("REDIS_URL", "budget, results, and the broker unless CELERY_BROKER_URL is set", secret=True),
    Setting("CELERY_BROKER_URL", "the broker, where it is not REDIS_URL", secret=True),
    Setting("CELERY_RESULT_BACKEND", "results of calls, kept 1 day, where it is not REDIS_URL", secret=True),
    Setting("DATABASE_URL", "the ledger: sqlite:///… on one machine, postgresql://… on many", secret=True),
    Setting("STORAGE_URL", "sealed copies of files: a folder, or s3://bucket/prefix", str(VAR / "storage")),
    Setting(
        "INBOX", "comma list of folders and s3://bucket/prefix/ that jobs may read; never a dot-file, never var/", "."
    ),
    Setting("SECRET_KEY", "comma list of Fernet keys for stored payloads; the first encrypts", secret=True),
    Setting("PORT", "where the receiver of callbacks listens", "8000"),
    Setting(
        "RECEIVER_PUBLIC_URL", "the receiver's address as platforms see it, which Devino is told to call: https://…"
    ),
    Setting(
        "TRUSTED_PROXIES",
        "comma list of addresses or networks of proxies in front of the receiver whose X-Forwarded-Proto is believed; "
        "* for all. No other header of a proxy is, and nobody's X-Forwarded-For: callers prove themselves by a secret",
    ),
    Setting("FLOWER_PORT", "where Flower listens", "5555"),
    Setting("FLOWER_BASIC_AUTH", "user:password of Flower; without one it is loopback only", secret=True),
    Setting("LOG_LEVEL", "DEBUG, INFO, WARNING or ERROR", "INFO"),
    Setting("WORKER_PROCESSES", "worker processes on this machine; the cores by default"),
    Setting("WORKER_THREADS", "threads in each; an account holds at most half of them", "32"),
    Setting(
        "BOUNCES_TRAVEL", "1 tells the other platforms of addresses that bounced; without it they are only not sent to"
    ),
    Setting("ACCOUNTS_FILE", "a TOML file with further accounts; their secrets by variable name or file"),
    Setting("SCHEDULES_FILE", "a TOML file with schedules: what to start, when, and what a late slot means"),
    Setting("NEWSLETTER_MAX_RECIPIENTS", "the most people that one newsletter may be planned for", "100000"),
    Setting("ALARM_WEBHOOK_URL", "where alarms are told, by POST: https://…, or http:// on this machine", secret=True),
    Setting("ALARM_REFUSED", "the share of a file's rows that may be refused without an alarm", "10%"),
    Setting("RETENTION_DAYS", "days that the content of an ended job is kept; counts and keys stay for ever", "30"),
    Setting("ALLOW_LOCAL", "1 lets processes started one by one share SQLite on one machine"),
)

WINDOW = re.compile(r"(\d+)/(?:(\d+))?([smh])")
WEBHOOK = re.compile(
    r"https://([^\s/?#@]+@)?(\[[\da-fA-F:.]+\]|[^\s/?#:@\[\]]+)(:\d{1,5})?([/?]\S*)?|"
    r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?(/\S*)?"
)
SECONDS = {"s": 1, "m": 60, "h": 3600}


class SettingsError(Exception):
    """A variable that can't be used; the sentence names it and says what would be right."""


def read(settings: Iterable[Setting], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The values of these settings: the variable, else what its `NAME_FILE` holds, else its default."""
    env = FileAwareEnv(eager=True)
    values = {}
    for setting in settings:
        try:
            value = (
                env.str(setting.name, setting.default)
                if environ is None
                else environ.get(setting.name, setting.default)
            )
        except (EnvError, ValueError, OSError) as error:
            raise SettingsError(f"{setting.name} can't be read: {error}") from error
        if value is not None and value.strip():
            values[setting.name] = value.strip()
    return values


def pace(setting: Setting, values: Mapping[str, str]) -> Pace:
    """`400/m` is 400 calls in any minute, `10/5s` ten in any five seconds."""
    text = values.get(setting.name) or setting.default or ""
    found = WINDOW.fullmatch(text)
    if not found or int(found[1]) < 1 or found[2] == "0":
        raise SettingsError(f"{setting.name} is {text!r}: write calls per window, like 5/s, 400/m or 10/5s.")
    return Pace(int(found[1]), int(found[2] or 1) * SECONDS[found[3]])


@dataclass(frozen=True)
class Settings:
    """What one process was told. `local` means the ledger is this machine's own file."""

    values: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Settings({', '.join(sorted(self.values))})"

    @cached_property
    def redis_url(self) -> str | None:
        url = self.values.get("REDIS_URL") or _first_line(VAR / "redis.url")
        if url is not None and not is_redis(url):
            raise SettingsError("REDIS_URL has to be redis://host:6379/0, rediss://… with TLS, or unix:///path.")
        return url

    @cached_property
    def broker_url(self) -> str | None:
        return self.values.get("CELERY_BROKER_URL") or self.redis_url

    @cached_property
    def result_backend(self) -> str | None:
        return self.values.get("CELERY_RESULT_BACKEND") or self.redis_url

    @cached_property
    def database_url(self) -> str:
        return self.values.get("DATABASE_URL") or f"sqlite:///{VAR / 'omniworker.db'}"

    @property
    def local(self) -> bool:
        return self.database_url.startswith("sqlite")

    @cached_property
    def secret_key(self) -> str | None:
        return self.values.get("SECRET_KEY") or _first_line(VAR / "secret.key")

    @cached_property
    def inbox(self) -> tuple[Path, ...]:
        """The folders."""
        return tuple(Path(part).resolve() for part in self._inbox if "://" not in part)

    @property
    def inbox_addresses(self) -> tuple[str, ...]:
        return tuple(part for part in self._inbox if "://" in part)

    @property
    def _inbox(self) -> list[str]:
        return [part.strip() for part in self.values["INBOX"].split(",") if part.strip()]

    @cached_property
    def storage_url(self) -> str:
        url = self.values.get("STORAGE_URL") or str(VAR / "storage")
        if "://" in url and not url.startswith("s3://"):
            raise SettingsError("STORAGE_URL has to be a folder, or s3://bucket/prefix.")
        return url

    @cached_property
    def processes(self) -> int:
        return self._whole("WORKER_PROCESSES", os.cpu_count() or 1)

    @cached_property
    def threads(self) -> int:
        return self._whole("WORKER_THREADS", 32, least=2)

    @cached_property
    def port(self) -> int:
        return self._whole("PORT", 8000, most=LAST_PORT)

    @property
    def receiver_url(self) -> str | None:
        """Without a slash at its end; None where platforms can't call us."""
        url = self.values.get("RECEIVER_PUBLIC_URL")
        if url is not None and not url.startswith(("https://", "http://")):
            raise SettingsError("RECEIVER_PUBLIC_URL has to begin with https://.")
        return url.rstrip("/") if url else None

    @property
    def trusted_proxies(self) -> tuple[str, ...]:
        return tuple(part.strip() for part in self.values.get("TRUSTED_PROXIES", "").split(",") if part.strip())

    @cached_property
    def retention_days(self) -> int:
        return self._whole("RETENTION_DAYS", 30)

    @cached_property
    def flower_port(self) -> int:
        return self._whole("FLOWER_PORT", 5555, most=LAST_PORT)

    @cached_property
    def flower_auth(self) -> str | None:
        return self.values.get("FLOWER_BASIC_AUTH") or _first_line(VAR / "flower.auth")

    @cached_property
    def most_recipients(self) -> int:
        return self._whole("NEWSLETTER_MAX_RECIPIENTS", 100_000)

    @property
    def accounts_file(self) -> str | None:
        return self.values.get("ACCOUNTS_FILE")

    @property
    def schedules_file(self) -> str | None:
        return self.values.get("SCHEDULES_FILE")

    @cached_property
    def alarm_webhook_url(self) -> str | None:
        url = self.values.get("ALARM_WEBHOOK_URL")
        if url is not None and not WEBHOOK.fullmatch(url):
            raise SettingsError("ALARM_WEBHOOK_URL has to be https://…, or http:// to this very machine.")
        return url

    @cached_property
    def alarm_refused(self) -> float:
        """In percent."""
        found = re.fullmatch(r"(\d{1,3})\s?%", self.values.get("ALARM_REFUSED", "10%"))
        if not found or float(found[1]) > WHOLE:
            raise SettingsError("ALARM_REFUSED has to be a share in percent, like 10%; 100% for no such alarm.")
        return float(found[1])

    @property
    def log_level(self) -> str:
        return self.values["LOG_LEVEL"].upper()

    @property
    def bounces_travel(self) -> bool:
        return self.values.get("BOUNCES_TRAVEL") == "1"

    @property
    def allow_local(self) -> bool:
        return self.values.get("ALLOW_LOCAL") == "1"

    def _whole(self, name: str, default: int, least: int = 1, most: int | None = None) -> int:
        text = self.values.get(name, str(default))
        if not text.isdigit() or int(text) < least:
            raise SettingsError(f"{name} is {text!r}: write a whole number, at least {least}.")
        if most is not None and int(text) > most:
            raise SettingsError(f"{name} is {text!r}: write a whole number, at most {most}.")
        return int(text)


def settings() -> Settings:
    """The settings of this process, read from the environment now."""
    return Settings(read(SETTINGS))


def _first_line(path: Path) -> str | None:
    """What `up` left for the commands run in its folder."""
    try:
        return path.read_text().partition("\n")[0].strip() or None
    except OSError:
        return None
