"""Parquet parts to and from Arrow tables. Only scheduled jobs and readers import this: pyarrow is
far too heavy for the functions that answer customers.

The same rows give the same bytes, so writing a part again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .columns import Column

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
_SOUGHT = {"response", "received_at", "segment_key", "segment_value"}
"""What files are sorted by, or nearly. Least and greatest values of other columns would be the same
in every row group, and cost a fifth of the writing."""


_FIRST = "echoform.first"
"""The note of how many row groups lie first."""
_SMALL = 1024
"""Rows in each of those."""


def schema(columns: Iterable[Column]) -> pa.Schema:
    return pa.schema([(column.name, TYPES[column.type]) for column in columns])


def table(columns: Sequence[Column], cells: Mapping[str, Sequence[object]]) -> pa.Table:
    """Cells as Arrow, as many in each column; a column without cells is null."""
    count = max(map(len, cells.values()), default=0)
    return pa.table(
        [
            pa.array(cells[column.name], TYPES[column.type])
            if column.name in cells
            else pa.nulls(count, TYPES[column.type])
            for column in columns
        ],
        schema=schema(columns),
    )


def decode(data: bytes, coded: Sequence[str] = ()) -> pa.Table:
    """``coded``: columns to leave as the dictionaries they are stored as. Writing those again costs
    little, but also writes values that no row has any more: ``plain`` makes texts of them."""
    # Without these two options pyarrow may abort a process that exits soon after (Arrow 34314).
    return opened(data, coded).read(use_threads=False)


def plain(rows: pa.Table) -> pa.Table:
    """The table without dictionaries."""
    types = [f.type.value_type if pa.types.is_dictionary(f.type) else f.type for f in rows.schema]
    return rows.cast(pa.schema(zip(rows.column_names, types, strict=True)))


def opened(data: bytes, coded: Sequence[str] = ()) -> pq.ParquetFile:
    """The file, to be read from more than once. ``coded``: as of ``decode``."""
    return pq.ParquetFile(pa.BufferReader(data), pre_buffer=False, read_dictionary=[*coded])


def decode_where(
    data: bytes | pq.ParquetFile,
    sought: Mapping[str, Sequence[str]],
    columns: Sequence[str] | None = None,
    first: bool = False,
) -> pa.Table:
    """Only the rows that have, in each column sought, one of its values. Quick where a file is
    sorted by those.

    With ``columns`` only these, and their texts as numbers in a dictionary, as they are stored.
    ``first``: only the rows that were written to lie ``first``; all, where none were.
    """
    file = opened(data, columns or ()) if isinstance(data, bytes) else data
    schema = file.schema_arrow
    places = {name: schema.get_field_index(name) for name in sought}
    groups = range(file.num_row_groups)
    if first and (noted := (schema.metadata or {}).get(_FIRST.encode())):
        groups = groups[: int(noted)]
    whole: list[int] = []
    mixed: list[int] = []
    unsure: set[str] = set()
    for number in groups:
        group = file.metadata.row_group(number)
        some = set()
        for name, place in places.items():
            held = _held(group.column(place), sought[name])
            if held == _NONE:
                break
            some |= {name} if held == _SOME else set()
        else:
            (mixed if some else whole).append(number)
            unsure |= some
    found = file.read_row_groups(whole, columns=columns, use_threads=False)
    if not mixed:
        return found
    wanted = [*dict.fromkeys([*columns, *unsure])] if columns else None
    rows = file.read_row_groups(mixed, columns=wanted, use_threads=False)
    for name in unsure:
        rows = rows.filter(_among(rows[name], sought[name]))
    return pa.concat_tables([rows.select(found.column_names), found])


def _among(texts: pa.ChunkedArray, values: Sequence[str]) -> pa.ChunkedArray:
    """Whether each is one of these. Of a dictionary each text is looked at once."""
    known = pa.array(values, pa.string())
    if not pa.types.is_dictionary(texts.type):
        return pc.is_in(texts, known)
    chunks = (pc.is_in(each.dictionary, known).take(each.indices) for each in texts.chunks)
    return pa.chunked_array(chunks, pa.bool_())


def notes(data: bytes) -> dict[str, str]:
    """What was noted in a file's footer."""
    found = opened(data).schema_arrow.metadata or {}
    return {name.decode(): value.decode() for name, value in found.items()}


def encode(
    rows: pa.Table, noted: Mapping[str, str] | None = None, group: int = _ROWS, first: int = 0
) -> bytes:
    """A file of these rows, ``group`` of them together, with notes in its footer.

    ``first``: so many rows at the beginning have row groups of their own, and can be read alone.
    """
    sink = pa.BufferOutputStream()
    rows = rows.replace_schema_metadata(None)
    with pq.ParquetWriter(
        sink,
        rows.schema,
        compression="zstd",
        use_dictionary=[name for name in rows.column_names if name not in _UNIQUE],
        write_statistics=[name for name in rows.column_names if name in _SOUGHT],
        store_schema=False,
    ) as writer:
        if first:
            writer.write_table(rows.slice(0, first), _SMALL)
        writer.write_table(rows.slice(first), group)
        apart = {_FIRST: str(-(-first // _SMALL))} if first else {}
        writer.add_key_value_metadata({**(noted or {}), **apart})
    return bytes(sink.getvalue())


def added(old: pa.Table, new: pa.Table, by: str) -> pa.Table:
    """Both tables' rows in order of ``by``; ``old`` must be sorted by it already.

    Columns are those of ``new``, then what else ``old`` has: software that knows less than what
    wrote a part must not lose its columns. Rows before the first new one stay as they are.
    """
    for number, name in enumerate(new.column_names):
        if name in old.column_names and pa.types.is_dictionary(old.schema.field(name).type):
            new = new.set_column(number, name, new[name].dictionary_encode())
    old = _shaped(old, new.schema)
    least = pc.min(new[by])
    before = pc.sum(pc.less(old[by], least)).as_py() or 0 if least.is_valid else old.num_rows
    rest = pa.concat_tables([old.slice(before), new], promote_options="default")
    rest = rest.unify_dictionaries().combine_chunks()
    both = pa.concat_tables([old.slice(0, before), rest.take(pc.sort_indices(rest[by]))])
    return both.unify_dictionaries()


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


_NONE, _SOME, _ALL = range(3)


def _held(column: pq.ColumnChunkMetaData, values: Sequence[str]) -> int:
    """Which rows have one of the values, by the least and greatest; _SOME is maybe."""
    statistics = column.statistics
    if not (statistics and statistics.has_min_max):
        return _SOME
    least, greatest = statistics.min, statistics.max
    if not any(least <= value <= greatest for value in values):
        return _NONE
    return _SOME if least != greatest or statistics.null_count else _ALL
