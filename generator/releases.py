"""Releases: what each publishing makes of the site, kept so that an earlier one can be had again.

A release names every file of the site and every version by content, and the bytes lie beside it
under their hash: not as old versions in the site's bucket, which go after 30 days, which no folder
has, and which would not come back with a backup of the data. A release never changes once written.

``releases/live.json`` says which is live, and which was begun. It is only ever replaced over what
was read: of two who publish at once, the later goes on and the other stops. Who finds one begun and
not live has met somebody at work, or who was cut off; the same content goes on with it, other
content takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from chalicelib import audit, keys
from chalicelib.storage import Exists, Missing, Stale, Store
from chalicelib.survey import EchoformError


class Release(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole site as it is meant to be. Hashes are SHA-256."""

    number: int = 0
    at: int = 0
    """When it was begun, in milliseconds since 1970."""
    by: str = ""
    before: int = 0
    """The release that a rollback from this one leads to; 0: none."""
    of: int = 0
    """The release whose content this is, where it is a rollback."""
    versions: dict[str, str] = {}
    """By survey."""
    files: dict[str, str] = {}
    """What browsers ask for: hashes by path."""
    laid: dict[str, str] = {}
    """What functions read beside contracts: hashes by key of the data."""

    def same(self, other: Release) -> bool:
        """Whether it makes the same of the site."""
        return (self.versions, self.files, self.laid) == (other.versions, other.files, other.laid)


class Pointer(Struct, frozen=True):
    live: int = 0
    begun: int = 0
    """The last that somebody began; where it is not ``live``, it is under way or was cut off."""
    done: list[int] = []
    """Every release that was live once."""


class Overtaken(EchoformError):
    """Somebody else publishes at the same time, and was later."""

    def __init__(self) -> None:
        super().__init__(
            "somebody else publishes at the same time: nothing more was sent from here. "
            "`echoform releases` shows what is live; publish again if yours should be"
        )


class NoRelease(EchoformError):
    """There is no such release to go back to."""


def hash_of(data: bytes) -> str:
    return sha256(data).hexdigest()


def keep(store: Store, contents: Iterable[bytes]) -> None:
    """Keep these bytes for as long as the data lives; what is kept already is not sent again.

    What no recent release names is not removed either: of old bytes somebody who publishes at the
    same moment may have just seen that they are there, and be about to name them, and no age of
    theirs tells. A release is some pages of a few kilobytes, so a thousand of them cost cents.
    """
    held = {entry.key for entry in store.list(keys.KEPT)}
    for data in contents:
        key = keys.kept(hash_of(data))
        if key not in held:
            with suppress(Exists):
                store.create(key, data)
            held.add(key)


def fetch(store: Store, hashes: Mapping[str, str]) -> dict[str, bytes]:
    """What was kept, by the same names. Raises NoRelease where some of it is gone or changed."""
    found = {}
    for name, hash in hashes.items():
        with suppress(Missing):
            found[name] = store.get(keys.kept(hash)).data
        if name not in found or hash_of(found[name]) != hash:
            raise NoRelease(
                f"{name} of that release is gone, or not as it was kept ({keys.kept(hash)}):"
                " take another with --to; `echoform releases` lists them"
            )
    return found


def read(store: Store, number: int) -> Release:
    """A release; an empty one for 0. Raises NoRelease."""
    if not number:
        return Release()
    try:
        return msgspec.json.decode(store.get(keys.release(number)).data, type=Release)
    except Missing:
        raise NoRelease(f"there is no release {number}; `echoform releases` lists them") from None


def pointer(store: Store) -> tuple[Pointer, str]:
    """What is live, and the tag of that knowledge ("": nothing was published yet)."""
    try:
        stored = store.get(keys.LIVE)
    except Missing:
        return Pointer(), ""
    return msgspec.json.decode(stored.data, type=Pointer), stored.tag


def begin(store: Store, wanted: Release, now: int) -> Release:
    """The release under which this content goes live: the live one where it is the same, the one
    that was cut off where that is, else a new one. Raises Overtaken."""
    known, tag = pointer(store)
    if known.begun:
        last = read(store, known.begun)
        if last.same(wanted):
            return last
    release = replace(wanted, number=known.begun + 1, at=now, by=audit.operator())
    while True:
        try:
            store.create(keys.release(release.number), msgspec.json.encode(release))
            break
        except Exists:  # written, and cut off before it was begun
            last = read(store, release.number)
            if last.same(wanted) and last.before == wanted.before:
                release = last
                break
            release = replace(release, number=release.number + 1)
    _point(store, replace(known, begun=release.number), tag)
    return release


def hold(store: Store, number: int) -> None:
    """Raises Overtaken where another release was begun since."""
    if pointer(store)[0].begun != number:
        raise Overtaken


def finish(store: Store, number: int) -> None:
    """The release is live, every file of it. Raises Overtaken."""
    known, tag = pointer(store)
    if known.begun != number:
        raise Overtaken
    if known.live != number:
        _point(store, replace(known, live=number, done=[*known.done, number]), tag)


def earlier(store: Store, number: int | None = None) -> Release:
    """What a rollback makes live: the release before the live one, the live one where another was
    cut off, or the one of that number. Raises NoRelease."""
    known, _ = pointer(store)
    cut_off = known.begun != known.live
    wanted = number or (known.live if cut_off else read(store, known.live).before)
    if not wanted:
        raise NoRelease("there is no release before this one")
    if wanted not in known.done:
        raise NoRelease(f"release {wanted} never was live; `echoform releases` lists them")
    found = read(store, wanted)
    return replace(found, of=found.of or wanted)


def every(store: Store) -> list[Release]:
    """Every release, the latest first."""
    names = [entry.key for entry in store.list(keys.RELEASES) if entry.key != keys.LIVE]
    found = [msgspec.json.decode(store.get(name).data, type=Release) for name in names]
    return sorted(found, key=lambda each: -each.number)


def listed(store: Store) -> Iterator[str]:
    """Every release, the latest first, in a line or more."""
    known, _ = pointer(store)
    found = every(store)
    for each in found:
        at = datetime.fromtimestamp(each.at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        what = f", release {each.of} again" if each.of else ""
        yield f"{each.number}  {at}  {each.by}  {_standing(each.number, known)}{what}"
        for survey, version in sorted(each.versions.items()):
            yield f"   {survey} {version}"
    if not found:
        yield "nothing was published yet"


def _standing(number: int, known: Pointer) -> str:
    if number == known.live:
        return "live"
    return "was live" if number in known.done else "was not finished"


def _point(store: Store, changed: Pointer, tag: str) -> None:
    data = msgspec.json.encode(changed)
    try:
        if tag:
            store.replace(keys.LIVE, data, tag)
        else:
            store.create(keys.LIVE, data)
    except (Stale, Exists):
        raise Overtaken from None
