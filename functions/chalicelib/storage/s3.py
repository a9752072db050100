"""S3 as a store, through obstore: conditional writes, and an import a cold start can afford."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError, PreconditionError
from obstore.store import S3Store as _Bucket

from .port import Entry, Exists, Missing, Stale, Stored, Unavailable, checked

_BATCH = 1000
_PATIENCE = timedelta(seconds=12)
"""Twice this is less than the 29 s after which API Gateway gives a phone no answer at all."""
_ABSENT = (NotFoundError, FileNotFoundError)


class S3Store:
    """A store in a bucket, under an optional prefix. Credentials come from the environment."""

    def __init__(self, bucket: str, prefix: str = "", endpoint: str | None = None) -> None:
        self.bucket, self.prefix, self.endpoint = bucket, prefix, endpoint
        served = endpoint or _in_china(os.environ)
        self._bucket = _Bucket(
            bucket,
            prefix=prefix or None,
            retry_config={"max_retries": 3, "retry_timeout": _PATIENCE},
            client_options={
                "connect_timeout": _PATIENCE / 4,
                "read_timeout": _PATIENCE,
                "allow_http": bool(endpoint and endpoint.startswith("http://")),
            },
            config={"endpoint": served} if served else None,
        )

    def get(self, key: str) -> Stored:
        with _reachable(key):
            try:
                found = self._bucket.get(checked(key))
                return Stored(bytes(found.bytes()), found.meta["e_tag"] or "")
            except _ABSENT as error:
                if "NoSuchBucket" in str(error):  # a mistyped bucket is no empty one
                    raise
                raise Missing(key) from None

    def peek(self, key: str, length: int) -> bytes:
        with _reachable(key):
            try:
                return bytes(self._bucket.get_range(checked(key), start=0, length=length))
            except _ABSENT:
                raise Missing(key) from None

    def tail(self, key: str, length: int) -> tuple[bytes, int, str]:
        """The last bytes of a value, its whole size and its tag. Raises Missing."""
        with _reachable(key):
            try:
                found = self._bucket.get(checked(key), options={"range": {"suffix": length}})
                return bytes(found.bytes()), found.meta["size"], found.meta["e_tag"] or ""
            except _ABSENT:
                raise Missing(key) from None

    def piece(self, key: str, start: int, end: int, tag: str) -> bytes:
        """Bytes of the version ``tag`` names. Raises Stale, Missing."""
        with _reachable(key):
            try:
                found = self._bucket.get(
                    checked(key), options={"range": (start, end), "if_match": tag}
                )
                return bytes(found.bytes())
            except PreconditionError:
                raise Stale(key) from None
            except _ABSENT:
                raise Missing(key) from None

    def create(self, key: str, data: bytes) -> None:
        with _reachable(key):
            try:
                self._bucket.put(checked(key), data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                raise Exists(key) from None

    def replace(self, key: str, data: bytes, tag: str) -> None:
        with _reachable(key):
            try:
                self._bucket.put(checked(key), data, mode={"e_tag": tag}, use_multipart=False)
            except (PreconditionError, *_ABSENT):
                raise Stale(key) from None

    def list(self, prefix: str) -> Iterator[Entry]:
        with _reachable(prefix):
            for batch in obstore.list(self._bucket, prefix=prefix or None):
                for found in batch:
                    yield Entry(found["path"], found["e_tag"] or "")

    def delete(self, keys: Iterable[str]) -> None:
        batch = [checked(key) for key in keys]
        for start in range(0, len(batch), _BATCH):
            with _reachable("delete"), suppress(*_ABSENT):
                self._bucket.delete(batch[start : start + _BATCH])


def _in_china(environ: Mapping[str, str]) -> str | None:
    """AWS China has a domain of its own, which obstore does not know."""
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION", "")
    return f"https://s3.{region}.amazonaws.com.cn" if region.startswith("cn-") else None


@contextmanager
def _reachable(key: str) -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        raise Unavailable(key, str(error).splitlines()[0]) from error
