"""Counts of many segments as arrays: tallies of many days are millions of rows.

They are read as the numbers that Parquet stores for repeated texts, and summed as such; texts are
looked at once each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise, starmap
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from chalicelib import counting

Cell: TypeAlias = tuple[int, int]
"""How many, and the total."""
Counted: TypeAlias = Mapping[str, Mapping[str, Cell]]
"""By item and value."""
Values: TypeAlias = tuple[str, ...]
"""The values of the keys of a segment, in their order; ``("",)`` where there are no keys."""


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


class Grid(NamedTuple):
    """The counts of a day or stretch: not flagged and flagged, by segment, by item and value."""

    segments: list[str]
    cells: list[tuple[str, str]]
    n: NDArray[np.int64]
    total: NDArray[np.int64]


def grid(rows: pa.Table) -> Grid:
    items, item = numbered(rows["item"])
    if counting.MOMENTS in items:
        rows = rows.filter(pa.array(item != items.index(counting.MOMENTS)))
        items, item = numbered(rows["item"])
    segments, segment = numbered(rows["segment_value"])
    values, value = numbered(rows["value"])
    # One number for item and value together; few of the possible pairs occur.
    pairs = [(one, other) for one in items for other in values]
    cells, cell = _used(pairs, item * len(values) + value)
    place = (rows["flagged"].to_numpy() * len(segments) + segment) * len(cells) + cell
    n, total = np.zeros((2, 2 * len(segments) * len(cells)), np.int64)
    n[place] = rows["n"].to_numpy()  # a tally has one row for each
    total[place] = pc.fill_null(rows["total"], 0).to_numpy()
    shape = 2, len(segments), len(cells)
    return Grid(segments, cells, n.reshape(shape), total.reshape(shape))


class Sums:
    """Grids of days, added up as they come: whole numbers, so exact in any order."""

    def __init__(self) -> None:
        self.segments: dict[Values, int] = {}
        self._cells: dict[tuple[str, str], int] = {}
        self._n, self._total = np.zeros((2, 2, 0, 0), np.int64)

    def add(self, names: Sequence[Values], grid: Grid) -> None:
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


def numbered(texts: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
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
