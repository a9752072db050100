"""SQL over the Parquet, on the analyst's machine: DuckDB with one view per survey.

==========================  =====================================================================
``responses_<survey>``      its answers; ``<survey>`` alone is the same (dashes are underscores)
``contacts_<survey>``       what is personal
``tallies``                 the counts behind every score, of all surveys (``survey`` names which)
``audit``                   who did what, when
``flags_<survey>``          what speaks against which response: a row for each flag
``consents``                every text that could be agreed to, by the hash kept with the answer
==========================  =====================================================================

``dt``, the day, is text as it is in Athena; compared with a day, it skips the other days' files. A
folder is read where it lies; of S3, the parts are fetched to a temporary folder first. DuckDB may
read there and nowhere else, and write nothing.
"""

# ruff: noqa: S608  (every name and text goes through quoted() or text())

from __future__ import annotations

import csv
import io
import re
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chalicelib import columns, doubts, keys
from chalicelib.audit import operator, record
from chalicelib.columns import Column, consent_hash, consent_text
from chalicelib.published import Definitions
from chalicelib.running import now
from chalicelib.storage import FolderStore, Missing, Store
from chalicelib.survey import EchoformError
from chalicelib.survey.questions import Consent
from chalicelib.views import quoted, text, view
from generator.cells import harmless

AT_ONCE = 16
PERSONAL = re.compile(r"contacts[_/](\w*)", re.IGNORECASE)
TRIES = 5
TALLIES = tuple(
    Column(*each)
    for each in (
        ("segment_key", "string"),
        ("segment_value", "string"),
        ("item", "string"),
        ("value", "string"),
        ("flagged", "bool"),
        ("n", "int64"),
        ("total", "int64"),
    )
)


class BadQuery(EchoformError):
    """The SQL cannot be answered. The message says why, and which views there are."""


class Answer(Struct, frozen=True):
    columns: list[str]
    rows: list[tuple[Any, ...]]

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
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if twice:
            raise BadQuery(f"two columns are called {', '.join(twice)}; name them apart with AS")
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return msgspec.json.format(_json.encode(rows)).decode()


class Views:
    """An open DuckDB connection. Close it, or use it as a context, to remove what was fetched."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, fetched: Path | None) -> None:
        self.connection = connection
        self._fetched = fetched

    @property
    def names(self) -> list[str]:
        found = self.connection.sql("SELECT view_name FROM duckdb_views() WHERE NOT internal")
        return sorted(name for (name,) in found.fetchall())

    def close(self) -> None:
        self.connection.close()
        if self._fetched:
            shutil.rmtree(self._fetched, ignore_errors=True)

    def __enter__(self) -> Views:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def open_views(store: Store) -> Views:
    """Views over all surveys that were ever published."""
    fetched = None
    if isinstance(store, FolderStore):
        root = store.root
    else:
        root = fetched = Path(tempfile.mkdtemp(prefix="echoform-query-"))
        _fetch(store, root)
    views = Views(duckdb.connect(), fetched)
    try:
        _make(views.connection, store, root)
    except BaseException:
        views.close()
        raise
    return views


def ask(views: Views, sql: str) -> Answer:
    """Answer one SELECT.

    A reader that is surprised by a part being replaced asks again.

    Raises:
        BadQuery: it is none, or DuckDB cannot answer it.
    """
    try:
        kinds = [statement.type for statement in duckdb.extract_statements(sql)]
        if kinds not in ([duckdb.StatementType.SELECT], [duckdb.StatementType.EXPLAIN]):
            raise BadQuery("ask one question at a time, as a SELECT; the data is not changed here")
        for _ in range(TRIES - 1):
            with suppress(duckdb.IOException, duckdb.InvalidInputException):
                return _answer(views, sql)
        return _answer(views, sql)
    except duckdb.CatalogException as error:
        raise BadQuery(f"{error}\nThe views are: {', '.join(views.names)}") from None
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


_WIDEST = 10_000
_TABLES = (keys.RESPONSES, keys.CONTACTS, keys.TALLIES, keys.AUDIT)
_json = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


def _answer(views: Views, sql: str) -> Answer:
    table = views.connection.sql(sql).to_arrow_table()
    cells = [map(_whole, column.to_pylist()) for column in table.columns]
    return Answer(table.column_names, list(zip(*cells, strict=True)))


def _whole(cell: object) -> object:
    """DuckDB's sums of whole numbers, which Arrow takes for decimals, as whole numbers."""
    return int(cell) if isinstance(cell, Decimal) and cell.as_tuple().exponent == 0 else cell


