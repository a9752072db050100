"""A file of tallies: how its rows lie, so that a reader finds what it wants and reads little else.

First how many people there are of every segment, in row groups of their own: of the 80,000 segments
of agents and days, one wants the largest. Then all other counts by key, segment, item, value and
flag; and the moments at the end, which one wants seldom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from . import counting, parquet

GROUP = 8192
"""Rows in a row group: a reader wants one segment key's, and often of few segments."""


def encode(counts: pa.Table, noted: Mapping[str, str] | None = None) -> bytes:
    """The file of these tallies, which may be in any order."""
    rows = _ordered(counts)
    sizes = pc.sum(_are(rows, counting.RESPONSES)).as_py() or 0
    return parquet.encode(rows, noted, group=GROUP, first=sizes)


def read(
    data: bytes | pq.ParquetFile,
    key: str,
    columns: Sequence[str],
    segments: Iterable[str] | None = None,
) -> pa.Table:
    """What is counted by this key, of all segments or of some; texts are dictionaries."""
    sought = {"segment_key": [key]} | ({} if segments is None else {"segment_value": [*segments]})
    return parquet.decode_where(data, sought, columns)


def sizes(data: bytes | pq.ParquetFile, key: str, columns: Sequence[str]) -> pa.Table:
    """How many people there are of every segment of this key."""
    sought = {"segment_key": [key], "item": [counting.RESPONSES]}
    return parquet.decode_where(data, sought, columns, first=True)


def _are(rows: pa.Table, item: str) -> pa.ChunkedArray:
    return pc.equal(rows["item"], item)


def _ordered(counts: pa.Table) -> pa.Table:
    """Sorted by one number made of all: of five texts it takes as long as a third of the counting.
    Texts stay numbers, as they will be stored."""
    place = pc.subtract(
        _are(counts, counting.MOMENTS).cast(pa.int64()),
        _are(counts, counting.RESPONSES).cast(pa.int64()),
    )
    for name in counting.COLUMNS[:4]:
        known = counts[name].combine_chunks().dictionary_encode()
        order = pc.sort_indices(known.dictionary)
        rank = pc.sort_indices(order).take(known.indices)
        texts = pa.DictionaryArray.from_arrays(rank.cast(pa.int32()), known.dictionary.take(order))
        counts = counts.set_column(counts.column_names.index(name), name, texts)
        place = pc.add(pc.multiply(place, len(order)), rank.cast(pa.int64()))
    place = pc.add(pc.multiply(place, 2), counts["flagged"].cast(pa.int64()))
    shown = [name for name in counting.COLUMNS if name in counts.column_names]
    return counts.select(shown).take(pc.sort_indices(place))
