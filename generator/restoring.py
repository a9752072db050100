"""Restoring: a snapshot into an empty place, and nobody who was erased since.

Definitions come last: until then nothing is accepted and nothing merged, so nobody works on half
of it. Of an older snapshot only answers are taken; links, invitations and all else by which people
are known come from the newest, so that what an erasure took from there stays gone. Then every
tombstone there is, of this snapshot, of later ones and of the place itself, is carried out on what
came back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
from msgspec import Struct

from chalicelib import audit, keys, parts, tombstones
from chalicelib.erasing import erase, finish
from chalicelib.follow_ups.port import Record, Row
from chalicelib.published import Definitions
from chalicelib.storage import Exists, Store
from chalicelib.survey import EchoformError, ids
from chalicelib.traces import Traces, find
from generator import snapshots
from generator.snapshots import AT_ONCE, NoBackup, Saved, Snapshot

OF_ANSWERS = (
    *(keys.RESPONSES, keys.CONTACTS, keys.LANDING, keys.DUE, keys.CLAIMS),
    keys.UPLOADS,
)
"""What an older snapshot is asked for."""
MARK = "restored/"
"""``restored/<snapshot>``: all of it is here. What is changed then is not put back again."""
_ROWS = msgspec.json.Decoder(list[Row])


class Occupied(EchoformError):
    """There is something else where the backup should go."""


class Restored(Struct):
    """What came back."""

    snapshot: str
    objects: int
    answers: dict[str, int]
    """By survey, as the backup had them."""
    erased: dict[str, int]
    """By survey, those of them that were erased since."""


def restore(
    backup: Store, name: str | None, store: Store, record: Record, secret: bytes, now: int
) -> Restored:
    """Put a snapshot back. Repeat it where it was cut off: it goes on.

    Raises NoBackup: damaged, or of another secret; Occupied.
    """
    newest = snapshots.read(backup)
    wanted = snapshots.read(backup, name) if name else newest
    if wanted.secret != snapshots.fingerprint(secret):
        raise NoBackup(
            "the secret is not the one of this backup, so nobody's pseudonym would be theirs: "
            "set ECHOFORM_KEY to the one that was kept with it"
        )
    objects = _chosen(wanted, [*snapshots.later(backup, wanted.name)] or [wanted])
    mark = MARK + wanted.name
    if not any(entry.key == mark for entry in store.list(MARK)):
        _copy(backup, objects, store)
        _verify(objects, store)
        for hash in newest.follow_ups:
            record.put(_ROWS.decode(snapshots.content(backup, hash)))
        audit.record(store, audit.operator(), "restore", now, snapshot=wanted.name)
        store.create(mark, b"")
    finish(store, secret, record)
    erased = _erase_again(store, record, secret, now)
    return Restored(wanted.name, len(objects), wanted.answers, erased)


def _chosen(wanted: Snapshot, later: list[Snapshot]) -> dict[str, Saved]:
    """``later``: what came after, the newest last, or the same."""
    objects = {k: saved for k, saved in wanted.objects.items() if k.startswith(OF_ANSWERS)}
    for each in (wanted, *later):
        erased = {k: s for k, s in each.objects.items() if k.startswith(keys.TOMBSTONES)}
        objects = erased | objects
    rest = {k: s for k, s in later[-1].objects.items() if not k.startswith(OF_ANSWERS)}
    return dict(sorted({**rest, **objects}.items(), key=_order))


def _order(each: tuple[str, Saved]) -> tuple[int, str]:
    """Tombstones first, definitions last, and what says which is live after all."""
    key = each[0]
    ranks = {keys.TOMBSTONES: 0, keys.DEFINITIONS: 2}
    rank = next((ranks[prefix] for prefix in ranks if key.startswith(prefix)), 1)
    return rank + key.endswith(keys.CURRENT), key


def _copy(backup: Store, objects: dict[str, Saved], store: Store) -> None:
    there = {entry.key for entry in store.list("")}

    def put(key: str) -> None:
        hash = objects[key].hash
        if key not in there:
            try:
                return store.create(key, snapshots.content(backup, hash))
            except Exists:
                pass
        if snapshots.hash_of(store.get(key).data) != hash:
            raise Occupied(
                f"{key} is there already, and is another: restore into an empty folder or bucket"
            )

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for rank in range(4):
            [*pool.map(put, [k for k in objects if _order((k, objects[k]))[0] == rank])]


def _verify(objects: dict[str, Saved], store: Store) -> None:
    """Read everything again. Raises NoBackup."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda key: snapshots.hash_of(store.get(key).data), objects)
        wrong = [key for key, hash in zip(objects, found, strict=True) if objects[key].hash != hash]
    if wrong:
        raise NoBackup(f"{len(wrong)} objects are not as they were, as {wrong[0]}: restore again")


def _erase_again(store: Store, record: Record, secret: bytes, now: int) -> dict[str, int]:
    """Erase whoever has a tombstone and came back all the same; how many answers, by survey."""
    erased = {}
    for survey in Definitions(store).surveys():
        forbidden = tombstones.everything(store, survey, secret)
        back = (
            {each for each in _responses(store, survey) if each in forbidden} if forbidden else ()
        )
        if back:
            found = _together(survey, (find(store, secret, survey, "response", r) for r in back))
            gone = erase(store, secret, found, now, audit.operator(), record)
            erased[survey] = gone.responses
    return erased


def _responses(store: Store, survey: str) -> Iterator[str]:
    """The ids of all that came back."""
    for entry in store.list(f"{keys.RESPONSES}{survey}/"):
        yield from parts.digests(store, entry.key)
    for prefix in (keys.LANDING, keys.DUE):
        for entry in store.list(f"{prefix}{survey}/"):
            if ids.is_id(keys.response_of(entry.key)):
                yield keys.response_of(entry.key)


def _together(survey: str, found: Iterable[Traces]) -> Traces:
    whole = Traces(survey=survey, by="response")
    for each in found:
        for name in ("responses", "links", "claims", "objects", "uploads", "people"):
            getattr(whole, name).update(getattr(each, name))
        for shard, names in each.invitations.items():
            whole.invitations.setdefault(shard, set()).update(names)
        whole.seen += each.seen
    return whole
