"""Reading the tables people have: CSV, Excel and Parquet files as rows of text by column name."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TypeAlias

import pyarrow.parquet as pq
from python_calamine import CalamineWorkbook

from chalicelib.survey import EchoformError

Cell: TypeAlias = str | datetime
Row: TypeAlias = dict[str, Cell]


class Unreadable(EchoformError):
    """A file is no table that can be read."""


def rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Every row with its number as a spreadsheet shows it (the header is row 1), in order.

    Raises Unreadable where the file is missing, of another kind, or not in a known encoding.
    """
    if not path.is_file():
        raise Unreadable(f"{path}: there is no such file")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise Unreadable(f"{path}: not one of {', '.join(READERS)}")
    return reader(path)


def _csv(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open(encoding=_encoding(path), newline="") as file:
        reader = csv.DictReader(file)
        for number, row in enumerate(reader, start=2):
            if None in row:
                raise Unreadable(f"{path}:{number}: more cells than the header has columns")
            yield number, {name: value or "" for name, value in row.items()}


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


def _xlsx(path: Path) -> Iterator[tuple[int, Row]]:
    sheet = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0)
    lines = iter(sheet.iter_rows())
    header = [str(cell) for cell in next(lines, [])]
    for number, line in enumerate(lines, start=2):
        yield number, {name: _cell(cell) for name, cell in zip(header, line, strict=False)}


def _parquet(path: Path) -> Iterator[tuple[int, Row]]:
    number = 1
    for batch in pq.ParquetFile(path).iter_batches():
        for row in batch.to_pylist():
            number += 1
            yield number, {name: _cell(cell) for name, cell in row.items()}


def _cell(cell: object) -> Cell:
    if isinstance(cell, datetime):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)


READERS = {".csv": _csv, ".xlsx": _xlsx, ".parquet": _parquet}
