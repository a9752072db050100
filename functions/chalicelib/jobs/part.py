"""One part: what landed for it becomes rows. Harmless to repeat, and to cut off anywhere.

Read what landed, read the part, add what is new by response id, write contacts and then responses,
each whole and only over the version that was read; leave marks for follow-ups that are due; and
only then delete what landed. This is the same wherever it runs: in the scheduled job, in a process
of a laptop's pool, or for a message of the queue.

* The response in the part wins. Before there is one, the earliest received does, and its rivals
  stay where they landed until it is in: a conflict is judged against the part alone, because only
  the part is the same for every merger.
* Contacts are written before it is certain who wins, so they are told apart by id and digest, and
  a rival's contacts go when the rival does.
* What came over a personal link goes in with the link's claim alone (``claims``); where that is
  another's it is let go, for nobody has a receipt for it.
* An answer takes back the mark that said its customer had left (``break_offs``), before it leaves
  the place where it landed: whoever is cut off between the two takes it back again.
* What cannot be merged is moved to ``rejected/`` with the reason. No receipt is for nothing.
* What was erased never enters and never stays. An erasure puts tombstones first and then raises
  the generation of the parts; merge reads the parts first and then the tombstones. So either it
  sees the tombstone, or it may not write. What stands beside the parts (marks, rejected objects)
  is put first and taken back where a tombstone came meanwhile.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from .. import break_offs, claims, columns, days, keys, parquet, parts, tombstones
from ..claims import Claim
from ..columns import Column
from ..layout import Cells
from ..parts import PartFile
from ..published import Definitions
from ..retention import Kept, kept
from ..storage import Exists, Missing, Stale, Store
from ..survey import Contract
from ..tombstones import Tombstones
from .decision import Decision, decide, due, living, order
from .landed import (
    Landed,
    Landing,
    Part,
    Reject,
    Unmergeable,
    rejected,
    rejected_key,
)

TRIES = 8
SLICE = 16
"""Storage calls that one thread makes in a row."""

_T = TypeVar("_T")
_R = TypeVar("_R")


class Merged(Struct):
    """What a merge did, in responses; ``parts`` is how many it wrote."""

    merged: int = 0
    known: int = 0
    """Were in their part already: replays, and what a merge left that was cut off."""
    conflicts: int = 0
    rejected: int = 0
    refused: int = 0
    """Their personal link has another answer, or another version of this one: accept said so, or
    was cut off. Let go."""
    erased: int = 0
    """Came again after they were erased, or before their erasure was done; let go."""
    expired: int = 0
    """Of a day that is not kept any more; let go."""
    postponed: int = 0
    """Left for the next merge: others kept changing the part, or no time was left. Or for the
    queue."""
    parts: int = 0
    queued: int = 0
    """Parts put on the queue."""

    def add(self, other: Merged) -> None:
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Merger:
    """Merges parts of one store; ``done`` is what came of it so far."""

    def __init__(self, store: Store, key: bytes, now: int, pool: ThreadPoolExecutor) -> None:
        """``key`` makes customers pseudonyms; ``pool`` talks to the store."""
        self._store = store
        self._secret = key
        self._now = now
        self._pool = pool
        self._definitions = Definitions(store)
        self.landing = Landing(self._definitions, key)
        self.done = Merged()

    def part(self, part: Part, names: list[str]) -> None:
        """Merge these landed objects, which all belong to the part."""
        kept_days = kept(self._definitions.current(part.survey), self._now)
        if part.day < kept_days.responses:
            self._store.delete(names)
            self.done.expired += len(names)
            return
        with _uncollected():
            reading = self._pool.submit(self._responses, part)  # while what landed is read
            left = self._read(part, names)
            for _ in range(TRIES):
                if not left:
                    return
                with suppress(Stale, Exists):  # another merger was first: read again
                    left = self._attempt(part, kept_days, left, reading)
                if left:
                    reading = self._pool.submit(self._responses, part)
        self.done.postponed += len(left)

    def misplaced(self, key: str, error: Unmergeable) -> None:
        """Reject what has no part."""
        self._reject(None, [Reject(key, self._get(key), error.reason, str(error))])

    def _read(self, part: Part, names: list[str]) -> list[Landed]:
        """What landed; what cannot be merged is rejected."""
        found: list[Landed] = []
        wrong: list[Reject] = []
        for name, body in zip(names, self._each(self._get, names), strict=True):
            if body is None:  # another merger has finished with it
                continue
            try:
                found.append(self.landing.read(name, body))
            except Unmergeable as error:
                wrong.append(Reject(name, body, error.reason, str(error)))
        self._reject(part, wrong)
        return self._claimed(found)

    def _claimed(self, found: list[Landed]) -> list[Landed]:
        """Without those over a personal link that has another answer; these are let go."""
        rivals: dict[str, list[Landed]] = {}
        for each in found:
            if each.response.personal_link:
                rivals.setdefault(each.response.link or "", []).append(each)
        if not rivals:
            return found
        refused = [each for some in self._each(self._refused, [*rivals.values()]) for each in some]
        self._let_go(refused)
        self.done.refused += len(refused)
        names = {each.key for each in refused}
        return [each for each in found if each.key not in names]

    def _refused(self, rivals: list[Landed]) -> list[Landed]:
        """Those over one link that do not have its claim. Where there is none, accept was cut off
        before it, or is about to: the first received gets it."""
        first = min(rivals, key=order)
        of, mine = (first.response.survey, first.response.link or ""), Claim(first.id, first.digest)
        holder = claims.held(self._store, *of) or claims.make(self._store, *of, mine)
        return [each for each in rivals if (each.id, each.digest) != (holder.id, holder.digest)]

    def _responses(self, part: Part) -> PartFile:
        coded = sorted(columns.coded(self._definitions.versions(part.survey)))
        return parts.read(self._store, keys.part(keys.RESPONSES, *part), coded)

    def _attempt(
        self, part: Part, kept_days: Kept, left: list[Landed], reading: Future[PartFile]
    ) -> list[Landed]:
        """Merge once; returns those whose rival went in. Raises Stale or Exists."""
        about = partial(parts.read, self._store, keys.part(keys.CONTACTS, *part))
        early = self._pool.submit(about) if any(each.personal for each in left) else None
        responses = reading.result()
        settled = dict(parts.named(responses.rows, [each.id for each in left]))
        decision = decide(left, settled)
        contacts = None
        if decision.conflicts or any(each.personal for each in decision.new):
            contacts = early.result() if early else about()
        erased = self._tombstones(part)  # after both parts, on every attempt
        decision, gone = living(decision, erased)
        rest = _standing(responses, erased)
        if contacts is None and rest is not responses.rows:
            contacts = early.result() if early else about()
        versions = self._versions(part.survey, decision.new)
        cells = self.landing.cells(decision.new)
        new = _table(columns.responses(versions), [each for each, _ in cells])
        personal = [each for _, each in cells] if part.day >= kept_days.contacts else []
        contacted = _table(columns.contacts(versions), personal)
        # Both are made side by side; that contacts are written first is what matters.
        written = self._pool.submit(self._contacts, contacts, contacted, decision.conflicts, erased)
        data = parts.changed(responses, rest, new, erased.digest)
        written.result()
        if data:
            parts.write(self._store, responses, data)
        self._finish(part, decision, gone)
        self.done.parts += bool(data)
        return decision.later

    def _finish(self, part: Part, decision: Decision, gone: list[Landed]) -> None:
        """What follows once a part is as it should be; what landed goes last."""
        finished = [*decision.new, *decision.known]
        marks = [mark for each in finished for mark in due(each)]
        self._each(self._mark, marks)
        self._recall(part, [name for name, _ in marks])
        self._reject(part, [Reject(e.key, e.body, keys.CONFLICT, "") for e in decision.conflicts])
        for each in gone:
            if each.response.link:
                claims.forget(self._store, part.survey, each.response.link, {each.id})
        self._let_go([*finished, *gone])
        self.done.merged += len(decision.new)
        self.done.known += len(decision.known)
        self.done.erased += len(gone)

    def _let_go(self, these: Sequence[Landed]) -> None:
        """Take landed objects away, and before them the marks of break-offs that were none."""
        self._store.delete(
            mark
            for each in these
            for mark in break_offs.left_by(each.response, each.contract.timezone)
        )
        self._store.delete(each.key for each in these)

    def _contacts(
        self,
        stored: PartFile | None,
        new: pa.Table,
        conflicts: list[Landed],
        erased: Tombstones,
    ) -> None:
        """Put in the contacts of new responses; take out those of rivals that lost and of whom
        was erased."""
        if stored is None:
            return
        coming = new["response"].to_pylist()
        there = parts.named(stored.rows, [*coming, *(each.id for each in conflicts)])
        lost = there & {(each.id, each.digest) for each in conflicts}
        rest = _standing(stored, erased)
        if rest is not None:
            rest = _without(rest, lost)
        data = parts.changed(stored, rest, _without(new, there), erased.digest)
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

    def _reject(self, part: Part | None, these: Sequence[Reject]) -> None:
        """Move landed objects, each with its reason, to where somebody looks at them."""
        day = part.day if part else days.day(self._now, "UTC")
        shown = [self.landing.shown(each) for each in these]
        names = [rejected_key(day, each.key, each.reason) for each in shown]
        self._each(lambda each: self._keep(*each), [*zip(names, shown, strict=True)])
        back = self._recall(part, names)
        self._store.delete(each.key for each in these)
        left = [keys.reason_of(name) for name in names if name not in back]
        self.done.erased += len(back)
        self.done.conflicts += left.count(keys.CONFLICT)
        self.done.rejected += len(left) - left.count(keys.CONFLICT)

    def _keep(self, name: str, reject: Reject) -> None:
        if reject.body is not None:
            kept = rejected(reject.key, reject.body, reject.reason, reject.exactly)
            with suppress(Exists):  # kept before a merge was cut off
                self._store.create(name, kept)

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


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looking for cycles: a part makes hundreds of thousands of objects, and none of them
    is in one."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _table(wanted: Sequence[Column], cells: Sequence[Cells]) -> pa.Table:
    """Cells of several versions under the columns of all of them."""
    return pa.concat_tables([parquet.table(wanted, {}), *(parquet.table(wanted, c) for c in cells)])


def _without(rows: pa.Table, these: set[tuple[str, str]]) -> pa.Table:
    """The rows that have none of these ids and digests."""
    if not these:
        return rows
    names = pc.binary_join_element_wise(rows["response"], rows["digest"], "-")
    return rows.filter(pc.invert(parts.among(names, map("-".join, these))))


def _standing(part: PartFile, erased: Tombstones) -> pa.Table | None:
    """The rows that may stay: an erasure that was cut off, or is under way, may have left some."""
    rows = part.rows
    if rows is None or part.checked == erased.digest:
        return rows
    fallen = {response for response in rows["response"].to_pylist() if response in erased}
    return parts.without(rows, fallen) if fallen else rows
