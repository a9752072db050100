"""Parquet parts as DuckDB reads them, as SQL text; for the tally and for whoever queries.

A view has every column of its table, also where no part has it yet, and without any part at all.
"""

# ruff: noqa: S608  (every name and text goes through quoted() or text())

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .columns import Column

TYPES = {
    "string": "VARCHAR",
    "strings": "VARCHAR[]",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
}

DAY = Column("dt", "string")
"""The day of a part, from its path; text, as it is in Athena."""


def view(name: str, columns: Iterable[Column], files: Sequence[str], *, by_day: bool) -> str:
    """A view over parts, given as paths or patterns that match some. ``by_day``: with ``dt``."""
    empty = ", ".join(
        f"CAST(NULL AS {TYPES[column.type]}) AS {quoted(column.name)}"
        for column in (*columns, *[DAY] * by_day)
    )
    select = f"SELECT {empty} WHERE FALSE"
    if files:
        days = "hive_partitioning = true, hive_types = {'dt': 'VARCHAR'}"
        options = f"union_by_name = true, {days if by_day else 'hive_partitioning = false'}"
        listed = ", ".join(map(text, files))
        select += f" UNION ALL BY NAME SELECT * FROM read_parquet([{listed}], {options})"
    return f"CREATE OR REPLACE VIEW {quoted(name)} AS {select}"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
