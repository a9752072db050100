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

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from .. import columns, days, keys, parquet
from ..columns import Column, Row
from ..published import Definitions
from ..settings import Settings
from ..storage import Exists, Missing, Stale, Store
from ..survey import Answer, Contract, holds
from .landed import Landed, Part, Unmergeable, landed, place, rejected, rejected_key

PER_PART = 20_000
"""Landed responses merged into one part at a time."""
IN_HAND = 200_000
"""Names of landed responses held at a time."""
TRIES = 8
AT_ONCE = 32
CONFLICT = "conflict: another body was merged under this id"

_T = TypeVar("_T")


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
        in_part = settled.get(each.response.id)
        if in_part is not None:
            (decision.known if in_part == each.digest else decision.conflicts).append(each)
        elif each.response.id in won:
            decision.later.append(each)
        else:
            won.add(each.response.id)
            decision.new.append(each)
    return decision


class _Merge:
    """One merge: its store, what it has read of definitions, and its counts."""

    def __init__(self, store: Store, key: bytes, now: int, pool: ThreadPoolExecutor) -> None:
        self._store = store
        self._key = key
        self._today = days.day(now, "UTC")
        self._pool = pool
        self._definitions = Definitions(store)
        self._done = Merged()
        self._failures: list[Exception] = []

    def everything(self, only: str | None) -> Merged:
        waiting: dict[Part, list[str]] = {}
        in_hand = 0
        last = ""
        for entry in self._store.list(f"{keys.LANDING}{only}/" if only else keys.LANDING):
            try:
                part, response = place(self._definitions, entry.key)
            except Unmergeable as error:
                self._reject(self._today, [(entry.key, self._get(entry.key), str(error))])
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
            raise ExceptionGroup("some parts could not be merged", self._failures)
        return self._done

    def _parts(self, waiting: dict[Part, list[str]]) -> None:
        for part, names in waiting.items():
            try:
                self._part(part, names)
            except Exception as failure:  # one bad part must not keep the others waiting
                self._failures.append(failure)
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
        for name, body in zip(names, self._pool.map(self._get, names), strict=True):
            if body is None:  # another merger has finished with it
                continue
            try:
                found.append(landed(self._definitions, self._key, name, body))
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
        self._contacts(part, versions, decision)
        if decision.new:
            rows = [each.row for each in decision.new]
            self._write(name, tag, _with(stored, columns.responses(versions), rows))
        finished = [*decision.new, *decision.known]
        self._each(self._mark, finished)
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
        lost = there & {(each.response.id, each.digest) for each in decision.conflicts}
        rows = [each.contact for each in coming if (each.response.id, each.digest) not in there]
        if stored is not None and lost:
            names = pc.binary_join_element_wise(stored["response"], stored["digest"], "-")
            stored = stored.filter(pc.invert(_among(names, map("-".join, lost))))
        if rows or lost:
            self._write(name, tag, _with(stored, columns.contacts(versions), filter(None, rows)))

    def _table(self, name: str) -> tuple[pa.Table | None, str]:
        """A part and its tag; None and ``""`` where there is none yet."""
        try:
            stored = self._store.get(name)
        except Missing:
            return None, ""
        return parquet.decode(stored.data), stored.tag

    def _write(self, name: str, tag: str, rows: pa.Table) -> None:
        if tag:
            self._store.replace(name, parquet.encode(rows), tag)
        else:
            self._store.create(name, parquet.encode(rows))

    def _versions(self, survey: str, new: list[Landed]) -> list[Contract]:
        """Every contract whose columns a part must have, oldest first."""
        versions = {c.version: c for c in self._definitions.versions(survey)}
        return list((versions | {each.contract.version: each.contract for each in new}).values())

    def _mark(self, landed: Landed) -> None:
        """Leave a mark for each follow-up that the response makes due."""
        response, contract = landed.response, landed.contract
        if not response.follow_up or not contract.follow_ups:
            return
        known: dict[str, Answer] = {**response.attributes, **response.answers}
        index = landed.row["index"]
        if isinstance(index, float):
            known["index"] = index
        mark = {"version": response.version, "received_at": response.received_at}
        for rule in contract.follow_ups:
            if holds(rule.when, known):
                with suppress(Exists):
                    key = keys.due(response.survey, response.id, rule.id)
                    self._store.create(key, msgspec.json.encode(mark))

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

    def _each(self, act: Callable[[_T], None], these: Iterable[_T]) -> None:
        """Do it to all of them, many at a time; raises what one of them raised."""
        list(self._pool.map(act, these))

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
    mine = names.filter(_among(names["response"], (each.response.id for each in these)))
    return list(zip(*mine.to_pydict().values(), strict=True))


def _among(column: pa.ChunkedArray, values: Iterable[str]) -> pa.ChunkedArray:
    return pc.is_in(column, pa.array(values, pa.string()))


def _with(stored: pa.Table | None, wanted: Sequence[Column], rows: Iterable[Row]) -> pa.Table:
    new = parquet.table(wanted, sorted(rows, key=lambda row: str(row["response"])))
    return new if stored is None else parquet.added(stored, new, by="response")
