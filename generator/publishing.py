"""Publishing to AWS: the contracts where functions read them, then the pages where CloudFront does.

In this order, so that no page is ever seen whose answers would be refused; pages of the version
before are answered for seven days more. What is there already, by its hash, is not sent again: a
publishing that was cut off is finished by the next. A rollback is a publishing of what was kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import md5
from secrets import token_hex
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.published import Definitions
from chalicelib.running import now
from chalicelib.site import lay
from chalicelib.storage import Exists, Stale, Store
from chalicelib.survey import Contract, EchoformError
from generator import messaging, releases, tabling
from generator.building import Gathered, shells_of, site_of
from generator.data import examined, publish_all
from generator.differences import differences
from generator.headers import place
from generator.releases import Overtaken, Release
from generator.stage import Place

Say: TypeAlias = Callable[[str], object]

PAGE = ".html"
INDEX = "index.html"
CHINA = "aws-cn"
"""The partition without CloudFront functions."""
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
ROUNDS = 3
"""So often what a slower publisher overwrote is put right, before that is somebody's to look at."""


class Wanted(Struct, frozen=True):
    """What is to be live: contracts, files by path, and what functions read beside contracts."""

    contracts: list[Contract]
    files: dict[str, bytes]
    laid: dict[str, bytes]
    release: Release
    """The same by hash, with all else that stays as it is."""


class NoShortAddresses(EchoformError):
    """Surveys have short addresses, and nobody leads them there."""


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


def publish_site(gathered: Gathered, there: Place, dry_run: bool, say: Say) -> None:
    """Make contracts and pages live, or say what that would change.

    Raises BreaksLive, NoShortAddresses, and Overtaken where somebody else publishes at the same
    time.
    """
    files = site_files(gathered)
    if there.clients["s3"].meta.partition == CHINA:
        if gathered.site.short:
            raise NoShortAddresses(
                "nobody leads short addresses to pages in AWS China, so codes printed with them "
                "would be lost: leave `short: true` out of site.yaml"
            )
        files |= addressed(files)
    _make_live(_gathered(gathered, files, there.store), there, dry_run, say)


def roll_back(there: Place, number: int | None, dry_run: bool, say: Say) -> None:
    """Make an earlier release live again, by default the one before. Raises NoRelease, Overtaken.

    Its versions are the same as ever, being named by their content; those that were live until now
    are superseded, so pages that are open are answered for seven days more.
    """
    store = there.store
    release = releases.earlier(store, number)
    pointer, _ = releases.pointer(store)
    gone = (
        releases.read(store, pointer.live).versions | releases.read(store, pointer.begun).versions
    )
    definitions = Definitions(store)
    wanted = Wanted(
        contracts=[definitions.contract(*each) for each in release.versions.items()],
        files=releases.fetch(store, release.files),
        laid=releases.fetch(store, release.laid),
        release=release,
    )
    say(f"back to release {release.of}")
    for survey in sorted(gone.keys() - release.versions.keys()):
        say(f"{survey}: its pages go, and pages that are open are answered as before")
    _make_live(wanted, there, dry_run, say)


def site_files(gathered: Gathered) -> dict[str, bytes]:
    """Every file that browsers may ask for."""
    pages = site_of(gathered.contracts, gathered.site)
    return gathered.pictures | {path: data for path, (data, _) in pages.items()}


