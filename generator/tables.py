"""Reading the tables people have: CSV, Excel and Parquet files as rows of text by column name."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from itertools import chain, islice
from pathlib import Path
from typing import TypeAlias

import pyarrow.parquet as pq
from msgspec import Struct
from pyarrow.lib import ArrowInvalid
from python_calamine import CalamineError, CalamineWorkbook

from chalicelib.survey import EchoformError

Cell: TypeAlias = str | datetime | list[str]
"""Text, or what only Excel and Parquet know: moments and lists."""
_TITLES = 10
"""Rows in which a sheet may still say what it is about."""
Row: TypeAlias = dict[str, Cell]


class Unreadable(EchoformError):
    """A file is no table that can be read. The message begins with its path."""


class Ragged(EchoformError):
    """One row has more cells than there are columns."""


class Table(Struct, frozen=True):
    """Columns by name; each row with its number as a spreadsheet shows it (the header is row 1).

    A row that cannot be read is Ragged in place of its cells.
    """

    columns: list[str]
    rows: Iterator[tuple[int, Row | Ragged]]


def read_table(path: Path) -> Table:
    """Raises Unreadable: the file is missing, of another kind, broken, or has no usable header."""
    reader = READERS.get(path.suffix.lower())
    if not path.is_file():
        raise Unreadable(f"{path}: there is no such file")
    if reader is None:
        raise Unreadable(f"{path}: not one of {', '.join(READERS)}")
    try:
        table = reader(path)
    except (CalamineError, ArrowInvalid, csv.Error, OSError) as error:
        raise Unreadable(f"{path}: cannot be read: {error}") from None
    # Columns without a name are what Excel leaves at the right; nothing can ask for them.
    twice = sorted({name for name in table.columns if name and table.columns.count(name) > 1})
    if twice:
        raise Unreadable(f"{path}: two columns are called {', '.join(twice)}; rename one of them")
    return table


def _csv(path: Path) -> Table:
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        columns = next(csv.reader(file), [])
    return Table(columns, _csv_rows(path, encoding, columns))


def _csv_rows(path: Path, encoding: str, columns: list[str]) -> Iterator[tuple[int, Row | Ragged]]:
    with path.open(encoding=encoding, newline="") as file:
        lines = csv.reader(file)
        next(lines, None)
        number = 1
        while True:
            number += 1
            try:
                cells = next(lines)
            except StopIteration:
                return
            except csv.Error as error:
                yield number, Ragged(str(error))
                continue
            if len(cells) > len(columns):
                yield number, Ragged("more cells than the header has columns")
            elif cells:
                filled = cells + [""] * (len(columns) - len(cells))
                yield number, dict(zip(columns, filled, strict=True))


def _encoding(path: Path) -> str:
    """UTF-8, or GB 18030 as Excel writes it in China."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            with path.open(encoding=encoding) as file:
                while file.read(1 << 20):
                    pass
        except UnicodeDecodeError:
            continue
        return encoding
    raise Unreadable(f"{path}: neither UTF-8 nor GB 18030; save it as CSV UTF-8")


def _xlsx(path: Path) -> Table:
    lines = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).iter_rows()
    first = list(islice(lines, _TITLES))
    header = _header(first)
    columns = [str(cell) for cell in first[header]] if first else []
    rows = (
        (number, {name: _cell(cell) for name, cell in zip(columns, line, strict=False)})
        for number, line in enumerate(chain(first[header + 1 :], lines), start=header + 2)
    )
    return Table(columns, rows)


def _header(lines: Sequence[Sequence[object]]) -> int:
    """Where the columns are named: below titles, which stand alone in their row."""
    for at, line in enumerate(lines):
        if len(line) < 2 or sum(cell != "" for cell in line) > 1:
            return at
    return 0


def _parquet(path: Path) -> Table:
    file = pq.ParquetFile(path)
    every = (row for batch in file.iter_batches() for row in batch.to_pylist())
    rows = (
        (number, {name: _cell(cell) for name, cell in row.items()})
        for number, row in enumerate(every, start=2)
    )
    return Table(file.schema_arrow.names, rows)


def _cell(cell: object) -> Cell:
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    if isinstance(cell, list):
        return [str(each) for each in cell]
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)


READERS: dict[str, Callable[[Path], Table]] = {
    ".csv": _csv,
    ".xlsx": _xlsx,
    ".parquet": _parquet,
}
