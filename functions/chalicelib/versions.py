"""Old versions of objects: a versioned bucket keeps what was replaced and deleted; this does not.

Through boto3, because obstore knows no versions. Only erasing and purging import it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import boto3

from .storage import S3Store, Store

_BATCH = 1000


def forget(store: Store, prefixes: Iterable[str], ours: Callable[[str], bool]) -> int:
    """Remove every version but the latest of keys that are ``ours``; says how many.

    A key that was deleted keeps nothing. Stores without versions have nothing to forget.
    """
    if not isinstance(store, S3Store):
        return 0
    client = boto3.client("s3", endpoint_url=store.endpoint)
    if not client.get_bucket_versioning(Bucket=store.bucket).get("Status"):
        return 0
    gone = 0
    for prefix in prefixes:
        gone += _forget(client, store, prefix, ours)
    return gone


def _forget(client: Any, store: S3Store, prefix: str, ours: Callable[[str], bool]) -> int:
    base = f"{store.prefix}/" if store.prefix else ""
    pages = client.get_paginator("list_object_versions")
    old: list[dict[str, str]] = []
    markers: list[dict[str, str]] = []
    for page in pages.paginate(Bucket=store.bucket, Prefix=base + prefix):
        for kind, into in (("Versions", old), ("DeleteMarkers", markers)):
            into += [
                {"Key": found["Key"], "VersionId": found["VersionId"]}
                for found in page.get(kind, [])
                if (kind == "DeleteMarkers" or not found["IsLatest"])
                and ours(found["Key"].removeprefix(base))
            ]
    # Markers last: without its marker, an old version would be the latest again.
    for these in (old, markers):
        for start in range(0, len(these), _BATCH):
            batch = {"Objects": these[start : start + _BATCH], "Quiet": True}
            refused = client.delete_objects(Bucket=store.bucket, Delete=batch).get("Errors")
            if refused:
                raise OSError(f"{len(refused)} old versions could not be removed")
    return len(old)
