"""Exporting responses to a file: part by part, so that it takes no more memory for more of them.

A text that a spreadsheet would take for a formula stays a text. In CSV, which knows no types, it
gets an apostrophe in front (``'=HYPERLINK(…)``), as OWASP advises: nothing else stops every
spreadsheet. In Excel's format a cell has a type, so texts are written as texts and nothing is
changed. Parquet is for machines and holds what was said.

An Excel sheet ends at 1,048,576 rows. What comes after goes on in further sheets of the same file,
each with the header.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import xlsxwriter
from msgspec import Struct

from chalicelib import columns, keys, parquet
from chalicelib.columns import CUSTOMER, Column
from chalicelib.storage import Missing, Store
from chalicelib.survey import Contract, EchoformError
from chalicelib.views import DAY
from generator import codebook
from generator.cells import FORMULA

FORMATS = ("parquet", "csv", "xlsx")
BATCH = 16_384
LAST_ROW = 1_048_576
"""Of a sheet, the header included."""
LONGEST = 32_767
"""Characters in a cell of Excel."""


class NotExported(EchoformError):
    """There is nothing of that kind to export. The message says why."""


class Exported(Struct):
    rows: int = 0
    cut: int = 0
    """Texts longer than a cell of Excel can be; their end is missing."""


class Sheet(Protocol):
    """A file that rows are added to."""

    def add(self, rows: pa.Table) -> int:
        """How many texts had to be cut."""
        ...

    def close(self) -> None: ...


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
    temporary = path.with_name(f".{path.name}.part")
    done = Exported()
    sheet = SHEETS[form](temporary, parquet.schema(asked))
    try:
        for rows in _rows(store, contracts, asked, first, last, contacts):
            done.cut += sheet.add(_labelled(rows, names))
            done.rows += rows.num_rows
        sheet.close()
        temporary.replace(path)
    except BaseException:
        with suppress(Exception):
            sheet.close()
        temporary.unlink(missing_ok=True)
        raise
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


def _joined(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A list as one text; codes hold no semicolon."""
    return pc.binary_join(column, ";") if pa.types.is_list(column.type) else column


class Parquet:
    """Rows as they are."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")

    def add(self, rows: pa.Table) -> int:
        self._writer.write_table(rows)
        return 0

    def close(self) -> None:
        self._writer.close()


class Csv:
    """UTF-8 with the mark by which Excel knows it. Moments are UTC, as in 2026-05-17T04:00:00Z."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = path.open("wb")
        self._file.write(b"\xef\xbb\xbf")
        self._options = pa_csv.WriteOptions(include_header=True, quoting_style="needed")

    def add(self, rows: pa.Table) -> int:
        cells = {name: _as_text(rows[name]) for name in rows.column_names}
        pa_csv.write_csv(pa.table(cells), self._file, self._options)
        self._options = pa_csv.WriteOptions(include_header=False, quoting_style="needed")
        return 0

    def close(self) -> None:
        self._file.close()


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return pc.strftime(
            pc.cast(column, pa.timestamp("s", "UTC"), safe=False), "%Y-%m-%dT%H:%M:%SZ"
        )
    column = _joined(column)
    if not pa.types.is_string(column.type):
        return column
    formula = pc.match_substring_regex(column, _FORMULA)
    return pc.if_else(formula, pc.binary_join_element_wise("'", column, ""), column)


_FORMULA = f"^[{FORMULA.replace('-', '')}-]"


class Xlsx:
    """Every text as a text, never as a formula or a link; rows go to disk as they come."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._book = xlsxwriter.Workbook(path, {"constant_memory": True})
        self._book.use_zip64()
        day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._names = schema.names
        self._formats = [
            moment if pa.types.is_timestamp(f.type) else day if pa.types.is_date(f.type) else None
            for f in schema
        ]
        self._texts = [pa.types.is_string(f.type) or pa.types.is_list(f.type) for f in schema]
        self._next_sheet()

    def add(self, rows: pa.Table) -> int:
        cut = 0
        cells = zip(*(_as_cells(column).to_pylist() for column in rows.columns), strict=True)
        for row in cells:
            if self._row == LAST_ROW:
                self._next_sheet()
            cut += self._write(row)
        return cut

    def _write(self, row: Sequence[object]) -> int:
        cut, sheet, at = 0, self._sheet, self._row
        for place, cell in enumerate(row):
            if cell is None:
                continue
            if not self._texts[place]:
                write = sheet.write_boolean if cell is True or cell is False else sheet.write_number
                write(at, place, cell, self._formats[place])
            elif cell:
                cut += len(str(cell)) > LONGEST
                sheet.write_string(at, place, str(cell)[:LONGEST])
        self._row += 1
        return cut

    def _next_sheet(self) -> None:
        self._sheet = self._book.add_worksheet()
        for place, name in enumerate(self._names):
            self._sheet.write_string(0, place, name)
        self._row = 1

    def close(self) -> None:
        self._book.close()


def _as_cells(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Moments (UTC) and days as Excel counts them: in days since the end of 1899."""
    if pa.types.is_timestamp(column.type):
        ms = pc.cast(pc.cast(column, pa.timestamp("ms", "UTC")), pa.int64())
        return pc.add(pc.divide(pc.cast(ms, pa.float64()), 86_400_000.0), 25_569.0)
    if pa.types.is_date(column.type):
        return pc.add(pc.cast(column, pa.int32()), 25_569)
    return _joined(column)


SHEETS: dict[str, Callable[[Path, pa.Schema], Sheet]] = {
    "parquet": Parquet,
    "csv": Csv,
    "xlsx": Xlsx,
}
