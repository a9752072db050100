"""Merge: what landed becomes rows of Parquet parts. Harmless to repeat, and to cut off anywhere.

Landed responses are grouped by part. For each part: read what landed, read the part, add what is
new by response id, write contacts and then responses, each whole and only over the version that was
read; leave marks for follow-ups that are due; and only then delete what landed.

* The response in the part wins. Before there is one, the earliest received does, and its rivals
  stay where they landed until it is in: a conflict is judged against the part alone, because only
  the part is the same for every merger.
* Contacts are written before it is certain who wins, so they are told apart by id and digest, and
  a rival's contacts go when the rival does.
* What cannot be merged is moved to ``rejected/`` with the reason. Nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from .. import columns, days, keys, parquet
from ..columns import Column, Row
from ..published import Definitions
from ..settings import Settings
from ..storage import Exists, Missing, Stale, Store
from ..survey import Contract, holds
from .landed import Landed, Landing, Part, Unmergeable, rejected, rejected_key

PER_PART = 20_000
"""Landed responses merged into one part at a time."""
IN_HAND = 200_000
"""Names of landed responses held at a time."""
TRIES = 8
AT_ONCE = 32
SLICE = 16
"""Storage calls that one thread makes in a row."""
CONFLICT = "conflict: another body was merged under this id"

_T = TypeVar("_T")
_R = TypeVar("_R")


class Merged(Struct):
    """What a merge did, in responses; ``parts`` is how many it wrote."""

    merged: int = 0
    known: int = 0
    """Were in their part already: replays, and what a merge left that was cut off."""
    conflicts: int = 0
    rejected: int = 0
    postponed: int = 0
    """Left for the next merge, because others kept changing the part."""
    parts: int = 0


class Decision(NamedTuple):
    """What becomes of landed responses."""

    new: list[Landed]
    known: list[Landed]
    conflicts: list[Landed]
    later: list[Landed]
    """Their rival goes in first."""


def run(store: Store, settings: Settings, now: int) -> Merged:
    return merge(store, settings.key, now)


def merge(store: Store, key: bytes, now: int, only: str | None = None) -> Merged:
    """Merge all that landed, or what landed for one survey. ``key`` makes customers pseudonyms.

    Raises ExceptionGroup at the end, where some parts could not be merged; the others were.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return _Merge(store, key, now, pool).everything(only)


def decide(found: Iterable[Landed], settled: dict[str, str]) -> Decision:
    """``settled``: digests by response id, of the responses already in the part."""
    decision = Decision([], [], [], [])
    won: set[str] = set()
    for each in sorted(found, key=lambda one: (one.response.received_at, one.digest)):
        in_part = settled.get(each.id)
        if in_part is not None:
            (decision.known if in_part == each.digest else decision.conflicts).append(each)
        elif each.id in won:
            decision.later.append(each)
        else:
            won.add(each.id)
            decision.new.append(each)
    return decision


def due(landed: Landed) -> Iterator[tuple[str, bytes]]:
    """Key and body of a mark for each follow-up that a response makes due."""
    response, rules = landed.response, landed.contract.follow_ups
    if not response.follow_up or not rules:
        return
    attributes = {} if landed.contract.anonymous else response.attributes
    known: dict[str, Any] = {**attributes, **response.answers}
    if landed.row["index"] is not None:
        known["index"] = landed.row["index"]
    mark = {"version": response.version, "received_at": landed.row["received_at"]}
    for rule in rules:
        if holds(rule.when, known):
            yield keys.due(response.survey, landed.id, rule.id), msgspec.json.encode(mark)