def addressed(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Pages under the very addresses that customers have (``after-sales/``), for where no function
    puts ``index.html`` behind them: to S3 such a key is like any other."""
    return {
        path.removesuffix(INDEX): data for path, data in files.items() if path.endswith("/" + INDEX)
    }


def compared(
    files: Mapping[str, bytes], held: Mapping[str, str], known: Iterable[str] = ()
) -> Changes:
    """``held``: hashes by path, of what the bucket has. Pages of other surveys stay, unless they
    are among the ``known``: what was published last."""
    hashes = {path: md5(data, usedforsecurity=False).hexdigest() for path, data in files.items()}
    surveys = {path.split("/")[0] for path in (*files, *known) if "/" in path}
    return Changes(
        new=_pages_last(path for path in files if path not in held),
        changed=_pages_last(p for p in files if p in held and held[p] != hashes[p]),
        removed=sorted(p for p in held if p not in files and p.split("/")[0] in surveys),
        unchanged=sum(held.get(path) == found for path, found in hashes.items()),
    )


def invalidated(paths: Iterable[str]) -> list[str]:
    """What CloudFront must forget: a page by its address, and by its file's name."""
    named = sorted({address for path in paths for address in (place(path), f"/{path}")})
    return ["/*"] if len(named) > MOST_PATHS else named


def _gathered(gathered: Gathered, files: dict[str, bytes], store: Store) -> Wanted:
    """What was gathered, on top of what else is live."""
    laid = shells_of(gathered.contracts, gathered.site) | messaging.laid(gathered.site)
    live = releases.read(store, releases.pointer(store)[0].live)
    surveys = {path.split("/")[0] for path in files if "/" in path}
    stays = {p: hash for p, hash in live.files.items() if p.split("/")[0] not in surveys}
    release = Release(
        versions=live.versions | {each.id: each.version for each in gathered.contracts},
        files=stays | {path: releases.hash_of(data) for path, data in files.items()},
        laid=live.laid | {key: releases.hash_of(data) for key, data in laid.items()},
    )
    before = live.before if live.same(release) else live.number
    return Wanted(gathered.contracts, files, laid, replace(release, before=before))


def _database(there: Place) -> tabling.Database:
    name, _, workgroup = there.athena.partition("/")
    return tabling.Database(there.clients, there.store, there.data, name, workgroup)


def _make_live(wanted: Wanted, there: Place, dry_run: bool, say: Say) -> None:
    store, s3 = there.store, there.clients["s3"]
    pointer, _ = releases.pointer(store)
    live, last = releases.read(store, pointer.live), releases.read(store, pointer.begun)
    # What was cut off may have sent pages of a survey that no other release has.
    known = (live.files.keys() | last.files.keys()) - wanted.release.files.keys()
    told = examined(store, wanted.contracts)
    changes = compared(wanted.files, _held(s3, there.bucket), known)
    forgotten = _forgotten((live, last), wanted.release, changes)
    for line in (*told, *_versions(store, wanted.contracts), *changes.lines()):
        say(line)
    moved = pointer.begun != pointer.live or not wanted.release.same(live)
    if dry_run:
        if there.distribution and forgotten:
            say(f"CloudFront would forget {' '.join(forgotten)}")
        tabling.tell(_database(there), wanted.contracts, moved, True, say)
        return
    releases.keep(store, (*wanted.files.values(), *wanted.laid.values()))
    begun, sends = releases.begin(store, wanted.release, now()), bool(changes)
    for _ in range(ROUNDS):
        _send(wanted, there, begun.number, changes)
        changes = compared(wanted.files, _held(s3, there.bucket), known)
        if not changes:
            break
    if there.distribution and forgotten:
        batch = {
            "Paths": {"Quantity": len(forgotten), "Items": forgotten},
            "CallerReference": token_hex(8),
        }
        there.clients["cloudfront"].create_invalidation(
            DistributionId=there.distribution, InvalidationBatch=batch
        )
        say(f"CloudFront forgets {len(forgotten)} addresses")
    tabling.tell(_database(there), wanted.contracts, moved, False, say)
    releases.finish(store, begun.number)
    same = begun.number == pointer.live and not sends
    say(f"release {begun.number} is live" + " already: nothing to change" * same)


def _send(wanted: Wanted, there: Place, number: int, changes: Changes) -> None:
    """Send what changed, contracts first; stops where somebody else begins. Raises Overtaken."""
    store, s3 = there.store, there.clients["s3"]
    releases.hold(store, number)
    try:
        publish_all(store, wanted.contracts, now())
        for key, data in wanted.laid.items():
            lay(store, key, data)
    except (Stale, Exists):
        raise Overtaken from None
    for path in changes.sent:
        releases.hold(store, number)
        kind, kept = CACHED[PAGE if _is_page(path) else path[path.rindex(".") :]]
        s3.put_object(
            Bucket=there.bucket,
            Key=path,
            Body=wanted.files[path],
            ContentType=kind,
            CacheControl=kept,
        )
    for path in changes.removed:
        s3.delete_object(Bucket=there.bucket, Key=path)


def _forgotten(past: Iterable[Release], wanted: Release, changes: Changes) -> list[str]:
    """What CloudFront must forget: also what a publishing sent that was cut off before it said so.

    ``past``: what CloudFront may know.
    """
    paths = {*changes.changed, *changes.removed}
    for release in past:
        paths |= {p for p, hash in release.files.items() if wanted.files.get(p) != hash}
    return invalidated(paths)


def _versions(store: Store, contracts: list[Contract]) -> Iterator[str]:
    definitions = Definitions(store)
    known = set(definitions.surveys())
    for contract in contracts:
        live = definitions.current(contract.id) if contract.id in known else None
        if live is None:
            yield f"{contract.id}: version {contract.version}, the first"
        elif live.version != contract.version:
            yield f"{contract.id}: version {contract.version} in place of {live.version}"
            yield from (f"  {line}" for line in differences(live, contract))


def _held(s3: Any, bucket: str) -> dict[str, str]:
    """Hashes by path: the bucket has S3's own key, so a tag is the MD5 of what was put at once."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {
        found["Key"]: found["ETag"].strip('"')
        for page in pages
        for found in page.get("Contents", [])
    }


def _pages_last(paths: Iterable[str]) -> list[str]:
    return sorted(paths, key=lambda path: (_is_page(path), path))


def _is_page(path: str) -> bool:
    return path.endswith((PAGE, "/"))
