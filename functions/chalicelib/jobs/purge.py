"""Purge: whole days go when a survey does not keep them any longer. Harmless to repeat.

What goes with a day of responses: its parts, contacts first, what was rejected of it, and its
tombstones, because merge lets nothing into such a day any more. What goes with a day of contacts:
those, and what was rejected, which holds whole bodies. Where a survey names no limit, nothing
goes; a tombstone must last as long as somebody could load the row again that was erased.

Tallies stay: they are counts. The tally does not look at such days again, so that a purge which is
cut off never makes a number smaller.

Purge also finishes erasures that were cut off, and takes away what a merge that died in the very
moment of an erasure may have left beside the parts.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from .. import audit, keys, tombstones, versions
from ..erasing import finish
from ..published import Definitions
from ..retention import Kept, kept
from ..settings import Settings
from ..storage import Store

WHO = "job:purge"


class Purged(Struct):
    """What a purge deleted, in days of each table and in objects."""

    responses: int = 0
    contacts: int = 0
    rejected: int = 0
    tombstones: int = 0
    erasures: int = 0
    """Had been cut off and are finished now."""
    strays: int = 0
    """Stood beside the parts for somebody who was erased."""


def run(store: Store, settings: Settings, now: int, left: object = None) -> Purged:
    return purge(store, settings.key, now)


def purge(store: Store, key: bytes, now: int) -> Purged:
    """Delete what no survey keeps. ``key`` is the secret that names tombstones.

    Raises ExceptionGroup at the end, where a survey could not be purged; the others were.
    """
    done = Purged(erasures=finish(store, key))
    definitions = Definitions(store)
    failures: list[Exception] = []
    for survey in definitions.surveys():
        try:
            _survey(store, survey, kept(definitions.current(survey), now), now, done)
            done.strays += _strays(store, key, survey)
        except Exception as failure:  # one bad survey must not keep the others waiting
            failures.append(failure)
    if failures:
        raise ExceptionGroup("some surveys could not be purged", failures)
    return done


def _survey(store: Store, survey: str, limits: Kept, now: int, done: Purged) -> None:
    if not limits.contacts:
        return
    contacts = _before(store, f"{keys.CONTACTS}{survey}/", limits.contacts)
    responses = _before(store, f"{keys.RESPONSES}{survey}/", limits.responses)
    rejected = [
        entry.key
        for entry in store.list(keys.REJECTED)
        if entry.key.split("/")[2] == survey and entry.key.split("/")[1] < limits.contacts
    ]
    stones = [
        entry.key
        for entry in store.list(f"{keys.TOMBSTONES}{survey}/")
        if entry.key.split("/")[2] < limits.responses
    ]
    counts = {
        "responses": len({keys.day_of(key) for key in responses}),
        "contacts": len({keys.day_of(key) for key in contacts}),
        "rejected": len(rejected),
        "tombstones": len(stones),
    }
    if not any(counts.values()):
        return
    audit.record(store, WHO, "purge", now, survey, **counts)
    store.delete([*contacts, *responses, *rejected, *stones])
    _forget(store, [*contacts, *responses, *rejected])
    for name, count in counts.items():
        setattr(done, name, getattr(done, name) + count)


def _before(store: Store, prefix: str, first: str) -> list[str]:
    """The parts under a prefix of days before the first that is kept."""
    return [entry.key for entry in store.list(prefix) if keys.day_of(entry.key) < first]


def _strays(store: Store, key: bytes, survey: str) -> int:
    stones = tombstones.everything(store, survey, key)
    if not stones:
        return 0
    named = [entry.key for entry in store.list(f"{keys.DUE}{survey}/")]
    named += [e.key for e in store.list(keys.REJECTED) if e.key.split("/")[2] == survey]
    strays = [name for name in named if keys.response_of(name) in stones]
    store.delete(strays)
    _forget(store, strays)
    return len(strays)


def _forget(store: Store, names: Iterable[str]) -> None:
    gone = frozenset(names)
    versions.forget(
        store, sorted({name.rpartition("/")[0] + "/" for name in gone}), gone.__contains__
    )
