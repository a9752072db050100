"""A survey's counts over days, read from its tallies: what every score is made of.

Tallies of many days and segments are millions of rows. They are read as the numbers that Parquet
stores for repeated texts, and summed as such; texts are looked at once each.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import lru_cache, partial
from itertools import accumulate, chain, pairwise, starmap
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chalicelib import counting, keys, parquet, stretches
from chalicelib.published import Definitions
from chalicelib.storage import Entry, Missing, Store
from chalicelib.survey import Contract, EchoformError
from chalicelib.survey.drivers import Pair

AT_ONCE = 16
BETWEEN = "\x1f"
"""Between the two values of a segment of two keys."""
EVERYBODY = ("",)

Cell: TypeAlias = tuple[int, int]
"""How many, and the total."""
Counted: TypeAlias = Mapping[str, Mapping[str, Cell]]
"""By item and value."""
Values: TypeAlias = tuple[str, ...]
"""The values of the keys of a segment, in their order; ``EVERYBODY`` where there are no keys."""
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


class Cells(Mapping[Values, Counted]):
    """The counts of every segment, though it be empty; put together for those one looks at."""

    def __init__(
        self,
        rows: Mapping[Values, int],
        cells: Mapping[tuple[str, str], int],
        n: NDArray[np.int64],
        total: NDArray[np.int64],
        sides: Sequence[int],
    ) -> None:
        order = sorted(cells, key=lambda cell: cell[0])
        ends = accumulate(Counter(item for item, _ in order).values(), initial=0)
        self._rows, self._n, self._total, self._sides = rows, n, total, sides
        self._columns = [cells[cell] for cell in order]
        self._values = [value for _, value in order]
        self._places = list(zip(dict(order), starmap(slice, pairwise(ends)), strict=True))
        self._responses = cells.get((counting.RESPONSES, ""))

    def __getitem__(self, name: Values) -> dict[str, dict[str, Cell]]:
        row = self._rows[name]
        counts, totals = (
            table[self._sides, row].sum(axis=0)[self._columns].tolist()
            for table in (self._n, self._total)
        )
        named = list(zip(self._values, zip(counts, totals, strict=True), strict=True))
        return {
            item: {value: cell for value, cell in named[place] if cell[0]}
            for item, place in self._places
            if any(counts[place])
        }

    def __iter__(self) -> Iterator[Values]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def responses(self) -> dict[Values, int]:
        """How many people there are of every segment."""
        if self._responses is None:
            return dict.fromkeys(self._rows, 0)
        n = self._n[self._sides, :, self._responses].sum(axis=0)
        return dict(zip(self._rows, n.tolist(), strict=False))


class _Piece(NamedTuple):
    """The keys of some days' tallies, and of what they are added up to, or ""."""

    days: dict[str, str]
    stretch: str = ""


class _Grid(NamedTuple):
    """The counts of a day or stretch: not flagged and flagged, by segment, by item and value."""

    segments: list[str]
    cells: list[tuple[str, str]]
    n: NDArray[np.int64]
    total: NDArray[np.int64]


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
) -> Tallied:
    """Counts by one or two segment keys, or periods. Raises Unscorable: there is no such key."""
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
    wanted = [",".join(plain), ",".join(reversed(plain))][: len(plain) or 1]
    sums = _Sums()
    named = lru_cache(None)(partial(_named, by=tuple(by), periods=periods))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        grids = pool.map(partial(_grids, store, wanted), pieces)
        for day, key, grid in chain.from_iterable(grids):
            period = PERIODS[periods[0]](day) if periods else ""
            turned = [_turned(s) for s in grid.segments] if key != wanted[0] else grid.segments
            sums.add([named(period, value) for value in turned], grid)
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
    rows = parquet.decode_where(store.get(name).data, "segment_key", segment[0])
    if "total_x" not in rows.column_names:
        return []
    rows = rows.filter(pc.equal(rows["item"], counting.MOMENTS))
    rows = rows.filter(pc.equal(rows["segment_value"], segment[1]))
    if without_flagged:
        rows = rows.filter(pc.invert(rows["flagged"]))
    columns = (rows[c].to_pylist() for c in ("value", "n", "total_x", "total_y", "total"))
    return [
        (*value.split("|", 1), Pair(n, x, y, xy))
        for value, n, x, y, xy in zip(*columns, strict=True)
    ]


_COLUMNS = ("segment_value", "item", "value", "flagged", "n", "total")


