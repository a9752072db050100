"""A survey's counts over days, read from its tallies: what every score is made of.

Where only the largest segments are wanted, one looks at the sizes of all first, which lie apart in
every file (``chalicelib.tally_files``): of 80,000 agents on days 200 are read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import lru_cache, partial
from itertools import chain
from os import cpu_count
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from chalicelib import counting, keys, parquet, stretches, tally_files
from chalicelib.published import Definitions
from chalicelib.storage import Entry, Missing, Store
from chalicelib.survey import Contract, EchoformError
from chalicelib.survey.drivers import Pair
from generator.grids import Cells, Grid, Sums, Values, grid, numbered

AT_ONCE = 16
PROCESSORS = cpu_count() or 1
"""Small pieces of work in more threads than that wait for each other, a quarter of the time."""
BETWEEN = "\x1f"
"""Between the two values of a segment of two keys."""
EVERYBODY = ("",)

Kind: TypeAlias = Callable[[str], str]
"""Which stretch a day is in."""
Window: TypeAlias = tuple[str | None, str | None]
"""First and last day, both told; None is no end."""

PERIODS: dict[str, Callable[[str], str]] = {
    "day": lambda day: day,
    "week": lambda day: "{}-W{:02}".format(*date.fromisoformat(day).isocalendar()),
    "month": lambda day: day[:7],
}
"""What the days themselves can be cut by."""


class Unscorable(EchoformError):
    """There are no such scores. The message says what there is."""


class Tallied(NamedTuple):
    """By segment: ``kept`` is what is scored, ``every`` that of everybody; how many of them are
    flagged."""

    kept: Cells
    every: Cells
    flagged: dict[Values, int]
    first: str | None
    last: str | None
    more: int = 0
    """Smaller segments, which are not among these."""


class _Piece(NamedTuple):
    """The keys of some days' tallies, and of what they are added up to, or ""."""

    days: dict[str, str]
    stretch: str = ""


def contracts_of(store: Store, survey: str) -> list[Contract]:
    """Every version, the live one last. Raises Unscorable."""
    try:
        return Definitions(store).versions(survey)
    except (Missing, ValueError):
        raise Unscorable(f"no survey {survey!r} is published") from None


def read(
    store: Store,
    contracts: Sequence[Contract],
    by: Sequence[str] = (),
    window: Window = (None, None),
    without_flagged: bool = False,
    most: int | None = None,
) -> Tallied:
    """Counts by one or two segment keys, or periods. Raises Unscorable: there is no such key.

    ``most``: of so many segments, those with the most responses."""
    survey = contracts[-1].id
    cuts = counting.segment_keys(contracts)
    periods = [key for key in by if key in PERIODS and key not in cuts]
    plain = [key for key in by if key not in periods]
    for key in plain:
        if key not in cuts:
            known = ", ".join([*cuts, *PERIODS])
            raise Unscorable(f"{survey} has no segment {key!r}; it has: {known}")
    if len(plain) > 2 or len(periods) > 1 or len(set(by)) < len(by):
        raise Unscorable("scores are cut by at most two different keys, and one of the periods")
    pieces = _pieces(store, survey, window, _LEVELS[periods[0]] if periods else 0)
    names = [day for piece in pieces for day in piece.days]
    cut, sums, more = _Cut(by, plain, periods), Sums(), 0
    with ThreadPoolExecutor(AT_ONCE) as pool, ThreadPoolExecutor(PROCESSORS) as few:
        if most is None or (not plain and len({*map(cut.period, names)}) <= most):
            found = few.map(partial(_grids, cut, None), pool.map(partial(_files, store), pieces))
        else:
            files = [*pool.map(partial(_files, store), pieces)]
            sizes = few.map(partial(_sizes, cut, without_flagged), files)
            only, more = _largest(cut, [*chain.from_iterable(sizes)], most)
            found = few.map(partial(_grids, cut, only), files)
        for names_of, each in chain.from_iterable(found):
            sums.add(names_of, each)
    if len(plain) == 2 and names and not sums.segments:
        raise Unscorable(
            f"{survey} is not counted by {' and '.join(plain)} together; "
            "its file must ask for that pair, and `echoform job tally` counts it"
        )
    every = sums.cells_of([0, 1])
    return Tallied(
        sums.cells_of([0]) if without_flagged else every,
        every,
        sums.cells_of([1]).responses,
        min(names, default=None),
        max(names, default=None),
        more,
    )


