"""S3 as a store, through obstore: conditional writes, and an import a cold start can afford."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import obstore
from obstore.exceptions import AlreadyExistsError, NotFoundError, PreconditionError
from obstore.store import S3Store as _Bucket

from .port import Entry, Exists, Missing, Stale, Stored, checked

_BATCH = 1000


class S3Store:
    """A store in a bucket, under an optional prefix. Credentials come from the environment."""

    def __init__(self, bucket: str, prefix: str = "", endpoint: str | None = None) -> None:
        self.bucket, self.prefix, self.endpoint = bucket, prefix, endpoint
        self._bucket = (
            _Bucket(
                bucket,
                prefix=prefix or None,
                endpoint=endpoint,
                client_options={"allow_http": endpoint.startswith("http://")},
            )
            if endpoint
            else _Bucket(bucket, prefix=prefix or None)
        )

    def get(self, key: str) -> Stored:
        try:
            found = self._bucket.get(checked(key))
            return Stored(bytes(found.bytes()), found.meta["e_tag"] or "")
        except (NotFoundError, FileNotFoundError):
            raise Missing(key) from None

    def create(self, key: str, data: bytes) -> None:
        try:
            self._bucket.put(checked(key), data, mode="create", use_multipart=False)
        except AlreadyExistsError:
            raise Exists(key) from None

    def replace(self, key: str, data: bytes, tag: str) -> None:
        try:
            self._bucket.put(checked(key), data, mode={"e_tag": tag}, use_multipart=False)
        except (PreconditionError, NotFoundError, FileNotFoundError):
            raise Stale(key) from None

    def list(self, prefix: str) -> Iterator[Entry]:
        for batch in obstore.list(self._bucket, prefix=prefix or None):
            for found in batch:
                yield Entry(found["path"], found["e_tag"] or "")

    def delete(self, keys: Iterable[str]) -> None:
        batch = [checked(key) for key in keys]
        for start in range(0, len(batch), _BATCH):
            try:
                self._bucket.delete(batch[start : start + _BATCH])
            except (NotFoundError, FileNotFoundError):
                continue
