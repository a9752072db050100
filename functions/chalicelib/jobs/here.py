"""Counting here: Athena's queries (``chalicelib.counting``) in DuckDB, over parts in a folder.

sqlglot translates them, once per set of contracts and process. Both are loaded by the scheduled job
alone.
"""

# ruff: noqa: S608  (every name and text goes through quoted() or text())

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
from sqlglot import exp
from sqlglot.dialects.athena import Athena
from sqlglot.dialects.duckdb import DuckDB

from .. import counting, parquet
from ..columns import Column
from ..counting import Steps
from ..views import DAY, quoted, text, view

MEMORY = "1GB"
"""What DuckDB may use; the rest it puts on disk."""
AT_ONCE = 2
"""Counts made at once, each with its share of the processors: a day is too few rows for DuckDB to
keep two busy with one. More would take memory: those of 300 questions gigabytes."""
_SHAPE = parquet.schema([DAY, *counting.TALLIES])


def count(
    steps: Steps,
    read: Iterable[Column],
    files: Iterable[Path],
    spill: Path,
    table: str = "responses",
) -> pa.Table:
    """What the steps count in some parts, which lie in folders ``dt=<day>``.

    ``read``: the columns of what the steps call ``table``. ``spill``: a folder for what does not
    fit into memory.
    """
    connection = duckdb.connect()
    try:
        connection.execute(
            f"SET enable_progress_bar = false; SET memory_limit = '{MEMORY}';"
            f" SET temp_directory = {text(str(spill))}; SET preserve_insertion_order = false"
        )
        connection.execute(view(table, read, [str(file) for file in files], by_day=True))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            # While the tables are made. The longest takes longest, and is begun first.
            queries = pool.map(translated, sorted(steps.counts, key=len, reverse=True))
            for name, query in steps.tables:
                connection.execute(f"CREATE TABLE {quoted(name)} AS {translated(query)}")
                if name == "answers":
                    _number(connection, name)
            connection.execute(f"SET threads = {max(1, (os.cpu_count() or 1) // AT_ONCE)}")
            counts = [*pool.map(partial(_counted, connection), queries)]
        tallied = pa.concat_tables(counts)
        if not steps.told:
            return tallied
        connection.register("tallied", tallied)
        return connection.sql(translated(steps.last)).to_arrow_table()
    finally:
        connection.close()


def _counted(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    """A count, without those who are in no segment."""
    with connection.cursor() as cursor:
        rows = cursor.sql(query).to_arrow_table().cast(_SHAPE)
    return rows.filter(pc.is_valid(rows["segment_value"]))


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
    connection.execute(f"CREATE OR REPLACE TABLE {table} AS {numbered}")


@lru_cache(maxsize=4096)
def translated(query: str) -> str:
    """Athena's SQL as DuckDB's.

    Lists are taken apart where columns are chosen: as a join they would be matched with the rows
    they come from.
    """
    tree = sqlglot.parse_one(query, read=Athena)
    for join in list(tree.find_all(exp.Join)):
        if isinstance(join.this, exp.Unnest):
            _apart(join)
    return tree.sql(DuckDB)


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
