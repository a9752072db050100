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
* What was erased never enters and never stays. An erasure puts tombstones first and then raises
  the generation of the parts; merge reads the parts first and then the tombstones. So either it
  sees the tombstone, or it may not write. What stands beside the parts (marks, rejected objects)
  is put first and taken back where a tombstone came meanwhile.
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

from .. import claims, columns, days, keys, parts, tombstones
from ..parts import PartFile
from ..published import Definitions
from ..retention import Kept, kept
from ..settings import Settings
from ..storage import Exists, Missing, Stale, Store
from ..survey import Contract, holds
from ..tombstones import Tombstones
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
    erased: int = 0
    """Came again after they were erased, or before their erasure was done; let go."""
    expired: int = 0
    """Of a day that is not kept any more; let go."""
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
        self._secret = key
        self._now = now
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
                self._reject(None, [(entry.key, self._get(entry.key), str(error))])
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
        kept_days = kept(self._definitions.current(part.survey), self._now)
        if part.day < kept_days.responses:
            self._store.delete(names)
            self._done.expired += len(names)
            return
        left = self._read(part, names)
        for _ in range(TRIES):
            if not left:
                return
            with suppress(Stale, Exists):  # another merger was first: read again
                left = self._attempt(part, kept_days, left)
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
        self._reject(part, wrong)
        return found

    def _attempt(self, part: Part, kept_days: Kept, left: list[Landed]) -> list[Landed]:
        """Merge once; returns those whose rival went in. Raises Stale or Exists."""
        responses = parts.read(self._store, keys.part(keys.RESPONSES, *part))
        settled = dict(parts.named(responses.rows, [each.id for each in left]))
        decision = decide(left, settled)
        contacts = None
        if decision.conflicts or any(each.contact for each in decision.new):
            contacts = parts.read(self._store, keys.part(keys.CONTACTS, *part))
        erased = self._tombstones(part)  # after both parts, on every attempt
        decision, gone = _living(decision, erased)
        rest = _standing(responses, erased)
        if contacts is None and rest is not responses.rows:
            contacts = parts.read(self._store, keys.part(keys.CONTACTS, *part))
        versions = self._versions(part.survey, decision.new)
        # Both are made side by side; that contacts are written first is what matters.
        coming = decision if part.day >= kept_days.contacts else decision._replace(new=[])
        written = self._pool.submit(self._contacts, contacts, versions, coming, erased)
        rows = [each.row for each in decision.new]
        data = parts.changed(responses, rest, columns.responses(versions), rows, erased.digest)
        written.result()
        if data:
            parts.write(self._store, responses, data)
        self._finish(part, decision, gone)
        self._done.parts += bool(data)
        return decision.later

    def _finish(self, part: Part, decision: Decision, gone: list[Landed]) -> None:
        """What follows once a part is as it should be; what landed goes last."""
        finished = [*decision.new, *decision.known]
        marks = [mark for each in finished for mark in due(each)]
        self._each(self._mark, marks)
        self._recall(part, [name for name, _ in marks])
        self._reject(part, [(each.key, each.body, CONFLICT) for each in decision.conflicts])
        linked = [each.response for each in gone if each.response.link]
        self._store.delete(keys.claim(each.survey, each.link or "") for each in linked)
        self._store.delete(claims.settled(each.key for each in [*finished, *gone]))
        self._done.merged += len(decision.new)
        self._done.known += len(decision.known)
        self._done.erased += len(gone)

    def _contacts(
        self,
        stored: PartFile | None,
        versions: list[Contract],
        decision: Decision,
        erased: Tombstones,
    ) -> None:
        """Put in the contacts of new responses; take out those of rivals that lost and of whom
        was erased."""
        if stored is None:
            return
        coming = [each for each in decision.new if each.contact]
        there = parts.named(stored.rows, [each.id for each in [*coming, *decision.conflicts]])
        lost = there & {(each.id, each.digest) for each in decision.conflicts}
        rows = [e.contact for e in coming if e.contact and (e.id, e.digest) not in there]
        rest = _standing(stored, erased)
        if rest is not None and lost:
            names = pc.binary_join_element_wise(rest["response"], rest["digest"], "-")
            rest = rest.filter(pc.invert(parts.among(names, map("-".join, lost))))
        data = parts.changed(stored, rest, columns.contacts(versions), rows, erased.digest)
        if data:
            parts.write(self._store, stored, data)

    def _tombstones(self, part: Part) -> Tombstones:
        return tombstones.read(self._store, part.survey, part.day, self._secret)

    def _recall(self, part: Part | None, names: list[str]) -> set[str]:
        """Take back what was put beside a part for a response that was erased meanwhile.

        An erasure puts its tombstone before it looks here: it saw these objects, or we see it.
        """
        erased = self._tombstones(part) if part and names else None
        back = {name for name in names if erased and keys.response_of(name) in erased}
        self._store.delete(back)
        return back

    def _versions(self, survey: str, new: list[Landed]) -> list[Contract]:
        """Every contract whose columns a part must have, oldest first."""
        versions = {c.version: c for c in self._definitions.versions(survey)}
        return list((versions | {each.contract.version: each.contract for each in new}).values())

    def _reject(self, part: Part | None, these: Sequence[tuple[str, bytes | None, str]]) -> None:
        """Move landed objects, each with its reason, to where somebody looks at them."""
        day = part.day if part else self._today
        self._each(lambda each: self._keep(day, *each), these)
        kept_as = {name: rejected_key(day, self._landing.shown(name)[0]) for name, _, _ in these}
        back = self._recall(part, [*kept_as.values()])
        self._store.delete(claims.settled(name for name, _, _ in these))
        left = [reason for name, _, reason in these if kept_as[name] not in back]
        self._done.erased += len(back)
        self._done.conflicts += left.count(CONFLICT)
        self._done.rejected += len(left) - left.count(CONFLICT)

    def _keep(self, day: str, name: str, body: bytes | None, reason: str) -> None:
        if body is not None:
            shown, body = self._landing.shown(name, body)
            with suppress(Exists):  # kept before a merge was cut off
                self._store.create(rejected_key(day, shown), rejected(shown, body, reason))

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


def _living(decision: Decision, erased: Tombstones) -> tuple[Decision, list[Landed]]:
    """The decision about those that were not erased, and those that were."""
    if not erased:
        return decision, []
    gone = [each for some in decision for each in some if each.id in erased]
    names = {each.key for each in gone}
    return Decision(*([each for each in some if each.key not in names] for some in decision)), gone


def _standing(part: PartFile, erased: Tombstones) -> pa.Table | None:
    """The rows that may stay: an erasure that was cut off, or is under way, may have left some."""
    rows = part.rows
    if rows is None or part.checked == erased.digest:
        return rows
    fallen = {response for response in rows["response"].to_pylist() if response in erased}
    return parts.without(rows, fallen) if fallen else rows
