"""Parquet parts to and from Arrow tables. Only scheduled jobs and readers import this: pyarrow is
far too heavy for the functions that answer customers.

The same rows give the same bytes, so writing a part again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .columns import Column, Row

TYPES = {
    "string": pa.string(),
    "strings": pa.list_(pa.string()),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("ms", "UTC"),
}

_ROWS = 122_880
"""Rows in a row group: what DuckDB scans as one piece."""
_UNIQUE = {"response", "received_at", "digest"}
"""No two rows alike: a dictionary of them would only be thrown away."""


def schema(columns: Iterable[Column]) -> pa.Schema:
    return pa.schema([(column.name, TYPES[column.type]) for column in columns])


def table(columns: Sequence[Column], rows: Sequence[Row]) -> pa.Table:
    """Rows as Arrow; what a row does not name is null."""
    return pa.table(
        [pa.array([row.get(c.name) for row in rows], TYPES[c.type]) for c in columns],
        schema=schema(columns),
    )


def decode(data: bytes) -> pa.Table:
    # Without these two options pyarrow may abort a process that exits soon after (Arrow 34314).
    return _open(data).read(use_threads=False)


def decode_where(data: bytes, column: str, value: str) -> pa.Table:
    """Only the rows with this value. Quick where a file is sorted by that column."""
    file = _open(data)
    place = file.schema_arrow.get_field_index(column)
    groups = [
        number
        for number in range(file.num_row_groups)
        if _may_hold(file.metadata.row_group(number).column(place).statistics, value)
    ]
    rows = file.read_row_groups(groups, use_threads=False)
    return rows.filter(pc.equal(rows[column], value))


def notes(data: bytes) -> dict[str, str]:
    """What was noted in a file's footer."""
    found = _open(data).schema_arrow.metadata or {}
    return {name.decode(): value.decode() for name, value in found.items()}


def encode(rows: pa.Table, noted: Mapping[str, str] | None = None, group: int = _ROWS) -> bytes:
    """A file of these rows, ``group`` of them together, with notes in its footer."""
    sink = pa.BufferOutputStream()
    pq.write_table(
        rows.replace_schema_metadata(dict(noted) if noted else None),
        sink,
        compression="zstd",
        row_group_size=group,
        use_dictionary=[name for name in rows.column_names if name not in _UNIQUE],
        store_schema=bool(noted),
    )
    return bytes(sink.getvalue())


def added(old: pa.Table, new: pa.Table, by: str) -> pa.Table:
    """Both tables' rows in order of ``by``; both must be sorted by it already.

    Columns are those of ``new``, then what else ``old`` has: software that knows less than what
    wrote a part must not lose its columns.
    """
    both = pa.concat_tables([_shaped(old, new.schema), new], promote_options="default")
    if not old.num_rows or not new.num_rows or old[by][-1].as_py() < new[by][0].as_py():
        return both
    both = both.combine_chunks()
    return both.take(pc.sort_indices(both[by]))


def _shaped(rows: pa.Table, wanted: pa.Schema) -> pa.Table:
    """The table with the wanted columns, in that order: null where it has none, others last."""
    have = set(rows.column_names)
    columns = {
        field.name: rows[field.name].cast(field.type)
        if field.name in have
        else pa.nulls(rows.num_rows, field.type)
        for field in wanted
    }
    return pa.table(columns | {n: rows[n] for n in rows.column_names if n not in columns})


def _open(data: bytes) -> pq.ParquetFile:
    return pq.ParquetFile(pa.BufferReader(data), pre_buffer=False)


def _may_hold(statistics: pq.Statistics | None, value: str) -> bool:
    return not (statistics and statistics.has_min_max) or (
        statistics.min <= value <= statistics.max
    )