def read_pairs(
    store: Store,
    survey: str,
    window: Window = (None, None),
    segment: tuple[str, str] = ("", ""),
    without_flagged: bool = False,
) -> dict[tuple[str, str], Pair]:
    """Sums of pairs of ratings, by both names, the lesser first."""
    found: dict[tuple[str, str], Pair] = defaultdict(lambda: Pair(0, 0, 0, 0))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        read_day = partial(_pairs, store, segment, without_flagged)
        for day in pool.map(read_day, _names(store, survey, window).values()):
            for x, y, pair in day:
                found[x, y] += pair
    return dict(found)


def people(
    store: Store,
    survey: str,
    key: str,
    window: Window = (None, None),
    without_flagged: bool = False,
) -> dict[str, int]:
    """How many responses there are of every segment of a key: little else of the files is read."""
    pieces, cut = _pieces(store, survey, window, 0), _Cut([key], [key], [])
    found: Counter[str] = Counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for files in pool.map(partial(_files, store), pieces):
            for each in _sizes(cut, without_flagged, files):
                found.update(dict(zip(each.values, each.n.tolist(), strict=True)))
    return found


def _names(store: Store, survey: str, window: Window) -> dict[str, str]:
    pieces = _pieces(store, survey, window, len(_KINDS))
    return {day: key for piece in pieces for day, key in piece.days.items()}


_KINDS = (stretches.month, stretches.week)
_LEVELS = {"month": 0, "week": 1, "day": 2}
"""How many kinds of stretches are too long for a period."""


def _pieces(store: Store, survey: str, window: Window, level: int) -> list[_Piece]:
    """The longest stretches that are added up and whole, and all other days by themselves."""
    first, last = window
    kinds = _KINDS[level:]
    there = {e.key for e in store.list(f"{keys.STRETCHES}{survey}/")} if kinds else set()

    def within(entries: Iterable[Entry], kinds: Sequence[Kind]) -> Iterator[_Piece]:
        if not kinds:
            days = {keys.day_of(entry.key): entry.key for entry in entries}
            yield from (
                _Piece({day: key})
                for day, key in days.items()
                if (first or "") <= day <= (last or "~")
            )
            return
        for stretch in stretches.among(entries, kinds[0]):
            whole = (first or "") <= min(stretch.days) and max(stretch.days) <= (last or "~")
            if whole and stretch.key in there:
                yield _Piece({day: e.key for day, e in stretch.days.items()}, stretch.key)
            else:
                yield from within(stretch.days.values(), kinds[1:])

    return [*within(store.list(f"{keys.TALLIES}{survey}/"), kinds)]


def _pairs(
    store: Store, segment: tuple[str, str], without_flagged: bool, name: str
) -> list[tuple[str, str, Pair]]:
    key, value = segment
    sought = {"segment_key": [key], "segment_value": [value], "item": [counting.MOMENTS]}
    rows = parquet.decode_where(store.get(name).data, sought)
    if "total_x" not in rows.column_names:
        return []
    if without_flagged:
        rows = rows.filter(pc.invert(rows["flagged"]))
    columns = (rows[c].to_pylist() for c in ("value", "n", "total_x", "total_y", "total"))
    return [
        (*value.split("|", 1), Pair(n, x, y, xy))
        for value, n, x, y, xy in zip(*columns, strict=True)
    ]


