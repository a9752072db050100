"""Publishing to AWS: the contracts where functions read them, then the pages where CloudFront does.

In this order, so that no page is ever seen whose answers would be refused; pages of the version
before are answered for seven days more. What is there already, by its hash, is not sent again: a
publishing that was cut off is finished by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import md5
from secrets import token_hex
from typing import Any

from msgspec import Struct

from chalicelib.published import Definitions
from chalicelib.running import now
from chalicelib.storage import Store
from chalicelib.survey import Contract
from generator.building import Gathered, lay_shells, site_of
from generator.data import examined, publish_all
from generator.headers import place

PAGE = ".html"
FOR_GOOD = "public, max-age=31536000, immutable"
"""For what is named by its content."""
CACHED = {
    # A browser asks again after a minute; CloudFront keeps it until it is told.
    PAGE: ("text/html; charset=utf-8", "public, max-age=60, s-maxage=86400"),
    ".png": ("image/png", FOR_GOOD),
    ".jpg": ("image/jpeg", FOR_GOOD),
    ".jpeg": ("image/jpeg", FOR_GOOD),
    ".webp": ("image/webp", FOR_GOOD),
    ".svg": ("image/svg+xml", FOR_GOOD),
}
"""What a file is, and how long it may be kept, by the end of its name."""
MOST_PATHS = 500
"""That are named one by one: the first 1,000 a month are free, and a star counts as one."""


class Changes(Struct, frozen=True):
    """What publishing would do to the site. Paths, pages last."""

    new: list[str]
    changed: list[str]
    removed: list[str]
    unchanged: int

    def __bool__(self) -> bool:
        return bool(self.new or self.changed or self.removed)

    @property
    def sent(self) -> list[str]:
        return _pages_last([*self.new, *self.changed])

    def lines(self) -> Iterator[str]:
        for sign, names in (("+", self.new), ("~", self.changed), ("-", self.removed)):
            yield from (f"{sign} {name}" for name in names)
        yield f"= {self.unchanged} unchanged"


def site_files(gathered: Gathered) -> dict[str, bytes]:
    """Every file that browsers may ask for."""
    pages = site_of(gathered.contracts, gathered.site)
    return gathered.pictures | {path: data for path, (data, _) in pages.items()}


def compared(files: Mapping[str, bytes], held: Mapping[str, str]) -> Changes:
    """``held``: hashes by path, of what the bucket has. Pages of other surveys stay."""
    hashes = {path: md5(data, usedforsecurity=False).hexdigest() for path, data in files.items()}
    surveys = {path.split("/")[0] for path in files if "/" in path}
    return Changes(
        new=_pages_last(path for path in files if path not in held),
        changed=_pages_last(p for p in files if p in held and held[p] != hashes[p]),
        removed=sorted(p for p in held if p not in files and p.split("/")[0] in surveys),
        unchanged=sum(held.get(path) == found for path, found in hashes.items()),
    )


def publish_site(
    gathered: Gathered,
    store: Store,
    bucket: str,
    clients: Mapping[str, Any],
    distribution: str | None,
    dry_run: bool,
    say: Callable[[str], object],
) -> None:
    """Make contracts and pages live, or say what that would change. Raises BreaksLive."""
    s3 = clients["s3"]
    told = examined(store, gathered.contracts)
    files = site_files(gathered)
    changes = compared(files, _held(s3, bucket))
    for line in (*told, *_versions(store, gathered.contracts), *changes.lines()):
        say(line)
    if dry_run:
        return
    publish_all(store, gathered.contracts, now())
    lay_shells(store, gathered.contracts, gathered.site)
    for path in changes.sent:
        kind, kept = CACHED[path[path.rindex(".") :]]
        s3.put_object(
            Bucket=bucket, Key=path, Body=files[path], ContentType=kind, CacheControl=kept
        )
    for path in changes.removed:
        s3.delete_object(Bucket=bucket, Key=path)
    paths = invalidated([*changes.changed, *changes.removed])
    if distribution and paths:
        batch = {"Paths": {"Quantity": len(paths), "Items": paths}, "CallerReference": token_hex(8)}
        clients["cloudfront"].create_invalidation(
            DistributionId=distribution, InvalidationBatch=batch
        )
        say(f"CloudFront forgets {len(paths)} addresses")


def invalidated(paths: list[str]) -> list[str]:
    """What CloudFront must forget: a page by its address, and by its file's name."""
    named = sorted({address for path in paths for address in (place(path), f"/{path}")})
    return ["/*"] if len(named) > MOST_PATHS else named


def _versions(store: Store, contracts: list[Contract]) -> Iterator[str]:
    definitions = Definitions(store)
    known = set(definitions.surveys())
    for contract in contracts:
        live = definitions.publication(contract.id).version if contract.id in known else None
        if live != contract.version:
            yield f"{contract.id}: version {contract.version} in place of {live or 'none'}"


def _held(s3: Any, bucket: str) -> dict[str, str]:
    """Hashes by path: the bucket has S3's own key, so a tag is the MD5 of what was put at once."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {
        found["Key"]: found["ETag"].strip('"')
        for page in pages
        for found in page.get("Contents", [])
    }


def _pages_last(paths: Any) -> list[str]:
    return sorted(paths, key=lambda path: (path.endswith(PAGE), path))
