"""A customers' file as a table that can be asked: typed columns, and a ``--where`` in SQL.

The table lies in a DuckDB of its own, in memory, which can reach no file, no network and no
setting: what --where says may come from anywhere. Columns are typed by what they hold: where every
cell is a day, a moment or a number, it can be compared as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from chalicelib.survey import EchoformError
from chalicelib.survey.rules import clean
from generator.loading import RowProblem
from generator.tables import Cell, Ragged, Unreadable, read_table

_BATCH = 10_000
_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日")
_TIMES = ("", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S")
_MOMENTS = [day + time for day in _DAYS for time in _TIMES]
_NUMBER = r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,9})?"
"""No zero in front: 012 is a store, and its zero belongs to it."""
_LONGEST = 4000
"""Of a cell: as much as anything here makes use of."""

_FENCE: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": "false",
    "autoload_known_extensions": "false",
    "autoinstall_known_extensions": "false",
    "allow_community_extensions": "false",
}


class Unfit(EchoformError):
    """--where cannot be answered. Says why, and which columns there are."""


class Customers:
    """The rows of a file, by their number in it (the header is row 1)."""

    def __init__(self, path: Path, texts: Iterable[str] = (), timezone: str = "UTC") -> None:
        """``texts``: columns that stay texts whatever they hold. Raises Unreadable."""
        table = read_table(path)
        self.columns = [name for name in dict.fromkeys(table.columns) if name]
        if not self.columns:
            raise Unreadable(f"{path}: the first row has to say what the columns are called")
        _distinct(path, self.columns)
        self.problems: list[RowProblem] = []
        self._db = duckdb.connect(":memory:", config=_FENCE)
        self._db.execute("SET TimeZone = $1", [timezone])
        self._db.execute("SET preserve_insertion_order = true")
        self._fill(table.rows)
        self._db.execute("SET python_enable_replacements = false")
        self._db.execute("SET lock_configuration = true")
        self._spoilt: dict[str, str] = {}
        self.types = dict.fromkeys(self.columns, "text") | self._typed(set(texts))
        self._show()

    def __len__(self) -> int:
        return self._count("rows")

    def where(self, sql: str | None) -> int:
        """Keep the rows of which ``sql`` is true; how many are left out. Raises Unfit."""
        before = self._count("rows")
        if sql and sql.strip():
            # The line ends keep a comment at the end of what was said from reaching further.
            asked = f"SELECT {self._number} FROM customers WHERE (\n{sql}\n)"  # noqa: S608
            try:
                if len(duckdb.extract_statements(asked)) != 1:
                    raise Unfit("--where: write one condition, without ;")
                self._db.execute(f"CREATE OR REPLACE TEMP TABLE chosen AS {asked}")
            except duckdb.Error as error:
                raise Unfit(f"--where: {self._explained(error)}") from None
            self._db.execute("DELETE FROM rows WHERE number NOT IN (FROM chosen)")
        return before - self._count("rows")

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """What is left, in the file's order: number and texts by column."""
        reading = self._db.cursor().execute("FROM rows ORDER BY number")
        while batch := reading.fetchmany(_BATCH):
            for number, *cells in batch:
                yield number, dict(zip(self.columns, cells, strict=True))

    def _fill(self, rows: Iterator[tuple[int, Mapping[str, Cell] | Ragged]]) -> None:
        names = [f"c{at}" for at in range(len(self.columns))]
        schema = pa.schema([("number", pa.int64()), *((name, pa.string()) for name in names)])
        self._db.execute(
            f"CREATE TABLE rows (number BIGINT, {', '.join(f'{name} VARCHAR' for name in names)})"
        )
        while batch := list(islice(rows, _BATCH)):
            kept = []
            for number, row in batch:
                if isinstance(row, Ragged):
                    self.problems.append(RowProblem(number, str(row)))
                    continue
                cells = [_text(row.get(name, "")) for name in self.columns]
                if any(cells):
                    kept.append((number, *cells))
            columns = zip(*kept, strict=True) if kept else ([] for _ in schema)
            arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
            self._db.register("batch", pa.Table.from_arrays(arrays, schema=schema))
            self._db.execute("INSERT INTO rows FROM batch")
            self._db.unregister("batch")

    def _typed(self, texts: set[str]) -> dict[str, str]:
        """Which columns are days, moments or numbers throughout."""
        asked = [(at, name) for at, name in enumerate(self.columns) if name not in texts]
        if not asked or not self._count("rows"):
            return {}
        tests = ", ".join(
            f"count(nullif(c{at}, '')) > 0, "
            f"bool_and(c{at} = '' OR {_moment(at)} IS NOT NULL), "
            f"bool_and(c{at} = '' OR {_moment(at)} = date_trunc('day', {_moment(at)})), "
            f"bool_and(c{at} = '' OR regexp_full_match(c{at}, '{_NUMBER}')), "
            f"count({_moment(at)}) > 0, "
            f"min(number) FILTER (c{at} <> '' AND {_moment(at)} IS NULL)"
            for at, _ in asked
        )
        [found] = self._db.execute(f"SELECT {tests} FROM rows").fetchall()  # noqa: S608
        types = {}
        for place, (_, name) in enumerate(asked):
            some, moment, day, number, days, row = found[6 * place : 6 * place + 6]
            if some and (moment or number):
                types[name] = "number" if number else "day" if day else "moment"
            elif days:
                self._spoilt[name] = f" (row {row} holds no day)"
        return types

    def _show(self) -> None:
        """The rows as --where sees them: under their names, typed, empty cells as null."""
        self._number = "number"
        while self._number in map(str.lower, self.columns):
            self._number += "_"
        read = {
            "text": "nullif(c{at}, '')",
            "number": "CAST(nullif(c{at}, '') AS DOUBLE)",
            "day": "CAST({moment} AS DATE)",
            "moment": "{moment}",
        }
        shown = ", ".join(
            f"{read[self.types[name]].format(at=at, moment=_moment(at))} AS {_quoted(name)}"
            for at, name in enumerate(self.columns)
        )
        self._db.execute(
            f"CREATE VIEW customers AS SELECT number AS {self._number}, {shown} FROM rows"  # noqa: S608
        )

    def _count(self, table: str) -> int:
        [[many]] = self._db.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608
        return int(many)

    def _explained(self, error: duckdb.Error) -> str:
        said = str(error).split("\n\nLINE")[0].split("\nCandidate")[0].strip()
        said = said.removeprefix(f"{type(error).__name__.removesuffix('Exception')} Error: ")
        columns = ", ".join(
            f"{_quoted(name)} {self.types[name]}{self._spoilt.get(name, '')}"
            for name in self.columns
        )
        if re.match('Referenced column ".*" not found', said):
            said += " A text stands in single quotes: 'VIP'"
        return f"{said}\nThe columns are: {columns}"


def _distinct(path: Path, columns: list[str]) -> None:
    """SQL does not tell Name from name."""
    seen: dict[str, str] = {}
    for name in columns:
        if (first := seen.setdefault(name.lower(), name)) != name:
            raise Unreadable(f"{path}: two columns are called {first} and {name}; rename one")


def _moment(at: int) -> str:
    formats = ", ".join(f"'{each}'" for each in _MOMENTS)
    return f"try_strptime(nullif(c{at}, ''), [{formats}])"


def _text(cell: Cell) -> str:
    if isinstance(cell, datetime):
        said = cell.replace(microsecond=0, tzinfo=None)
        return said.isoformat(" ").removesuffix(" 00:00:00")
    text = "; ".join(cell) if isinstance(cell, list) else cell
    return clean(text[:_LONGEST])


def _quoted(name: str) -> str:
    """As SQL and people read it: in quotes where it is no plain word."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
