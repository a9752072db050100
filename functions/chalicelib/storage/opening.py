"""Which store a name means: ``s3://bucket/prefix``, else a folder."""

from __future__ import annotations

from pathlib import Path

from .folder import FolderStore
from .port import Store
from .s3 import S3Store


def open_store(place: str, endpoint: str | None = None) -> Store:
    """The store at ``place``. ``endpoint`` is for S3 servers other than AWS."""
    if place.startswith("s3://"):
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        return S3Store(bucket, prefix.strip("/"), endpoint)
    return FolderStore(Path(place))
