"""Files of rows, written as rows come: no more memory for more of them, and no text a formula.

A text that a spreadsheet would take for a formula stays a text. In CSV, which knows no types, it
gets an apostrophe in front (``'=HYPERLINK(…)``), as OWASP advises: nothing else stops every
spreadsheet. In Excel's format a cell has a type, so texts are written as texts and nothing is
changed. Parquet is for machines and holds what was said.

An Excel sheet ends at 1,048,576 rows. What comes after goes on in further sheets of the same file,
each with the header.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import xlsxwriter

from generator.cells import FORMULA

FORMATS = ("parquet", "csv", "xlsx")
LAST_ROW = 1_048_576
"""Of a sheet, the header included."""
LONGEST = 32_767
"""Characters in a cell of Excel."""


class Sheet(Protocol):
    """A file that rows are added to."""

    def add(self, rows: pa.Table) -> int:
        """How many texts had to be cut."""
        ...

    def close(self) -> None: ...


@contextmanager
def written(path: Path, form: str, schema: pa.Schema) -> Iterator[Sheet]:
    """A file to add rows to; it appears when it is whole, or not at all."""
    temporary = path.with_name(f".{path.name}.part")
    sheet = SHEETS[form](temporary, schema)
    try:
        yield sheet
        sheet.close()
        temporary.replace(path)
    except BaseException:
        with suppress(Exception):
            sheet.close()
        temporary.unlink(missing_ok=True)
        raise


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
