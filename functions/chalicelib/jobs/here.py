"""Counting here: Athena's statement (``chalicelib.counting``) in DuckDB, over parts in a folder.

sqlglot translates it, once per set of contracts and process. Both are loaded by the scheduled job
alone.
"""

# ruff: noqa: S608  (every name and text goes through quoted() or text())

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from .. import counting, parquet
from ..columns import Column
from ..views import DAY, quoted, text, view

MEMORY = "1GB"
"""What DuckDB may use; the rest it puts on disk."""


def count(
    statement: str,
    read: Iterable[Column],
    files: Iterable[Path],
    spill: Path,
    table: str = "responses",
) -> pa.Table:
    """What the statement counts in some parts, which lie in folders ``dt=<day>``.

    ``read``: the columns of what the statement calls ``table``. ``spill``: a folder for what does
    not fit into memory.
    """
    made = translated(statement)
    connection = duckdb.connect()
    try:
        connection.execute(
            f"SET enable_progress_bar = false; SET memory_limit = '{MEMORY}';"
            f" SET temp_directory = {text(str(spill))}; SET preserve_insertion_order = false"
        )
        connection.execute(view(table, read, [str(file) for file in files], by_day=True))
        for name, query in made.tables:
            connection.execute(f"CREATE TEMP TABLE {quoted(name)} AS {query}")
            if name == "answers":
                _number(connection, name)
        shape = parquet.schema([DAY, *counting.TALLIES])
        counts = [connection.sql(query).to_arrow_table().cast(shape) for query in made.counts]
        connection.register("tallied", pa.concat_tables(counts))
        del counts
        return connection.sql(made.last).to_arrow_table()
    finally:
        connection.close()


def _number(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Put numbers for texts: each is looked at by every count, and numbers are told apart sooner.

    They still read as texts.
    """
    shown = []
    for name, kind, *_ in connection.execute(f"DESCRIBE {table}").fetchall():
        column, code = quoted(name), quoted(f"{name} numbered")
        if kind == "VARCHAR":
            known = f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL"
            connection.execute(f"CREATE TYPE {code} AS ENUM ({known} ORDER BY 1)")
            column = f"CAST({column} AS {code}) AS {column}"
        shown.append(column)
    numbered = f"SELECT {', '.join(shown)} FROM {table}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {numbered}")


class Translated(NamedTuple):
    """Tables to make, by name; counts to put together as ``tallied``; what to tell of those."""

    tables: list[tuple[str, str]]
    counts: list[str]
    last: str


@lru_cache(maxsize=64)
def translated(statement: str) -> Translated:
    """Athena's SQL as DuckDB's, step by step.

    So ``answers`` is made once for all counts; and counts are made one after the other: at once,
    those of 300 questions would take gigabytes. Lists are taken apart where columns are chosen: as
    a join they would be matched with the rows they come from.
    """
    tree = sqlglot.parse_one(statement, read="athena")
    for join in list(tree.find_all(exp.Join)):
        if isinstance(join.this, exp.Unnest):
            _apart(join)
    tables = []
    for part in list(tree.args["with_"].expressions):
        part.pop()
        if part.alias == "tallied":
            counts = [count.sql("duckdb") for count in _counts(part.this)]
            break
        tables.append((part.alias, part.this.sql("duckdb")))
    return Translated(tables, counts, tree.sql("duckdb"))


def _counts(union: exp.Expression) -> list[exp.Expression]:
    """What is put together by UNION ALL."""
    found = []
    while isinstance(union, exp.Union):
        found.append(union.expression)
        union = union.this
    return [union, *reversed(found)]


def _apart(join: exp.Join) -> None:
    """``rows CROSS JOIN UNNEST(a, b) AS each (x, y)``: with UNNEST(a) AS x, UNNEST(b) AS y."""
    lists, names = join.this, join.this.args["alias"].columns
    rows = join.parent.args["from_"].this  # type: ignore[union-attr]
    apart = [
        exp.alias_(exp.Unnest(expressions=[each]), name)
        for each, name in zip(lists.expressions, names, strict=True)
    ]
    join.pop()
    rows.replace(exp.select("*", *apart).from_(rows.copy()).subquery("each"))
