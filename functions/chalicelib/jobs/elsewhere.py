"""Counting in Athena: for surveys of which more is to be counted than one function should read.

The statement is the one that DuckDB runs here (``chalicelib.counting``), over the table
``responses_<survey>`` that ``echoform athena`` makes. UNLOAD leaves each day's tallies as Parquet
files in a prefix of this run; they are read and removed, and whoever asked writes them as if it had
counted them itself. Athena reads parts as they are at that moment, which may be
later than those listed: then the stamp names the earlier ones, and the day is counted again.
"""

# ruff: noqa: S608  (every name and text goes through quoted() or text())

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from secrets import token_hex
from typing import Any, NamedTuple

import pyarrow as pa

from .. import counting, keys, parquet
from ..storage import Store
from ..survey import Contract, EchoformError
from ..views import quoted, text

DAYS = 50
"""Days in one statement: UNLOAD writes at most 100 partitions."""
LONGEST = 262_144
"""Bytes of a statement that Athena takes."""
POLL_S = (0.5, 1.0, 2.0, 5.0)
"""How long to wait before looking again; the last from then on."""
ABANDONED_MS = 24 * 60 * 60 * 1000
"""What is staged for so long was left by a run that died."""


class Failed(EchoformError):
    """Athena did not count. The message says why."""


class Athena(NamedTuple):
    """Where to count. ``place`` is the store's own address, ``s3://bucket/prefix``."""

    client: Any
    store: Store
    place: str
    database: str
    workgroup: str
    pause: Callable[[float], None] = time.sleep

    def tallies(
        self, contracts: Sequence[Contract], days: Sequence[str], now: int
    ) -> Iterator[tuple[str, pa.Table]]:
        """The tallies of each of these days that has any, as counting here gives them.

        Raises Failed, and what the client raises.
        """
        survey = contracts[-1].id
        self._clean(survey, now)
        staged = f"{keys.STAGING}{survey}/{now}-{token_hex(8)}/"
        try:
            self._run(unload(contracts, days, f"{self.place.rstrip('/')}/{staged}"))
            files = [entry.key for entry in self.store.list(staged)]
            for day, mine in groupby(sorted(files, key=keys.day_of), keys.day_of):
                pieces = [
                    parquet.decode(self.store.get(name).data).select(counting.COLUMNS)
                    for name in mine
                ]
                yield day, pa.concat_tables(pieces).cast(parquet.schema(counting.TALLIES))
        finally:
            self.store.delete([entry.key for entry in self.store.list(staged)])

    def _run(self, statement: str) -> None:
        started = self.client.start_query_execution(
            QueryString=statement,
            QueryExecutionContext={"Database": self.database},
            WorkGroup=self.workgroup,
        )
        waits = iter(POLL_S)
        while True:
            found = self.client.get_query_execution(QueryExecutionId=started["QueryExecutionId"])
            status = found["QueryExecution"]["Status"]
            if status["State"] == "SUCCEEDED":
                return
            if status["State"] not in ("QUEUED", "RUNNING"):
                raise Failed(f"{status['State']}: {status.get('StateChangeReason', 'no reason')}")
            self.pause(next(waits, POLL_S[-1]))

    def _clean(self, survey: str, now: int) -> None:
        prefix = f"{keys.STAGING}{survey}/"
        names = [entry.key for entry in self.store.list(prefix)]
        started = {name: int(name.removeprefix(prefix).split("-")[0]) for name in names}
        self.store.delete([name for name in names if started[name] < now - ABANDONED_MS])


def unload(contracts: Sequence[Contract], days: Sequence[str], place: str) -> str:
    """The statement that leaves the tallies of these days in ``place``, a folder for each day."""
    table = keys.table(keys.RESPONSES, contracts[-1].id)
    counts = counting.statement(contracts, table, days)
    shown = ", ".join([*map(quoted, counting.COLUMNS), quoted("dt")])
    return (
        f"UNLOAD (SELECT {shown} FROM ({counts}) AS counts) TO {text(place)}"
        " WITH (format = 'PARQUET', compression = 'SNAPPY', partitioned_by = ARRAY['dt'])"
    )


def takes(contracts: Sequence[Contract], days: Sequence[str]) -> bool:
    """Whether the statement is one that Athena takes: that of 300 questions is too long."""
    return len(unload(contracts, days, " " * 1000).encode()) <= LONGEST