def _shown(cell: object) -> object:
    if cell is None:
        return ""
    if isinstance(cell, list | dict | bool):
        return _json.encode(cell).decode()
    return cell


def _make(connection: duckdb.DuckDBPyConnection, store: Store, root: Path) -> None:
    folders = [str(root / table) for table in _TABLES]
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET allowed_directories = [{', '.join(map(text, folders))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    connection.execute(_audit(root))
    definitions = Definitions(store)
    tallies = [view("tallies", (Column("survey", "string"), *TALLIES), [], by_day=True)]
    for survey in definitions.surveys():
        contracts = definitions.versions(survey)
        name = survey.replace("-", "_")
        for table, wanted in (
            (keys.RESPONSES, columns.responses(contracts)),
            (keys.CONTACTS, columns.contacts(contracts)),
            (keys.TALLIES, TALLIES),
        ):
            found = f"{table}{survey}/dt=*/*.parquet"
            files = [str(root / found)] if any(root.glob(found)) else []
            made = f"{table.removesuffix('/')}_{name}"
            connection.execute(view(made, wanted, files, by_day=True))
        connection.execute(
            f"CREATE VIEW {quoted(f'flags_{name}')} AS "
            + doubts.statement(contracts, f"responses_{name}")
        )
        tallies.append(f"SELECT {text(survey)} AS survey, * FROM {quoted(f'tallies_{name}')}")
    connection.execute(" UNION ALL BY NAME ".join(tallies))
    connection.execute(_consents(definitions))
    names = {name for (name,) in connection.sql("SELECT view_name FROM duckdb_views()").fetchall()}
    for survey in definitions.surveys():
        name = survey.replace("-", "_")
        if name not in names:
            short = f"SELECT * FROM {quoted(f'responses_{name}')}"
            connection.execute(f"CREATE VIEW {quoted(name)} AS {short}")


def _audit(root: Path) -> str:
    """The audit trail as a view; ``facts`` is JSON."""
    names = ("happened_at", "who", "what", "survey", "facts")
    types = dict(zip(names, ("TIMESTAMPTZ", *["VARCHAR"] * 4), strict=True))
    empty = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in types.items())
    select = f"SELECT {empty}, CAST(NULL AS VARCHAR) AS dt WHERE FALSE"
    pattern = f"{keys.AUDIT}dt=*/*.json"
    if any(root.glob(pattern)):
        read = ", ".join(f"{name}: '{kind}'" for name, kind in types.items())
        days = "hive_partitioning = true, hive_types = {'dt': 'VARCHAR'}"
        found = f"read_json({text(str(root / pattern))}, columns = {{{read}}}, {days})"
        select += f" UNION ALL BY NAME SELECT * FROM {found}"
    return f"CREATE VIEW audit AS {select}"


def _consents(definitions: Definitions) -> str:
    """The view of every text that could be agreed to, in every version and language."""
    names = ("survey", "question", "version", "language", "text_hash", "text")
    rows = [
        (survey, question.id, contract.version, language, consent_hash(question, language), shown)
        for survey in definitions.surveys()
        for contract in definitions.versions(survey)
        for question in contract.questions
        if isinstance(question, Consent)
        for language in contract.languages
        for shown in [consent_text(question, language)]
    ]
    values = ", ".join(f"({', '.join(map(text, row))})" for row in rows)
    table = values and f"VALUES {values}"
    nothing = f"SELECT {', '.join(['NULL::VARCHAR'] * len(names))} WHERE FALSE"
    return f"CREATE VIEW consents AS SELECT * FROM ({table or nothing}) AS c({', '.join(names)})"


def _fetch(store: Store, root: Path) -> None:
    """Every part, as it was at one moment each."""

    def fetch(key: str) -> None:
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(Missing):  # removed since it was listed
            path.write_bytes(store.get(key).data)

    found = [entry.key for table in _TABLES for entry in store.list(table)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(fetch, found))
