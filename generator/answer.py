"""The answer to a query: rows as whoever asked wants them, and no cell ever a formula."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chalicelib.survey import EchoformError
from generator.cells import harmless


class BadQuery(EchoformError):
    """The SQL cannot be answered. The message says why, and which views there are."""


class Answer(Struct, frozen=True):
    columns: list[str]
    rows: list[tuple[Any, ...]]
    types: tuple[pa.DataType, ...] = ()
    """Of the columns, where they are known."""

    def as_table(self) -> str:
        """Aligned text, as wide as it is."""
        grid = Table(show_edge=False, pad_edge=False)
        for name in self.columns:
            grid.add_column(Text(name), no_wrap=True)
        for row in self.rows:
            grid.add_row(*(Text(str(_shown(cell))) for cell in row))
        console = Console(file=io.StringIO(), width=_WIDEST)
        with console.capture() as captured:
            console.print(grid)
        lines = [line.rstrip() for line in captured.get().splitlines()]
        return "\n".join([*lines, f"({len(self.rows):,} rows)"])

    def as_csv(self) -> str:
        """No cell can become a formula in a spreadsheet."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([harmless(name) for name in self.columns])
        writer.writerows([harmless(_shown(cell)) for cell in row] for row in self.rows)
        return out.getvalue()

    def as_json(self) -> str:
        """Raises BadQuery where two columns have one name."""
        self._names_apart()
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return msgspec.json.format(_json.encode(rows)).decode()

    def to_parquet(self, path: Path) -> None:
        """Raises BadQuery where two columns have one name."""
        self._names_apart()
        types = self.types or (None,) * len(self.columns)
        cells = zip(*self.rows, strict=True) if self.rows else [()] * len(self.columns)
        arrays = [pa.array(each, kind) for each, kind in zip(cells, types, strict=True)]
        pq.write_table(pa.table(arrays, names=self.columns), path, compression="zstd")

    def _names_apart(self) -> None:
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if twice:
            raise BadQuery(f"two columns are called {', '.join(twice)}; name them apart with AS")


_WIDEST = 10_000
_json = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


def _shown(cell: object) -> object:
    if cell is None:
        return ""
    if isinstance(cell, list | dict | bool):
        return _json.encode(cell).decode()
    return cell
