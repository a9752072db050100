"""Merge: what landed becomes rows of Parquet parts. Harmless to repeat, and to cut off anywhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from .. import keys
from ..settings import Settings
from ..storage import Store
from .landed import Part, Unmergeable
from .part import Merged, Merger

PER_PART = 20_000
"""Landed responses merged into one part at a time."""
IN_HAND = 200_000
"""Names of landed responses held at a time."""
AT_ONCE = 32


def run(store: Store, settings: Settings, now: int) -> Merged:
    return merge(store, settings.key, now)


def merge(store: Store, key: bytes, now: int, only: str | None = None) -> Merged:
    """Merge all that landed, or what landed for one survey. ``key`` makes customers pseudonyms.

    Raises ExceptionGroup at the end, where some parts could not be merged; the others were.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return _Merge(store, key, now, pool).everything(only)


class _Merge:
    """One merge: its store, what it has read of definitions, and its counts."""

    def __init__(self, store: Store, key: bytes, now: int, pool: ThreadPoolExecutor) -> None:
        self._store = store
        self._merger = Merger(store, key, now, pool)
        self._failures: dict[object, Exception] = {}

    def everything(self, only: str | None) -> Merged:
        waiting: dict[Part, list[str]] = {}
        in_hand = 0
        last = ""
        for entry in self._store.list(f"{keys.LANDING}{only}/" if only else keys.LANDING):
            try:
                part, response = self._merger.landing.place(entry.key)
            except Unmergeable as error:
                self._merger.misplaced(entry.key, error)
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
        return self._merger.done

    def _parts(self, waiting: dict[Part, list[str]]) -> None:
        for part, names in waiting.items():
            try:
                self._merger.part(part, names)
            except Exception as failure:  # nor must one bad part
                self._failures[part] = failure
        waiting.clear()
