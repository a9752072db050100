"""Athena's SQL as DuckDB's, meaning the same.

sqlglot translates; what it leaves different without a word is put right here. DuckDB must run it
with ``SETTINGS``. What stays different is in infra/athena/README.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from chalicelib.survey import EchoformError

SETTINGS = ("SET integer_division = true", "SET TimeZone = 'UTC'")
"""5 / 2 is 2 in Athena."""


Node: TypeAlias = Any
"""A node of sqlglot's trees, whose base class has had several names."""


class NotSql(EchoformError):
    """No SQL that Athena would understand. The message says where."""


def parsed(sql: str) -> Node:
    """Raises NotSql."""
    try:
        statements = sqlglot.parse(sql, read="athena")
    except SqlglotError as error:
        raise NotSql(str(error)) from None
    if len(statements) != 1 or statements[0] is None:
        raise NotSql("ask one question at a time, as a SELECT")
    return statements[0]


@lru_cache(maxsize=256)
def to_duckdb(sql: str) -> str:
    """Raises NotSql."""
    tree = parsed(sql)
    for node in reversed(list(tree.walk())):  # what is inside first
        if change := _CHANGES.get(type(node)):
            node.replace(change(node.copy()))
    return str(tree.sql(dialect="duckdb"))


def _elapsed(node: Node) -> Node:
    """Athena counts whole units that went by, DuckDB's DATE_DIFF the boundaries crossed."""
    unit = exp.Literal.string(str(node.args["unit"].name).lower())
    return exp.Anonymous(this="DATE_SUB", expressions=[unit, node.expression, node.this])


def _matched(node: Node) -> Node:
    """Without a match Athena says null, DuckDB ''."""
    found = exp.RegexpLike(this=node.this.copy(), expression=node.expression.copy())
    return exp.Case(ifs=[exp.If(this=found, true=node)])


def _sliced(node: Node) -> Node:
    """Athena's third argument is a length, DuckDB's an end."""
    start, length = node.args["start"], node.args["end"]
    end = exp.Sub(
        this=exp.Add(this=start.copy(), expression=length), expression=exp.Literal.number(1)
    )
    return exp.Anonymous(this="LIST_SLICE", expressions=[node.this, start, end])


def _in_zone(node: Node) -> Node:
    """AT_TIMEZONE, as AT TIME ZONE."""
    if node.name.lower() != "at_timezone":
        return node
    moment, zone = node.expressions
    return exp.AtTimeZone(this=moment, zone=zone)


_CHANGES: dict[type, Callable[[Node], Node]] = {
    exp.DateDiff: _elapsed,
    exp.RegexpExtract: _matched,
    exp.ArraySlice: _sliced,
    exp.Anonymous: _in_zone,
}