class _Cut:
    """What is cut by: the keys as asked for, those of segments, and the periods."""

    def __init__(self, by: Sequence[str], plain: Sequence[str], periods: Sequence[str]) -> None:
        self._by, self._plain, self._periods = by, plain, periods
        self.keys = [",".join(plain), ",".join(reversed(plain))][: len(plain) or 1]
        """As they are counted; a stretch may have both orders of a pair."""
        self.named = lru_cache(None)(self._named)

    def period(self, day: str) -> str:
        return PERIODS[self._periods[0]](day) if self._periods else ""

    def turned(self, key: str, values: Iterable[str]) -> list[str]:
        """Values of the first of the ``keys`` as those of this one, or the other way."""
        if key == self.keys[0]:
            return [*values]
        return [BETWEEN.join(reversed(value.split(BETWEEN, 1))) for value in values]

    def _named(self, period: str, value: str) -> Values:
        """The values in the order of the keys asked for."""
        plain = iter(value.split(BETWEEN, 1) if len(self._plain) == 2 else [value])
        return tuple(period if k in self._periods else next(plain) for k in self._by) or EVERYBODY


_COLUMNS = ("segment_value", "item", "value", "flagged", "n", "total")
_Files: TypeAlias = Mapping[str, pq.ParquetFile]
"""By the first day that they tell of."""
_Only: TypeAlias = Mapping[str, Sequence[str]]
"""The segments wanted, by period."""


def _files(store: Store, piece: _Piece) -> _Files:
    try:
        if piece.stretch:
            return {min(piece.days): _opened(store, piece.stretch)}
    except Missing:  # its days changed just now
        pass
    return {day: _opened(store, key) for day, key in piece.days.items()}


def _opened(store: Store, key: str) -> pq.ParquetFile:
    return parquet.opened(store.get(key).data, _COLUMNS)


def _grids(cut: _Cut, only: _Only | None, files: _Files) -> list[tuple[list[Values], Grid]]:
    """Counts, with the names of their segments."""
    found = []
    for day, data in files.items():
        period = cut.period(day)
        wanted = None if only is None else only.get(period, ())
        for key in cut.keys:
            segments = None if wanted is None else cut.turned(key, wanted)
            rows = tally_files.read(data, key, _COLUMNS, segments)
            if rows.num_rows:
                counts = grid(rows)
                values = cut.turned(key, counts.segments)
                found.append(([cut.named(period, value) for value in values], counts))
    return found


class _Sizes(NamedTuple):
    """How many are of each segment; as often as a file tells of it."""

    period: str
    values: list[str]
    n: NDArray[np.int64]


def _sizes(cut: _Cut, without_flagged: bool, files: _Files) -> list[_Sizes]:
    found = []
    for day, data in files.items():
        for key in cut.keys:
            rows = tally_files.sizes(data, key, ("segment_value", "flagged", "n"))
            segments, segment = numbered(rows["segment_value"])
            n = np.zeros(len(segments), np.int64)
            kept = ~(rows["flagged"].to_numpy() & without_flagged)
            np.add.at(n, segment, rows["n"].to_numpy() * kept)
            found.append(_Sizes(cut.period(day), cut.turned(key, segments), n))
    return found


def _largest(cut: _Cut, sizes: Sequence[_Sizes], most: int) -> tuple[_Only | None, int]:
    """The largest segments, or None if that is all of them; and how many more there are."""
    periods, values = (
        {text: number for number, text in enumerate(dict.fromkeys(texts))}
        for texts in ((s.period for s in sizes), chain.from_iterable(s.values for s in sizes))
    )
    n = np.full((len(periods), len(values)), -1)  # where there is nobody
    for each in sizes:
        row, columns = n[periods[each.period]], [values[value] for value in each.values]
        row[columns] = np.maximum(row[columns], 0) + each.n
    more = int((n >= 0).sum()) - most
    if more <= 0:
        return None, 0
    least = max(0, np.partition(n, -most, axis=None)[-most])
    names = list(periods), list(values)
    large = [
        (-n[period, value], cut.named(names[0][period], names[1][value]), period, value)
        for period, value in np.argwhere(n >= least)
    ]
    only: dict[str, list[str]] = defaultdict(list)
    for *_, period, value in sorted(large)[:most]:
        only[names[0][period]].append(names[1][value])
    return only, more
