"""Exporting responses to a file: part by part, so that it takes no more memory for more of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec import Struct

from chalicelib import columns, keys, parquet
from chalicelib.columns import CUSTOMER, Column
from chalicelib.storage import Missing, Store
from chalicelib.survey import Contract, EchoformError
from chalicelib.views import DAY
from generator import codebook, row_files

BATCH = 16_384


class NotExported(EchoformError):
    """There is nothing of that kind to export. The message says why."""


class Exported(Struct):
    rows: int = 0
    cut: int = 0
    """Texts longer than a cell of Excel can be; their end is missing."""


def export(
    store: Store,
    contracts: Sequence[Contract],
    form: str,
    path: Path,
    first: str = "",
    last: str = "~",
    language: str | None = None,
    contacts: bool = False,
) -> Exported:
    """Write the responses of the days from ``first`` to ``last``; the file appears when whole.

    ``language``: codes as they are called in it. ``contacts``: with what is personal; the customer
    then is the customer, and no pseudonym.
    """
    asked = shape(contracts, contacts)
    if language and language not in contracts[-1].languages:
        has = ", ".join(contracts[-1].languages)
        raise NotExported(f"{contracts[-1].id} does not speak {language!r}; it has: {has}")
    names = labels(contracts, language) if language else {}
    done = Exported()
    with row_files.written(path, form, parquet.schema(asked)) as file:
        for rows in _rows(store, contracts, asked, first, last, contacts):
            done.cut += file.add(_labelled(rows, names))
            done.rows += rows.num_rows
    return done


def shape(contracts: Sequence[Contract], contacts: bool = False) -> list[Column]:
    """The columns of an export."""
    known = columns.responses(contracts)
    personal = [c for c in columns.contacts(contracts) if c not in known] if contacts else []
    return [DAY, *known, *personal]


def labels(contracts: Iterable[Contract], language: str) -> dict[str, dict[str, str]]:
    """What codes are called, by field: as the latest version that has them says."""
    found: dict[str, dict[str, str]] = {}
    for contract in contracts:
        coded = {f.id for f in contract.fields if f.kind in ("code", "codes")}
        for row in codebook.labels(contract):
            if row["language"] == language and row["field"] in coded:
                found.setdefault(str(row["field"]), {})[str(row["code"])] = str(row["label"])
    return found


def _rows(
    store: Store,
    contracts: Sequence[Contract],
    asked: Sequence[Column],
    first: str,
    last: str,
    contacts: bool,
) -> Iterator[pa.Table]:
    """Some rows at a time, in order of day and part; of what is personal a part's at a time."""
    wanted = parquet.schema(asked)
    for entry in store.list(f"{keys.RESPONSES}{contracts[-1].id}/"):
        day = keys.day_of(entry.key)
        if not first <= day <= last:
            continue
        try:
            file = pq.ParquetFile(pa.BufferReader(store.get(entry.key).data), pre_buffer=False)
        except Missing:  # not kept any longer since it was listed
            continue
        beside = _contacts(store, entry.key) if contacts else {}
        for batch in file.iter_batches(BATCH, use_threads=False):
            rows = pa.Table.from_batches([batch])
            rows = rows.append_column(DAY.name, pa.array([day] * rows.num_rows, pa.string()))
            yield _shaped(_personal(rows, beside) if contacts else rows, wanted)


def _shaped(rows: pa.Table, wanted: pa.Schema) -> pa.Table:
    have = set(rows.column_names)
    return pa.table(
        [
            rows[field.name].cast(field.type)
            if field.name in have
            else pa.nulls(rows.num_rows, field.type)
            for field in wanted
        ],
        schema=wanted,
    )


def _contacts(store: Store, part: str) -> dict[tuple[str, str], dict[str, object]]:
    """What is personal in the part beside one of responses, by response and digest."""
    try:
        data = store.get(keys.CONTACTS + part.removeprefix(keys.RESPONSES)).data
    except Missing:
        return {}
    rows = parquet.decode(data).to_pylist()
    return {(row["response"], row["digest"]): row for row in rows}


def _personal(rows: pa.Table, beside: Mapping[tuple[str, str], dict[str, object]]) -> pa.Table:
    names = zip(rows["response"].to_pylist(), rows["digest"].to_pylist(), strict=True)
    mine = [beside.get(name, {}) for name in names]
    for name in sorted(
        {name for row in mine for name in row} - {"response", "received_at", "digest"}
    ):
        cells = pa.array([row.get(name) for row in mine])
        if name == CUSTOMER and name in rows.column_names:
            rows = rows.drop_columns([name])
        rows = rows.append_column(name, cells)
    if CUSTOMER in rows.column_names and not any(CUSTOMER in row for row in mine):
        rows = rows.drop_columns([CUSTOMER])  # a pseudonym must not pass for a customer
    return rows


def _labelled(rows: pa.Table, names: Mapping[str, Mapping[str, str]]) -> pa.Table:
    """Codes as they are called; a code without a name stays."""
    for place, name in enumerate(rows.column_names):
        called = names.get(name, {})
        column = rows[name].combine_chunks()
        if called and pa.types.is_list(column.type):
            said = _called(column.values, called)
            column = pa.ListArray.from_arrays(column.offsets, said, mask=column.is_null())
        elif called:
            column = _called(column, called)
        else:
            continue
        rows = rows.set_column(place, name, column)
    return rows


def _called(cells: pa.Array, called: Mapping[str, str]) -> pa.Array:
    known = pc.index_in(cells, pa.array(list(called), pa.string()))
    return pc.coalesce(pc.take(pa.array(list(called.values()), pa.string()), known), cells)