class _Merge:
    """One merge: its store, what it has read of definitions, and its counts."""

    def __init__(self, store: Store, key: bytes, now: int, pool: ThreadPoolExecutor) -> None:
        self._store = store
        self._today = days.day(now, "UTC")
        self._pool = pool
        self._definitions = Definitions(store)
        self._landing = Landing(self._definitions, key)
        self._done = Merged()
        self._failures: dict[object, Exception] = {}

    def everything(self, only: str | None) -> Merged:
        waiting: dict[Part, list[str]] = {}
        in_hand = 0
        last = ""
        for entry in self._store.list(f"{keys.LANDING}{only}/" if only else keys.LANDING):
            try:
                part, response = self._landing.place(entry.key)
            except Unmergeable as error:
                self._reject(self._today, [(entry.key, self._get(entry.key), str(error))])
                continue
            except Exception as failure:  # one bad survey must not keep the others waiting
                self._failures[keys.survey_of(entry.key)] = failure
                continue
            full = in_hand >= IN_HAND or len(waiting.get(part, ())) >= PER_PART
            if full and response != last:  # rivals under one id, listed side by side, stay together
                self._parts(waiting)
                in_hand = 0
            waiting.setdefault(part, []).append(entry.key)
            in_hand += 1
            last = response
        self._parts(waiting)
        if self._failures:
            raise ExceptionGroup("some parts could not be merged", [*self._failures.values()])
        return self._done

    def _parts(self, waiting: dict[Part, list[str]]) -> None:
        for part, names in waiting.items():
            try:
                self._part(part, names)
            except Exception as failure:  # nor must one bad part
                self._failures[part] = failure
        waiting.clear()

    def _part(self, part: Part, names: list[str]) -> None:
        left = self._read(part, names)
        for _ in range(TRIES):
            if not left:
                return
            with suppress(Stale, Exists):  # another merger was first: read again
                left = self._attempt(part, left)
        self._done.postponed += len(left)

    def _read(self, part: Part, names: list[str]) -> list[Landed]:
        """What landed, as rows; what cannot be one is rejected."""
        found: list[Landed] = []
        wrong: list[tuple[str, bytes | None, str]] = []
        for name, body in zip(names, self._each(self._get, names), strict=True):
            if body is None:  # another merger has finished with it
                continue
            try:
                found.append(self._landing.read(name, body))
            except Unmergeable as error:
                wrong.append((name, body, str(error)))
        self._reject(part.day, wrong)
        return found

    def _attempt(self, part: Part, left: list[Landed]) -> list[Landed]:
        """Merge once; returns those whose rival went in. Raises Stale or Exists."""
        name = keys.part(keys.RESPONSES, *part)
        stored, tag = self._table(name)
        # Tombstones of erased responses belong here: read after the part, on every attempt.
        decision = decide(left, dict(_named(stored, left)))
        versions = self._versions(part.survey, decision.new)
        # Both are made side by side; that contacts are written first is what matters.
        contacts = self._pool.submit(self._contacts, part, versions, decision)
        rows = [each.row for each in decision.new]
        data = parquet.encode(_with(stored, columns.responses(versions), rows)) if rows else b""
        contacts.result()
        if data:
            self._write(name, tag, data)
        finished = [*decision.new, *decision.known]
        self._each(self._mark, [mark for each in finished for mark in due(each)])
        self._reject(part.day, [(each.key, each.body, CONFLICT) for each in decision.conflicts])
        self._store.delete(each.key for each in finished)
        self._done.merged += len(decision.new)
        self._done.known += len(decision.known)
        self._done.parts += bool(decision.new)
        return decision.later

    def _contacts(self, part: Part, versions: list[Contract], decision: Decision) -> None:
        """Put in the contacts of new responses; take out those of rivals that lost."""
        coming = [each for each in decision.new if each.contact]
        if not coming and not decision.conflicts:
            return
        name = keys.part(keys.CONTACTS, *part)
        stored, tag = self._table(name)
        there = set(_named(stored, [*coming, *decision.conflicts]))
        lost = there & {(each.id, each.digest) for each in decision.conflicts}
        rows = [each.contact for each in coming if (each.id, each.digest) not in there]
        if stored is not None and lost:
            names = pc.binary_join_element_wise(stored["response"], stored["digest"], "-")
            stored = stored.filter(pc.invert(_among(names, map("-".join, lost))))
        if rows or lost:
            wanted = columns.contacts(versions)
            self._write(name, tag, parquet.encode(_with(stored, wanted, filter(None, rows))))

    def _table(self, name: str) -> tuple[pa.Table | None, str]:
        """A part and its tag; None and ``""`` where there is none yet."""
        try:
            stored = self._store.get(name)
        except Missing:
            return None, ""
        return parquet.decode(stored.data), stored.tag

    def _write(self, name: str, tag: str, data: bytes) -> None:
        if tag:
            self._store.replace(name, data, tag)
        else:
            self._store.create(name, data)

    def _versions(self, survey: str, new: list[Landed]) -> list[Contract]:
        """Every contract whose columns a part must have, oldest first."""
        versions = {c.version: c for c in self._definitions.versions(survey)}
        return list((versions | {each.contract.version: each.contract for each in new}).values())

    def _reject(self, day: str, these: Sequence[tuple[str, bytes | None, str]]) -> None:
        """Move landed objects, each with its reason, to where somebody looks at them."""
        self._each(lambda each: self._keep(day, *each), these)
        self._store.delete(name for name, _, _ in these)
        conflicts = sum(reason == CONFLICT for _, _, reason in these)
        self._done.conflicts += conflicts
        self._done.rejected += len(these) - conflicts

    def _keep(self, day: str, name: str, body: bytes | None, reason: str) -> None:
        if body is not None:
            with suppress(Exists):  # kept before a merge was cut off
                self._store.create(rejected_key(day, name), rejected(name, body, reason))

    def _mark(self, mark: tuple[str, bytes]) -> None:
        with suppress(Exists):
            self._store.create(*mark)

    def _each(self, act: Callable[[_T], _R], these: Sequence[_T]) -> list[_R]:
        """Do it to all of them, many at a time; raises what one of them raised."""
        slices = [these[at : at + SLICE] for at in range(0, len(these), SLICE)]
        done = self._pool.map(lambda some: [act(each) for each in some], slices)
        return [each for some in done for each in some]

    def _get(self, name: str) -> bytes | None:
        try:
            return self._store.get(name).data
        except Missing:
            return None


def _named(stored: pa.Table | None, these: Iterable[Landed]) -> list[tuple[str, str]]:
    """Id and digest of the rows under these responses' ids."""
    if stored is None:
        return []
    names = stored.select(["response", "digest"])
    mine = names.filter(_among(names["response"], (each.id for each in these)))
    return list(zip(*mine.to_pydict().values(), strict=True))


def _among(column: pa.ChunkedArray, values: Iterable[str]) -> pa.ChunkedArray:
    return pc.is_in(column, pa.array(values, pa.string()))


def _with(stored: pa.Table | None, wanted: Sequence[Column], rows: Iterable[Row]) -> pa.Table:
    new = parquet.table(wanted, sorted(rows, key=lambda row: str(row["response"])))
    return new if stored is None else parquet.added(stored, new, by="response")
