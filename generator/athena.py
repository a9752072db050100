"""Asking Athena: start, wait, fetch the pages, and say what it cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
from msgspec import Struct
from sqlglot import exp

from generator.answer import Answer, BadQuery
from generator.dialect import NotSql, parsed

USD_PER_TB = 5.0
LEAST = 10 << 20
"""Bytes that are charged at least."""
POLL_S = (0.2, 0.5, 1.0, 2.0)
"""How long to wait before looking again; the last from then on."""


class Scan(Struct, frozen=True):
    """What Athena read to answer, and how long it took."""

    scanned: int
    ms: int

    @property
    def usd(self) -> float:
        """Rounded up to whole megabytes, 10 at least, at 5 USD a terabyte."""
        megabytes = max(LEAST, self.scanned + (-self.scanned % (1 << 20)))
        return megabytes * USD_PER_TB / (1 << 40)

    def __str__(self) -> str:
        return f"{self.scanned:,} bytes scanned in {self.ms / 1000:.1f} s, about {self.usd:.6f} USD"


def ask(
    client: Any,
    sql: str,
    database: str,
    workgroup: str,
    progress: Callable[[str], None] = lambda state: None,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[Answer, Scan]:
    """Answer one SELECT in Athena. Interrupted, it stops the query there too.

    Raises BadQuery: it is none, or Athena cannot answer it.
    """
    try:
        tree = parsed(sql)
    except NotSql as error:
        raise BadQuery(str(error)) from None
    if not isinstance(tree, exp.Query):
        raise BadQuery("ask one question at a time, as a SELECT; the data is not changed here")
    return _answer(client, *run(client, sql, database, workgroup, progress, pause))


def run(
    client: Any,
    sql: str,
    database: str,
    workgroup: str,
    progress: Callable[[str], None] = lambda state: None,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[str, Scan]:
    """Run any statement to its end: its id, and what it scanned. Raises BadQuery."""
    started = client.start_query_execution(
        QueryString=sql, QueryExecutionContext={"Database": database}, WorkGroup=workgroup
    )
    query = started["QueryExecutionId"]
    try:
        waits = iter(POLL_S)
        while True:
            found = client.get_query_execution(QueryExecutionId=query)["QueryExecution"]
            state, facts = found["Status"]["State"], found.get("Statistics", {})
            scan = Scan(
                facts.get("DataScannedInBytes", 0), facts.get("TotalExecutionTimeInMillis", 0)
            )
            if state == "SUCCEEDED":
                return query, scan
            if state not in ("QUEUED", "RUNNING"):
                why = found["Status"].get("StateChangeReason", "no reason was given")
                raise BadQuery(f"Athena: {state.lower()}: {why}")
            progress(f"{state.lower()}, {scan.scanned:,} bytes scanned")
            pause(next(waits, POLL_S[-1]))
    except KeyboardInterrupt:
        client.stop_query_execution(QueryExecutionId=query)
        raise


def _answer(client: Any, query: str, scan: Scan) -> tuple[Answer, Scan]:
    rows: list[tuple[Any, ...]] = []
    known: list[Any] = []
    for number, page in enumerate(_pages(client, query)):
        known = known or page["ResultSetMetadata"]["ColumnInfo"]
        read = [_READ.get(column["Type"], str) for column in known]
        for row in page["Rows"][number == 0 :]:  # the first row of all is the header
            cells = [cell.get("VarCharValue") for cell in row["Data"]]
            rows.append(
                tuple(
                    None if cell is None else each(cell)
                    for each, cell in zip(read, cells, strict=True)
                )
            )
    types = tuple(_TYPES.get(column["Type"], pa.string()) for column in known)
    return Answer([column["Name"] for column in known], rows, types), scan


def _pages(client: Any, query: str) -> Iterator[Any]:
    token: dict[str, str] = {}
    while True:
        page = client.get_query_results(QueryExecutionId=query, MaxResults=1000, **token)
        yield page["ResultSet"]
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


_WHOLE = ("tinyint", "smallint", "integer", "bigint")
_READ: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(_WHOLE, int),
    **dict.fromkeys(("float", "real", "double"), float),
    "boolean": lambda text: text == "true",
    "date": date.fromisoformat,
    "timestamp": _moment,
}
"""What Athena writes as text, as values; anything else stays text."""
_TYPES = {
    **dict.fromkeys(_WHOLE, pa.int64()),
    **dict.fromkeys(("float", "real", "double"), pa.float64()),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("ms", "UTC"),
}
