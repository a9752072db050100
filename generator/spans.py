"""Which days of which tables a query can need: what need not be listed, nor opened.

Only what is certain narrows them: ``dt`` compared with a written day, in the WHERE beside a table
and joined by AND. Every view of ours that has ``dt`` treats each day by itself, so what holds for
the view holds for what it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from sqlglot import exp

from chalicelib.views import DAY
from generator.catalog import Catalog
from generator.dialect import Node, NotSql, parsed


class Days(NamedTuple):
    """From a day to a day, both inclusive."""

    first: str = ""
    last: str = "~"

    def __or__(self, other: Days) -> Days:
        return Days(min(self.first, other.first), max(self.last, other.last))


ALWAYS = Days()


def days_of(sql: str, known: Catalog, words: Iterable[str]) -> dict[str, Days]:
    """Which tables and views the SQL reads, directly or not, and the days it can need of each.

    ``words`` are those in the SQL: what one of them names is read, however it is written.
    """
    views = {each.name: each for each in known.views}
    names = {each.name for each in known.tables} | views.keys()
    try:
        asked = _days_asked(parsed(sql), names)
    except NotSql:
        asked = {}
    days: dict[str, Days] = {}
    waiting = [(word, asked.get(word, ALWAYS)) for word in words if word in names]
    while waiting:
        name, wanted = waiting.pop()
        days[name] = days[name] | wanted if name in days else wanted
        if name in views:
            waiting += [(read, days[name]) for read in views[name].reads]
    return days


def _days_asked(tree: Node, names: Iterable[str]) -> dict[str, Days]:
    """For each name, the days that all its references together can need."""
    known = set(names)
    asked: dict[str, Days] = {}
    for table in tree.find_all(exp.Table):
        name = table.name.lower()
        if name in known:
            wanted = _days_where(table)
            asked[name] = asked[name] | wanted if name in asked else wanted
    return asked


def _days_where(table: exp.Table) -> Days:
    """The days that the WHERE beside a table lets through, whichever way the tables are joined:
    a row that another join made up has no ``dt``, and does not pass either."""
    select = table.find_ancestor(exp.Select)
    here = isinstance(table.parent, (exp.From, exp.Join)) and table.parent.parent is select
    where = select.args.get("where") if select is not None and here else None
    first, last = ALWAYS
    for test in _all_of(where.this) if where else ():
        for low, high in _bounds(test, table.alias_or_name.lower()):
            first, last = max(first, low), min(last, high)
    return Days(first, last)


def _all_of(node: Node) -> Iterator[Node]:
    """What must hold, all of it."""
    node = node.unnest()
    if isinstance(node, exp.And):
        yield from _all_of(node.left)
        yield from _all_of(node.right)
    else:
        yield node


def _bounds(test: Node, table: str) -> Iterator[Days]:
    kind = type(test)
    left, right = test.this, test.args.get("expression")
    if kind in _MIRRORED and _is_text(left) and _is_day(right, table):
        left, right, kind = right, left, _MIRRORED[kind]
    if not _is_day(left, table):
        return
    if kind in _LIMITS and _is_text(right):
        yield _LIMITS[kind](right.name)
    if kind is exp.Between and _is_text(test.args["low"]) and _is_text(test.args["high"]):
        yield Days(test.args["low"].name, test.args["high"].name)
    if kind is exp.In and test.expressions and all(map(_is_text, test.expressions)):
        listed = [each.name for each in test.expressions]
        yield Days(min(listed), max(listed))


def _is_day(node: Node, table: str) -> bool:
    return (
        isinstance(node, exp.Column)
        and node.name.lower() == DAY.name
        and node.table.lower() in ("", table)
    )


def _is_text(node: Node) -> bool:
    return isinstance(node, exp.Literal) and node.is_string


_LIMITS: dict[type, Callable[[str], Days]] = {
    exp.EQ: lambda day: Days(day, day),
    exp.LT: lambda day: Days(last=day),
    exp.LTE: lambda day: Days(last=day),
    exp.GT: lambda day: Days(first=day),
    exp.GTE: lambda day: Days(first=day),
}
_MIRRORED: dict[type, type] = {
    exp.EQ: exp.EQ,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
}
