"""SQL over the Parquet, on the analyst's machine: Athena's SQL, answered by DuckDB.

``generator.catalog`` says which tables and views there are. What a query needs is looked up when it
is asked: only tables its text names are listed, only days its ``dt`` allows are opened, and of
those only the columns are read, of S3 by ranges. SQL that Athena would not understand is given to
DuckDB as it is. DuckDB may read the tables and nothing else, and write nothing.
"""

# ruff: noqa: S608  (every name and text goes through quoted() or text())

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from difflib import get_close_matches
from itertools import chain

import duckdb
import pyarrow as pa

from chalicelib import keys
from chalicelib.audit import operator, record
from chalicelib.counting import TALLIES
from chalicelib.published import Definitions
from chalicelib.running import now
from chalicelib.storage import FolderStore, Store
from chalicelib.survey import Contract
from chalicelib.views import DAY, TYPES, quoted, text, view
from generator import codebook
from generator.answer import Answer, BadQuery
from generator.catalog import AUDIT, AUDIT_EVENTS, SHARED, catalog, names_of
from generator.dialect import SETTINGS, NotSql, to_duckdb
from generator.ranges import PROTOCOL, Files
from generator.spans import Days, days_of

AT_ONCE = 16
PERSONAL = re.compile(r"contacts[_/](\w*)", re.IGNORECASE)
TRIES = 20
"""Of a question: each that fails has met one more part that is being replaced."""


class Views:
    """An open DuckDB connection over a store. Close it, or use it as a context."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._definitions = Definitions(store)
        self.files = Files(store)
        self._read: dict[str, dict[str, str]] = {}
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
        everything = bool(words & _OF_ALL)
        named = [s for s in surveys if everything or words & names_of(s)]
        versions = {survey: self._definitions.versions(survey) for survey in named}
        known = catalog(versions)
        days = days_of(_EXPLAIN.sub("", sql), known, words)
        self.files.forget()
        self._read.clear()
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

    def surprised(self) -> bool:
        """Whether a file was replaced since the views were made: DuckDB opens one several times,
        and takes the pieces of another version for a broken file."""
        return self.files.surprised() or any(
            files.items() != self._tags(prefix, files).items()
            for prefix, files in self._read.items()
        )

    def _tags(self, prefix: str, files: Container[str]) -> dict[str, str]:
        return {e.key: e.tag for e in self._store.list(prefix) if e.key in files}

    def _found(self, prefix: str, days: Days) -> list[str]:
        entries = [entry for entry in self._store.list(prefix) if _within(entry.key, days)]
        self._read[prefix] = {entry.key: entry.tag for entry in entries}
        found = [*self._read[prefix]]
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
            self.connection.register(name, codebook.table(wanted, rows))

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
    """Answer one SELECT, or explain it; or say what tables there are.

    A reader that is surprised by a part being replaced asks again.

    Raises:
        BadQuery: it is none, or DuckDB cannot answer it.
    """
    if _SHOW.fullmatch(sql):
        return Answer(["table"], [(name,) for name in views.names], (pa.string(),))
    spoken = _for_duckdb(sql)
    try:
        kinds = [statement.type for statement in duckdb.extract_statements(spoken)]
        if kinds not in ([duckdb.StatementType.SELECT], [duckdb.StatementType.EXPLAIN]):
            raise BadQuery("ask one question at a time, as a SELECT; the data is not changed here")
        for _ in range(TRIES - 1):
            try:
                return _answer(views, sql, spoken)
            except _SURPRISES:
                continue
            except duckdb.Error:  # which is all DuckDB makes of an error of ours, and of some
                if not views.surprised():
                    raise
        return _answer(views, sql, spoken)
    except duckdb.CatalogException as error:
        raise BadQuery(_unknown(str(error), views.names)) from None
    except duckdb.Error as error:
        raise BadQuery(str(error)) from None


def note_query(store: Store, sql: str, form: str) -> None:
    """Say in the audit trail, before it is answered, that a query asks for what is personal, or
    that its answer leaves as a file."""
    asked = sorted({name.lower().replace("_", "-") for name in PERSONAL.findall(sql)})
    if asked:
        record(store, operator(), "read_contacts", now(), survey=" ".join(asked).strip())
    if form != "table":
        record(store, operator(), "export", now(), format=form)


_SURPRISES = (duckdb.IOException, duckdb.InvalidInputException, OSError)
_TABLES = (
    *(keys.RESPONSES, keys.CONTACTS, keys.TALLIES, keys.AUDIT, keys.INVITATIONS),
    *(keys.FOLLOW_UPS, keys.FOLLOW_UP_EVENTS, keys.BREAK_OFFS),
)
_OF_ALL = {*SHARED} - {"tallies", "audit"}
"""What is read of every survey there is."""
_EXPLAIN = re.compile(r"^\s*EXPLAIN\s+(?:ANALYZE\s+)?", re.IGNORECASE)
_SHOW = re.compile(r"\s*SHOW\s+(TABLES|VIEWS)\s*;?\s*", re.IGNORECASE)
"""DuckDB would list the views it has, which are made when a query names them."""
_NO_TABLE = re.compile(r"Table with name (\S+) does not exist!")


def _unknown(error: str, names: Sequence[str]) -> str:
    """With the table called most alike: DuckDB would name its own."""
    asked = _NO_TABLE.search(error)
    if not asked:
        return error
    near = get_close_matches(asked[1], names, n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    return f'there is no table {asked[1]}.{meant} `echoform query "show tables"` lists them all'


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
    return bool(pa.types.is_decimal(column.type)) and column.type.scale == 0


def _whole(cell: object) -> object:
    """DuckDB's sums of whole numbers, which Arrow takes for decimals, as whole numbers."""
    return int(cell) if isinstance(cell, Decimal) and cell.as_tuple().exponent == 0 else cell


def _within(key: str, days: Days) -> bool:
    return days.first <= keys.day_of(key) <= days.last


def _view(name: str, types: Mapping[str, str], selects: Sequence[str]) -> str:
    empty = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(each)}" for each, kind in types.items())
    union = " UNION ALL BY NAME ".join([f"SELECT {empty} WHERE FALSE", *selects])
    return f"CREATE OR REPLACE VIEW {quoted(name)} AS {union}"
