"""Merge: what landed becomes rows of Parquet parts. Harmless to repeat, and to cut off anywhere.

What landed is listed, names alone, and grouped by part; each part is then merged by itself
(``part``), so parts can be merged side by side. On AWS the schedule merges what it can in its time
and puts the other parts on a queue, for as many functions as there are parts; on a laptop a few
processes share them, where that is worth starting them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import NamedTuple, TypeAlias

import msgspec

from .. import keys, workers
from ..settings import Settings
from ..storage import Store, open_store
from .landed import Part, Unmergeable
from .part import Merged, Merger

PER_PART = 20_000
"""Landed responses merged into one part at a time."""
IN_HAND = 200_000
"""Names of landed responses held at a time."""
AT_ONCE = 32
PART_COSTS = 4_000
"""Reading and writing a part takes as long as making rows of about so many responses."""
WORTH_WORKERS = 40_000
"""Responses from which on starting processes takes less time than they save."""
OF_ONE_RUN = 40_000
"""What a run on AWS merges itself where there is a queue."""
ENOUGH_S = 30.0
"""A part is begun only where so much time is left: the largest takes a few seconds, and a slow
store many more. One that is cut off all the same is merged by the next."""

Waiting: TypeAlias = Mapping[Part, list[str]]
Left: TypeAlias = Callable[[], float]
"""Seconds that are left to work in."""
Failures: TypeAlias = dict[object, Exception]


class Shares(NamedTuple):
    mine: Waiting
    queue: Waiting


def run(store: Store, settings: Settings, now: int, left: Left = lambda: math.inf) -> Merged:
    """Merge all that landed, as far as the time goes."""
    return _run(store, settings, now, left, queue=settings.merge_queue or "")


def run_part(store: Store, settings: Settings, now: int, left: Left, message: str) -> Merged:
    """Merge the part that a message of the queue names."""
    return _run(store, settings, now, left, part=msgspec.json.decode(message, type=Part))


def merge(store: Store, key: bytes, now: int, only: str | None = None) -> Merged:
    """Merge all that landed, or what landed for one survey. ``key`` makes customers pseudonyms.

    Raises ExceptionGroup at the end, where some parts could not be merged; the others were.
    """
    return _run(store, Settings("", None, key), now, only=only)


def cost(waiting: Waiting) -> int:
    """What merging takes, in responses."""
    return sum(PART_COSTS + len(names) for names in waiting.values())


def shares(waiting: Waiting, most: int) -> Shares:
    """The parts that one run merges itself, up to that cost and at least one, and those for the
    queue."""
    spent = 0
    mine: dict[Part, list[str]] = {}
    for part, names in waiting.items():
        spent += PART_COSTS + len(names)
        if mine and spent > most:
            break
        mine[part] = names
    return Shares(mine, {part: names for part, names in waiting.items() if part not in mine})


def worth_workers(waiting: Waiting) -> bool:
    return len(waiting) > 1 and cost(waiting) >= WORTH_WORKERS


def _run(
    store: Store,
    settings: Settings,
    now: int,
    left: Left = lambda: math.inf,
    *,
    only: str | None = None,
    part: Part | None = None,
    queue: str = "",
) -> Merged:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        merger = Merger(store, settings.key, now, pool)
        run = _Run(merger, settings, now, left, queue)
        for waiting in run.rounds(store, part.survey if part else only, part):
            run.merge(waiting)
        if run.failures:
            raise ExceptionGroup("some parts could not be merged", [*run.failures.values()])
        return merger.done


class _Run:
    def __init__(
        self, merger: Merger, settings: Settings, now: int, left: Left, queue: str
    ) -> None:
        self._merger = merger
        self._settings = settings
        self._now = now
        self._left = left
        self._queue = queue
        self._queued: set[Part] = set()
        self.failures: Failures = {}

    def rounds(self, store: Store, survey: str | None, only: Part | None) -> Iterator[Waiting]:
        """What waits, by part, as much at a time as is held in hand."""
        waiting: dict[Part, list[str]] = {}
        in_hand = 0
        last = ""
        for entry in store.list(f"{keys.LANDING}{survey}/" if survey else keys.LANDING):
            try:
                part, response = self._merger.landing.place(entry.key)
            except Unmergeable as error:
                self._merger.misplaced(entry.key, error)
                continue
            except Exception as failure:  # one bad survey must not keep the others waiting
                self.failures[keys.survey_of(entry.key)] = failure
                continue
            if only and part != only:
                continue
            full = in_hand >= IN_HAND or len(waiting.get(part, ())) >= PER_PART
            if full and response != last:  # rivals under one id, listed side by side, stay together
                yield waiting
                waiting, in_hand = {}, 0
            waiting.setdefault(part, []).append(entry.key)
            in_hand += 1
            last = response
        yield waiting

    def merge(self, waiting: Waiting) -> None:
        if self._queue:
            waiting, others = shares(waiting, OF_ONE_RUN)
            self._hand(others)
        if self._settings.workers > 1 and worth_workers(waiting):
            self._side_by_side(waiting)
            return
        late = {part: names for part, names in waiting.items() if not self._merged(part, names)}
        if self._queue:
            self._hand(late)
        else:
            self._postpone(late)

    def _merged(self, part: Part, names: list[str]) -> bool:
        """Merge a part; whether there was time to begin it."""
        if self._left() < ENOUGH_S:
            return False
        try:
            self._merger.part(part, names)
        except Exception as failure:  # nor must one bad part
            self.failures[part] = failure
        return True

    def _side_by_side(self, waiting: Waiting) -> None:
        """Merge parts in processes of their own, no more of them under way than there are."""
        count = min(self._settings.workers, len(waiting))
        under_way: dict[Future[Merged], Part] = {}
        with workers.pool(count) as pool:
            for part, names in waiting.items():
                if len(under_way) > count:
                    self._collect(under_way, FIRST_COMPLETED)
                if self._left() < ENOUGH_S:
                    self._postpone({part: names})
                    continue
                under_way[pool.submit(merge_part, self._settings, self._now, part, names)] = part
            self._collect(under_way)

    def _collect(self, under_way: dict[Future[Merged], Part], when: str = "ALL_COMPLETED") -> None:
        for future in wait(under_way, return_when=when).done:
            part = under_way.pop(future)
            try:
                self._merger.done.add(future.result())
            except Exception as failure:
                self.failures[part] = failure

    def _hand(self, waiting: Waiting) -> None:
        new = [part for part in waiting if part not in self._queued]
        if new:
            from .queue import hand

            hand(self._queue, new)
            self._queued.update(new)
        self._merger.done.queued += len(new)
        self._postpone(waiting)

    def _postpone(self, waiting: Waiting) -> None:
        self._merger.done.postponed += sum(map(len, waiting.values()))


def merge_part(settings: Settings, now: int, part: Part, names: list[str]) -> Merged:
    """Merge one part in a process of its own."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        merger = Merger(open_store(settings.data, settings.endpoint), settings.key, now, pool)
        merger.part(part, names)
        return merger.done
