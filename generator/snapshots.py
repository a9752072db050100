"""Snapshots: what a backup consists of.

``objects/<hash>`` are contents under their SHA-256, each once however many snapshots have it;
``snapshots/<moment>.json`` names every key with its content, and is written last, so one that is
there is whole. A backup lies in a folder or a bucket, as data do.

One at a time takes snapshots: of two, one might remove as forgotten what the other's snapshot is
about to name. ``working.json`` says who does. It is replaced and never removed, for a backup may be
given no right to remove.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
from msgspec import Struct

from chalicelib import keys
from chalicelib.storage import Exists, Missing, Stale, Store
from chalicelib.survey import EchoformError

OBJECTS = "objects/"
SNAPSHOTS = "snapshots/"
WORKING = "working.json"
LEFT_OUT = (
    keys.TALLIES,
    keys.STRETCHES,
    keys.FOLLOW_UPS,
    keys.FOLLOW_UP_EVENTS,
    keys.STAGING,
    "athena/",
)
"""What is made again from the rest: figures by ``tally``, tables of follow-ups by their job."""
AT_ONCE = 16


class NoBackup(EchoformError):
    """There is no backup there that could be used."""


class Working(Struct, frozen=True, omit_defaults=True):
    """Who takes a snapshot; nobody where nothing is said."""

    by: str = ""
    at: int = 0
    """Since when, in milliseconds since 1970."""


class Busy(EchoformError):
    """Somebody else takes a snapshot, or was cut off."""

    def __init__(self, other: Working) -> None:
        since = datetime.fromtimestamp(other.at / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
        super().__init__(
            f"{other.by} has been backing up to the same place since {since}: wait until that is"
            f" over. If it was cut off, remove {WORKING} there, and repeat"
        )


class Saved(Struct, frozen=True, omit_defaults=True):
    """An object as it was."""

    tag: str
    """Of the store it was in: what has it still, has not changed."""
    hash: str
    rows: int = 0
    """Of a part of answers."""


class Snapshot(Struct, frozen=True, kw_only=True):
    name: str
    """The moment, as ``20260517T040000Z``: they sort by time."""
    secret: str
    """A keyed hash by which the secret of pseudonyms is known again. Not the secret."""
    objects: dict[str, Saved]
    follow_ups: list[str]
    """Hashes of lists of rows."""

    @property
    def answers(self) -> dict[str, int]:
        """How many answers each survey has."""
        found: dict[str, int] = {}
        for key, saved in self.objects.items():
            if key.startswith(keys.RESPONSES):
                survey = keys.survey_of(key)
                found[survey] = found.get(survey, 0) + saved.rows
        return found

    @property
    def hashes(self) -> set[str]:
        return {*self.follow_ups, *(saved.hash for saved in self.objects.values())}


_DECODER = msgspec.json.Decoder(Snapshot)
_FREE = msgspec.json.encode(Working())


@contextmanager
def alone(backup: Store, by: str, now: int) -> Iterator[None]:
    """Nobody else takes a snapshot meanwhile. Raises Busy."""
    mine = msgspec.json.encode(Working(by, now))
    while True:
        with suppress(Exists, Stale):  # who was first is met in the next round
            try:
                found = backup.get(WORKING)
            except Missing:
                backup.create(WORKING, mine)
                break
            if found.data != _FREE:
                raise Busy(_said(found.data))
            backup.replace(WORKING, mine, found.tag)
            break
    try:
        yield
    finally:
        with suppress(Missing, Stale):  # somebody took this one for cut off
            found = backup.get(WORKING)
            if found.data == mine:
                backup.replace(WORKING, _FREE, found.tag)


def _said(data: bytes) -> Working:
    try:
        return msgspec.json.decode(data, type=Working)
    except msgspec.MsgspecError:
        return Working("somebody")


def fingerprint(secret: bytes) -> str:
    return hmac.digest(secret, b"echoform backup", "sha256").hex()[:16]


def hash_of(data: bytes) -> str:
    return sha256(data).hexdigest()


def held(backup: Store) -> set[str]:
    """The hashes of all contents there."""
    return {entry.key.removeprefix(OBJECTS) for entry in backup.list(OBJECTS)}


def keep(backup: Store, data: bytes) -> str:
    """Keep a content; its hash."""
    hash = hash_of(data)
    with suppress(Exists):
        backup.create(OBJECTS + hash, data)
    return hash


def content(backup: Store, hash: str) -> bytes:
    """Raises NoBackup where it is gone or was changed."""
    try:
        data = backup.get(OBJECTS + hash).data
    except Missing:
        data = b""
    if hash_of(data) != hash:
        raise NoBackup(f"{OBJECTS}{hash} of the backup is gone or damaged: take another snapshot")
    return data


def names(backup: Store) -> list[str]:
    """Every snapshot, oldest first."""
    listed = [entry.key for entry in backup.list(SNAPSHOTS)]
    return sorted(key.removeprefix(SNAPSHOTS).removesuffix(".json") for key in listed)


def read(backup: Store, name: str | None = None) -> Snapshot:
    """That snapshot, else the newest. Raises NoBackup."""
    known = names(backup)
    if not known or (name or known[-1]) not in known:
        there = f"there are: {', '.join(known)}" if known else "there is none at all"
        raise NoBackup(f"no snapshot {name}; {there}" if name else "there is no backup there")
    return _DECODER.decode(backup.get(f"{SNAPSHOTS}{name or known[-1]}.json").data)


def write(backup: Store, snapshot: Snapshot) -> None:
    """Say that a snapshot is whole. Raises NoBackup where it is not."""
    missing = snapshot.hashes - held(backup)
    if missing:
        raise NoBackup(
            f"{len(missing)} contents are gone again: somebody else works on this backup"
        )
    backup.create(f"{SNAPSHOTS}{snapshot.name}.json", msgspec.json.encode(snapshot))


def forget(backup: Store, most: int) -> int:
    """Keep the newest ``most`` snapshots and what they name; how many others went."""
    known = names(backup)
    old = known[:-most]
    if not old:
        return 0
    backup.delete(f"{SNAPSHOTS}{name}.json" for name in old)
    wanted: set[str] = set().union(*(read(backup, name).hashes for name in known[-most:]))
    backup.delete(OBJECTS + hash for hash in sorted(held(backup) - wanted))
    return len(old)


def later(backup: Store, name: str) -> Iterable[Snapshot]:
    """The snapshots after this one."""
    return (read(backup, each) for each in names(backup) if each > name)
