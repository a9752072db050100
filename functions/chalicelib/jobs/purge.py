"""Purge: whole days go when a survey does not keep them any longer. Harmless to repeat.

What goes with a day of responses: its parts, contacts first, what was rejected of it, and its
tombstones, because merge lets nothing into such a day any more. What goes with a day of contacts:
those, and what was rejected, which holds whole bodies. Where a survey names no limit, nothing
goes; a tombstone must last as long as somebody could load the row again that was erased.

Uploads go with a day of contacts. One that no answer names goes too, some days after any answer
could; a day is looked through for those once, and a note says that it was.

Follow-ups lose their texts with the day of their response.

Tallies and break-offs stay: they are counts. The tally does not look at such days again, so that a
purge which is cut off never makes a number smaller.

Purge also finishes erasures that were cut off, clears away what plannings of campaigns left that
were, and takes away what a merge that died in the very moment of an erasure may have left beside
the parts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, timedelta

from msgspec import Struct

from .. import audit, days, keys, parts, tombstones, versions
from ..days import DAY_MS
from ..erasing import finish
from ..follow_ups.opening import open_record
from ..follow_ups.port import Query, Record, every
from ..invitations import cut_off
from ..published import Definitions
from ..retention import Kept, kept
from ..settings import Settings
from ..storage import Exists, Store
from ..survey import Contract, ids
from ..uploads import FRESH_DAYS, claimed

WHO = "job:purge"
_OVER = FRESH_DAYS + 2
"""Days after which no answer can name an upload any more, whatever the hour."""


class Purged(Struct):
    """What a purge deleted, in days of each table and in objects."""

    responses: int = 0
    contacts: int = 0
    rejected: int = 0
    tombstones: int = 0
    uploads: int = 0
    follow_ups: int = 0
    """Left as numbers: what was said and noted goes with the response."""
    erasures: int = 0
    """Had been cut off and are finished now."""
    plannings: int = 0
    """Of campaigns, which had been cut off: their shards and links."""
    strays: int = 0
    """Stood beside the parts for somebody who was erased."""


def run(store: Store, settings: Settings, now: int, left: object = None) -> Purged:
    return purge(store, settings.key, now, open_record(settings))


def purge(store: Store, key: bytes, now: int, record: Record | None = None) -> Purged:
    """Delete what no survey keeps. ``key`` is the secret that names tombstones.

    Raises ExceptionGroup at the end, where a survey could not be purged; the others were.
    """
    done = Purged(erasures=finish(store, key, record))
    done.plannings = cut_off.clear(store, now)
    definitions = Definitions(store)
    failures: list[Exception] = []
    for survey in definitions.surveys():
        try:
            limits = kept(definitions.current(survey), now)
            _survey(store, survey, limits, now, done)
            if record is not None:
                done.follow_ups += _hush(record, definitions.current(survey), limits, now)
            done.strays += _strays(store, key, survey)
            done.uploads += _unnamed(store, definitions, survey, now)
        except Exception as failure:  # one bad survey must not keep the others waiting
            failures.append(failure)
    if failures:
        raise ExceptionGroup("some surveys could not be purged", failures)
    return done


def _hush(record: Record, survey: Contract, limits: Kept, now: int) -> int:
    """Take the texts out of follow-ups whose response is not kept any more."""
    if not limits.responses:
        return 0
    old = [
        item.id
        for item in every(record, Query(survey=survey.id))
        if not item.erased
        and days.day(ids.time_of(item.response), survey.timezone) < limits.responses
    ]
    return sum(record.forget(id, now) for id in old)


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
    uploaded = [
        entry.key
        for entry in store.list(f"{keys.UPLOADS}{survey}/")
        if entry.key.split("/")[2] < limits.contacts
    ]
    counts = {
        "responses": len({keys.day_of(key) for key in responses}),
        "contacts": len({keys.day_of(key) for key in contacts}),
        "rejected": len(rejected),
        "tombstones": len(stones),
        "uploads": len(_files(uploaded)),
    }
    if not any(counts.values()):
        return
    audit.record(store, WHO, "purge", now, survey, **counts)
    store.delete([*contacts, *uploaded, *responses, *rejected, *stones])
    _forget(store, [*contacts, *uploaded, *responses, *rejected])
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


def _unnamed(store: Store, definitions: Definitions, survey: str, now: int) -> int:
    """Delete uploads that no answer names; says how many."""
    asked = {f.id for v in definitions.versions(survey) for f in v.fields if f.kind == "files"}
    if not asked:
        return 0
    found: dict[str, list[str]] = defaultdict(list)
    for entry in store.list(f"{keys.UPLOADS}{survey}/"):
        found[entry.key.split("/")[2]].append(entry.key)
    last = days.day(now - _OVER * DAY_MS, "UTC")
    gone: list[str] = []
    for day, names in found.items():
        if day > last or keys.settled(survey, day) in names:
            continue
        named = set(_named(store, survey, day, asked))
        waiting = _waiting(store, survey)
        claims = {n: claimed(store, n) for n in names if n.endswith(keys.CLAIM)}
        kept_for = {keys.token_of(n) for n, response in claims.items() if response in waiting}
        gone += [n for n in names if keys.token_of(n) not in named | kept_for]
        if not kept_for - named:
            with suppress(Exists):
                store.create(keys.settled(survey, day), b"")
    store.delete(gone)
    _forget(store, gone)
    return len(_files(gone))


def _named(store: Store, survey: str, day: str, asked: set[str]) -> Iterator[str]:
    """The tokens in rows of the days on which an answer could name an upload of this day."""
    first, last = (_shifted(day, shift) for shift in (-_OVER, _OVER))
    for table in (keys.RESPONSES, keys.CONTACTS):
        for entry in store.list(f"{table}{survey}/"):
            if not first <= keys.day_of(entry.key) <= last:
                continue
            rows = parts.read(store, entry.key).rows
            if rows is None:
                continue
            for name in asked.intersection(rows.column_names):
                yield from (token for tokens in rows[name].to_pylist() for token in tokens or ())


def _waiting(store: Store, survey: str) -> set[str]:
    """Responses that are in no part, yet or for good."""
    beside = [
        *store.list(f"{keys.LANDING}{survey}/"),
        *(e for e in store.list(keys.REJECTED) if e.key.split("/")[2] == survey),
    ]
    return {keys.response_of(entry.key) for entry in beside}


def _shifted(day: str, shift: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=shift)).isoformat()


def _files(names: Iterable[str]) -> list[str]:
    """The uploads among these keys, which are also of claims and notes."""
    return [n for n in names if n.count("/") == 4 and not n.endswith(keys.CLAIM)]


def _forget(store: Store, names: Iterable[str]) -> None:
    gone = frozenset(names)
    versions.forget(
        store, sorted({name.rpartition("/")[0] + "/" for name in gone}), gone.__contains__
    )