def _grids(store: Store, wanted: Sequence[str], piece: _Piece) -> list[tuple[str, str, _Grid]]:
    """The first day, key and counts of each of these segment keys; a stretch may have both orders
    of a pair."""
    try:
        files = {min(piece.days): store.get(piece.stretch).data} if piece.stretch else {}
    except Missing:  # its days changed just now
        files = {}
    files = files or {day: store.get(key).data for day, key in piece.days.items()}
    return [
        (day, key, _grid(rows))
        for day, data in files.items()
        for key in wanted
        if (rows := parquet.decode_where(data, "segment_key", key, _COLUMNS)).num_rows
    ]


def _grid(rows: pa.Table) -> _Grid:
    told = pc.not_equal(rows["item"], counting.MOMENTS)
    rows = rows if pc.all(told).as_py() else rows.filter(told)
    segments, segment = _numbered(rows["segment_value"])
    items, item = _numbered(rows["item"])
    values, value = _numbered(rows["value"])
    # One number for item and value together; few of the possible pairs occur.
    pairs = [(one, other) for one in items for other in values]
    cells, cell = _used(pairs, item * len(values) + value)
    place = (rows["flagged"].to_numpy() * len(segments) + segment) * len(cells) + cell
    n, total = np.zeros((2, 2 * len(segments) * len(cells)), np.int64)
    n[place] = rows["n"].to_numpy()  # a tally has one row for each
    total[place] = pc.fill_null(rows["total"], 0).to_numpy()
    shape = 2, len(segments), len(cells)
    return _Grid(segments, cells, n.reshape(shape), total.reshape(shape))


class _Sums:
    """Grids of days, added up as they come: whole numbers, so exact in any order."""

    def __init__(self) -> None:
        self.segments: dict[Values, int] = {}
        self._cells: dict[tuple[str, str], int] = {}
        self._n, self._total = np.zeros((2, 2, 0, 0), np.int64)

    def add(self, names: Sequence[Values], grid: _Grid) -> None:
        down = [self.segments.setdefault(name, len(self.segments)) for name in names]
        across = [self._cells.setdefault(cell, len(self._cells)) for cell in grid.cells]
        wanted = (2, len(self.segments), len(self._cells))
        if wanted[1] > self._n.shape[1] or wanted[2] > self._n.shape[2]:
            self._n, self._total = _wider(self._n, wanted), _wider(self._total, wanted)
        if names:
            sides = [side for side in (0, 1) if grid.n[side].any()]
            summed = np.flatnonzero(grid.total.any(axis=(0, 1)))
            rows, columns = np.array(down)[:, None], np.array(across)
            for side in sides:
                self._n[side][rows, columns] += grid.n[side]
                self._total[side][rows, columns[summed]] += grid.total[side][:, summed]

    def cells_of(self, flagged: Sequence[int]) -> Cells:
        """Of what is not flagged (0), flagged (1) or both."""
        return Cells(self.segments, self._cells, self._n, self._total, flagged)


def _wider(table: NDArray[np.int64], wanted: tuple[int, ...]) -> NDArray[np.int64]:
    """The table with as much room as is wanted, and as much again where it had too little."""
    shape = [
        there if there >= more else 2 * more
        for there, more in zip(table.shape, wanted, strict=True)
    ]
    wide = np.zeros(shape, np.int64)
    wide[tuple(map(slice, table.shape))] = table
    return wide


def _numbered(texts: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
    coded = texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()
    whole = coded.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # where there is nothing
        return [], np.zeros(0, np.int64)
    known, numbers = whole.dictionary.to_pylist(), whole.indices.to_numpy()
    return _used(known, numbers.astype(np.int64))


Known = TypeVar("Known")


def _used(
    known: Sequence[Known], numbers: NDArray[np.int64]
) -> tuple[list[Known], NDArray[np.int64]]:
    """Only what occurs, numbered anew: a dictionary is that of whole row groups."""
    present = np.zeros(len(known), np.bool_)
    present[numbers] = True
    return [known[at] for at in np.flatnonzero(present).tolist()], (np.cumsum(present) - 1)[numbers]


def _turned(value: str) -> str:
    return BETWEEN.join(reversed(value.split(BETWEEN, 1)))


def _named(period: str, value: str, by: Sequence[str], periods: Sequence[str]) -> Values:
    """The values in the order of the keys asked for."""
    plain = iter(value.split(BETWEEN, 1) if len(by) - len(periods) == 2 else [value])
    return tuple(period if key in periods else next(plain) for key in by) or EVERYBODY
