"""Objects in S3-compatible storage: what a job names there, and sealed copies kept there.

Credentials, region and AWS_ENDPOINT_URL are boto3's own settings. Every read asks for the version that was found at
first (its ETag), so an object that is replaced in the middle is noticed, not mixed with the new one.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import boto3
import smart_open
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
)

from worker.sources.refused import SourceAway, SourceRefused, changed
from worker.sources.source import Source

SCHEME = "s3://"
SENTENCES = {
    "404": "does not exist: check bucket and key",
    "NoSuchBucket": "lies in a bucket that does not exist: check its name",
    "403": "may not be read with these credentials: allow s3:GetObject for it, or set AWS_ACCESS_KEY_ID anew",
    "400": "can't be read with these credentials: set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the region anew",
}
REPLACED = ("PreconditionFailed", "412", "404", "NoSuchKey")


def open_remote(address: str, allowed: Sequence[str]) -> Source:
    """Open an object below one of the addresses in INBOX. Raises `SourceRefused`."""
    _check_allowed(address, allowed)
    return _open(*_parts(address))


class Bucket:
    """A prefix of a bucket, for sealed copies."""

    def __init__(self, url: str) -> None:
        self._bucket, prefix = _parts(url)
        self._prefix = f"{prefix.rstrip('/')}/" if prefix else ""

    def find(self, name: str) -> Source | None:
        try:
            return _open(self._bucket, self._prefix + name)
        except Missing:
            return None

    def write(self, name: str, blocks: Iterator[bytes]) -> None:
        """In parts, which are one object when all are there, and none when the last one never came."""
        address = f"{SCHEME}{self._bucket}/{self._prefix}{name}"
        try:
            with smart_open.open(address, "wb", compression="disable", transport_params=_client_for()) as file:
                for block in blocks:
                    file.write(block)
        except (OSError, ClientError, BotoCoreError) as error:
            raise _refusal(error, address) from error

    def remove(self, name: str) -> None:
        address = f"{SCHEME}{self._bucket}/{self._prefix}{name}"
        try:
            _client_for()["client"].delete_object(Bucket=self._bucket, Key=self._prefix + name)
        except (ClientError, BotoCoreError) as error:
            raise _refusal(error, address) from error

    def check(self) -> str:
        self.write("doctor.probe", iter([b"room for this"]))
        self.remove("doctor.probe")
        return f"{SCHEME}{self._bucket}/{self._prefix} can be written to."


class Missing(SourceRefused):
    """There is no such object."""


def _check_allowed(address: str, allowed: Sequence[str]) -> None:
    if not address.startswith(SCHEME):
        raise SourceRefused(f"{address.partition('://')[0]}:// is not read: only files and {SCHEME} are.")
    parts = _segments(address)
    if not address.isprintable() or any(part in ("", ".", "..") for part in parts) or len(parts) < 2:
        raise SourceRefused(f"{address!a} is no address of an object: write s3://bucket/key.")
    if any(part.startswith(".") for part in parts):
        raise SourceRefused(f"{address} is a dot-file or lies in a dot-folder, which are never read: rename it.")
    if not any(_is_below(parts, prefix) for prefix in allowed):
        names = f" ({', '.join(allowed)})" if allowed else ""
        raise SourceRefused(f"{address} lies outside INBOX{names}: add s3://bucket/prefix/ of it to INBOX.")


def _is_below(parts: Sequence[str], prefix: str) -> bool:
    """By whole segments: s3://bucket/in is not above s3://bucket/inbox."""
    above = _segments(prefix.rstrip("/"))
    return prefix.startswith(SCHEME) and list(parts[: len(above)]) == above


def _segments(address: str) -> list[str]:
    return address.removeprefix(SCHEME).split("/")


def _parts(address: str) -> tuple[str, str]:
    bucket, _, key = address.removeprefix(SCHEME).partition("/")
    return bucket, key


def _open(bucket: str, key: str) -> Source:
    address = f"{SCHEME}{bucket}/{key}"
    found = _head(address, bucket, key)
    version = {"S3.Client.get_object": {"IfMatch": found["ETag"]}}
    begin = functools.partial(
        smart_open.open,
        address,
        "rb",
        compression="disable",
        transport_params=_client_for() | {"client_kwargs": version, "defer_seek": True},
    )
    return Source(
        address,
        int(found["ContentLength"]),
        _stamp(found),
        _Guarded(begin(), address),  # type: ignore[arg-type] # as much of a file as cutting needs
        functools.partial(_read_at, begin, address, int(found["ContentLength"])),
        lambda: _stamp(_head(address, bucket, key)),
        remote=True,
    )


class _Guarded:
    """An object's stream whose errors are sentences."""

    def __init__(self, stream: Any, address: str) -> None:
        self._stream = stream
        self._address = address

    def read(self, size: int = -1) -> bytes:
        with _in_sentences(self._address):
            return bytes(self._stream.read(size))

    def readline(self, size: int = -1) -> bytes:
        with _in_sentences(self._address):
            return bytes(self._stream.readline(size))

    def seek(self, offset: int, whence: int = 0) -> int:
        with _in_sentences(self._address):
            return int(self._stream.seek(offset, whence))

    def close(self) -> None:
        self._stream.close()


def _read_at(begin: Any, address: str, size: int, offset: int, length: int) -> bytes:
    if offset >= size:
        return b""
    with begin() as stream:
        guarded = _Guarded(stream, address)
        guarded.seek(offset)
        return guarded.read(length)


def _head(address: str, bucket: str, key: str) -> dict[str, Any]:
    try:
        return dict(_client_for()["client"].head_object(Bucket=bucket, Key=key))
    except (ClientError, BotoCoreError) as error:
        raise _refusal(error, address) from error


def _stamp(found: dict[str, Any]) -> str:
    return f"{found['ContentLength']}:{found['ETag']}"[:80]


def _refusal(error: Exception, address: str) -> Exception:
    code = str(error.response.get("Error", {}).get("Code")) if isinstance(error, ClientError) else ""
    if code in ("404", "NoSuchKey"):
        return Missing(f"{address} {SENTENCES['404']}.")
    if code in SENTENCES:
        return SourceRefused(f"{address} {SENTENCES[code]}.")
    if isinstance(error, (NoCredentialsError, NoRegionError, PartialCredentialsError)):
        return SourceRefused(f"{address} {SENTENCES['400']}.")
    return _away(address, error)


def _away(address: str, error: Exception) -> SourceAway:
    return SourceAway(f"{address} can't be reached now ({type(error).__name__}): see AWS_ENDPOINT_URL and the network.")


@contextlib.contextmanager
def _in_sentences(address: str) -> Iterator[None]:
    """An object that was replaced is refused; anything else is the network's, and tried again."""
    try:
        yield
    except (OSError, ClientError, BotoCoreError) as error:
        cause = getattr(error, "backend_error", error)  # smart_open's name for what boto3 raised
        code = str(cause.response.get("Error", {}).get("Code")) if isinstance(cause, ClientError) else ""
        raise (changed(address) if code in REPLACED else _away(address, cause)) from error


@functools.cache
def _client_for() -> dict[str, Any]:
    """boto3's client may be shared by threads."""
    return {"client": boto3.client("s3")}
