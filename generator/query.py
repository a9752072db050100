"""SQL over the Parquet, on the analyst's machine: Athena's SQL, answered by DuckDB.

``generator.catalog`` says which tables and views there are. What a query needs is looked up when it
is asked: only tables its text names are listed, only days its ``dt`` allows are opened, and of
those only the columns are read, of S3 by ranges. SQL that Athena would not understand is given to
DuckDB as it is. DuckDB may read the tables and nothing else, and write nothing.
"""

# ruff: noqa: S608  (every name and text goes through quoted() or text())

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from itertools import chain
from typing import NamedTuple

import duckdb
import pyarrow as pa
from sqlglot import exp

from chalicelib import keys, parquet
from chalicelib.audit import operator, record
from chalicelib.published import Definitions
from chalicelib.running import now
from chalicelib.storage import FolderStore, Store
from chalicelib.survey import Contract
from chalicelib.views import DAY, TYPES, quoted, text, view
from generator import codebook
from generator.answer import Answer, BadQuery
from generator.catalog import AUDIT, AUDIT_EVENTS, SHARED, TALLIES, Catalog, catalog, names_of
from generator.dialect import SETTINGS, NotSql, parsed, to_duckdb
from generator.ranges import PROTOCOL, Files

AT_ONCE = 16
PERSONAL = re.compile(r"contacts[_/](\w*)", re.IGNORECASE)
TRIES = 5


class Days(NamedTuple):
    """From a day to a day, both inclusive."""

    first: str = ""
    last: str = "~"

    def __or__(self, other: Days) -> Days:  # type: ignore[override]
        return Days(min(self.first, other.first), max(self.last, other.last))


ALWAYS = Days()


class Views:
    """An open DuckDB connection over a store. Close it, or use it as a context."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._definitions = Definitions(store)
        self.files = Files(store)
        self.connection = duckdb.connect()
        self.connection.register_filesystem(self.files)
        if isinstance(store, FolderStore):
            self._root = f"{store.root}/"
        else:
            self._root = f"{PROTOCOL}://"
        folders = ", ".join(text(self._root + table.rstrip("/")) for table in _TABLES)
        for setting in (
            *SETTINGS,
            f"SET allowed_directories = [{folders}]",
            "SET parquet_metadata_cache = true",
            "SET enable_external_access = false",
            "SET lock_configuration = true",
        ):
            self.connection.execute(setting)

    @property
    def names(self) -> list[str]:
        surveys = self._definitions.surveys()
        return sorted({*SHARED, *chain.from_iterable(map(names_of, surveys))})

    def close(self) -> None:
        self.connection.unregister_filesystem(PROTOCOL)
        self.connection.close()

    def __enter__(self) -> Views:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def prepare(self, sql: str) -> None:
        """Make the views that the SQL names, over what lies there now."""
        words = set(re.findall(r"\w+", sql.lower()))
        surveys = self._definitions.surveys()
        everything = bool(words & {"questions", "labels", "consents"})
        named = [s for s in surveys if everything or words & names_of(s)]
        versions = {survey: self._definitions.versions(survey) for survey in named}
        known = catalog(versions)
        days = days_of(sql, known, words)
        self.files.forget()
        if "tallies" in days:
            mine = surveys if "tallies" in words else named
            self.connection.execute(self._tallies(mine, days["tallies"]))
        if days.keys() & {"questions", "labels"}:
            self._codebook(chain.from_iterable(versions.values()))
        if AUDIT_EVENTS in days:
            self.connection.execute(self._audit(days[AUDIT_EVENTS]))
        for table in known.tables:
            if table.by == (DAY,) and table.kind == "parquet" and table.name in days:
                files = self._found(table.prefix, days[table.name])
                self.connection.execute(view(table.name, table.columns, files, by_day=True))
        for each in known.views:
            if each.name in days:
                made = f"CREATE OR REPLACE VIEW {quoted(each.name)} AS {to_duckdb(each.sql)}"
                self.connection.execute(made)

    def _found(self, prefix: str, days: Days) -> list[str]:
        found = [e.key for e in self._store.list(prefix) if _within(e.key, days)]
        if not isinstance(self._store, FolderStore):
            with ThreadPoolExecutor(AT_ONCE) as pool, suppress(FileNotFoundError):
                list(pool.map(self.files.tail, found))  # DuckDB would ask one by one
        return [self._root + key for key in found]

    def _tallies(self, surveys: Iterable[str], days: Days) -> str:
        """The view ``tallies``: the survey is in the path alone."""
        made = []
        for survey in surveys:
            files = self._found(f"{keys.TALLIES}{survey}/", days)
            if files:
                name = f"tallies of {survey}"
                self.connection.execute(view(name, TALLIES, files, by_day=True))
                made.append(f"SELECT {text(survey)} AS survey, * FROM {quoted(name)}")
        types = {"survey": "VARCHAR", **{c.name: TYPES[c.type] for c in (*TALLIES, DAY)}}
        return _view("tallies", types, made)

    def _codebook(self, contracts: Iterable[Contract]) -> None:
        """From the contracts themselves, so that it is there whatever was published when."""
        versions = list(contracts)
        for name, wanted, of in (
            ("questions", codebook.QUESTIONS, codebook.questions),
            ("labels", codebook.LABELS, codebook.labels),
        ):
            rows = list(chain.from_iterable(map(of, versions)))
            self.connection.register(name, parquet.table(wanted, rows))

    def _audit(self, days: Days) -> str:
        """The audit trail; ``facts`` is JSON."""
        types = dict.fromkeys([column.name for column in AUDIT], "VARCHAR")
        files = ", ".join(map(text, self._found(keys.AUDIT, days)))
        read = ", ".join(f"{name}: '{kind}'" for name, kind in types.items())
        by_day = "hive_partitioning = true, hive_types = {'dt': 'VARCHAR'}"
        found = f"SELECT * FROM read_json([{files}], columns = {{{read}}}, {by_day})"
        return _view(AUDIT_EVENTS, types | {"dt": "VARCHAR"}, [found] * bool(files))


def open_views(store: Store) -> Views:
    """Views over all surveys that were ever published."""
    return Views(store)


def ask(views: Views, sql: str) -> Answer:
    """Answer one SELECT, or explain it.

    A reader that is surprised by a part being replaced asks again.

    Raises:
        BadQuery: it is none, or DuckDB cannot answer it.
    """
    spoken = _for_duckdb(sql)
    try:
        kinds = [statement.type for statement in duckdb.extract_statements(spoken)]
        if kinds not in ([duckdb.StatementType.SELECT], [duckdb.StatementType.EXPLAIN]):
            raise BadQuery("ask one question at a time, as a SELECT; the data is not changed here")
        for _ in range(TRIES - 1):
            with suppress(duckdb.IOException, duckdb.InvalidInputException, OSError):
                return _answer(views, sql, spoken)
        return _answer(views, sql, spoken)
    except duckdb.CatalogException as error:
        raise BadQuery(f"{error}\nThe views are: {', '.join(views.names)}") from None
    except duckdb.Error as error:
        raise BadQuery(str(error)) from None


def days_of(sql: str, known: Catalog, words: Iterable[str]) -> dict[str, Days]:
    """Which tables and views the SQL reads, directly or not, and the days it can need of each.

    ``words`` are those in the SQL: what one of them names is read, however it is written.
    """
    views = {each.name: each for each in known.views}
    names = {each.name for each in known.tables} | views.keys()
    try:
        asked = _days_asked(parsed(_EXPLAIN.sub("", sql)), names)
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


def note_query(store: Store, sql: str, form: str) -> None:
    """Say in the audit trail, before it is answered, that a query asks for what is personal, or
    that its answer leaves as a file."""
    asked = sorted({name.lower().replace("_", "-") for name in PERSONAL.findall(sql)})
    if asked:
        record(store, operator(), "read_contacts", now(), survey=" ".join(asked).strip())
    if form != "table":
        record(store, operator(), "export", now(), format=form)


_TABLES = (keys.RESPONSES, keys.CONTACTS, keys.TALLIES, keys.AUDIT)
_EXPLAIN = re.compile(r"^\s*EXPLAIN\s+(?:ANALYZE\s+)?", re.IGNORECASE)


def _for_duckdb(sql: str) -> str:
    explain = _EXPLAIN.match(sql)
    asked = sql[explain.end() :] if explain else sql
    try:
        return (explain[0] if explain else "") + to_duckdb(asked)
    except NotSql:
        return sql


def _answer(views: Views, sql: str, spoken: str) -> Answer:
    views.prepare(sql)
    table = views.connection.sql(spoken).to_arrow_table()
    cells = [map(_whole, column.to_pylist()) for column in table.columns]
    types = tuple(pa.int64() if _is_sum(column) else column.type for column in table.columns)
    return Answer(table.column_names, list(zip(*cells, strict=True)), types)


def _is_sum(column: pa.ChunkedArray) -> bool:
    return pa.types.is_decimal(column.type) and column.type.scale == 0


def _whole(cell: object) -> object:
    """DuckDB's sums of whole numbers, which Arrow takes for decimals, as whole numbers."""
    return int(cell) if isinstance(cell, Decimal) and cell.as_tuple().exponent == 0 else cell


def _within(key: str, days: Days) -> bool:
    return days.first <= keys.day_of(key) <= days.last


def _view(name: str, types: Mapping[str, str], selects: Sequence[str]) -> str:
    empty = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(each)}" for each, kind in types.items())
    union = " UNION ALL BY NAME ".join([f"SELECT {empty} WHERE FALSE", *selects])
    return f"CREATE OR REPLACE VIEW {quoted(name)} AS {union}"


def _days_asked(tree: exp.Expression, names: Iterable[str]) -> dict[str, Days]:
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
    here = isinstance(table.parent, exp.From | exp.Join) and table.parent.parent is select
    where = select.args.get("where") if select is not None and here else None
    first, last = ALWAYS
    for test in (
        where.this.flatten()
        if where and isinstance(where.this, exp.And)
        else ([where.this] if where else [])
    ):
        for low, high in _bounds(test, table.alias_or_name.lower()):
            first, last = max(first, low), min(last, high)
    return Days(first, last)


def _bounds(test: exp.Expression, table: str) -> Iterator[Days]:
    kind = type(test)
    if kind is exp.Paren:
        return
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


def _is_day(node: object, table: str) -> bool:
    return (
        isinstance(node, exp.Column)
        and node.name.lower() == DAY.name
        and node.table.lower() in ("", table)
    )


def _is_text(node: object) -> bool:
    return isinstance(node, exp.Literal) and node.is_string


_LIMITS = {
    exp.EQ: lambda day: Days(day, day),
    exp.LT: lambda day: Days(last=day),
    exp.LTE: lambda day: Days(last=day),
    exp.GT: lambda day: Days(first=day),
    exp.GTE: lambda day: Days(first=day),
}
_MIRRORED = {exp.EQ: exp.EQ, exp.LT: exp.GT, exp.LTE: exp.GTE, exp.GT: exp.LT, exp.GTE: exp.LTE}
