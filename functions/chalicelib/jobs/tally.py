"""Tally: the counts of each survey and day, made again exactly when what they are made of changed.

A day's tallies name their sources in their footer: the parts with their tags, the versions of the
contract, and the SQL that counted. Where all three are as now, there is nothing to do.

The SQL is Athena's (``chalicelib.counting``). sqlglot translates it to DuckDB, once per set of
contracts and process; that, like DuckDB, is loaded by this scheduled job alone. Parts are fetched
to a temporary folder first, so that DuckDB needs no network and sees each part whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import duckdb
import msgspec
import pyarrow as pa
import sqlglot
from msgspec import Struct

from .. import columns, counting, keys, parquet
from ..published import Definitions
from ..settings import Settings
from ..storage import Exists, Missing, Stale, Store
from ..survey import Contract
from ..views import view

AT_ONCE = 16
GROUP = 8192
"""Rows in a row group: a reader wants one segment key's, and they lie together."""
STAMP = "echoform.sources"
"""The note in a tally's footer."""


class Tallied(Struct):
    """Days looked at, tallies written, and tallies that were as they should be."""

    days: int = 0
    written: int = 0
    unchanged: int = 0


class Day(NamedTuple):
    survey: str
    day: str


def run(store: Store, settings: Settings, now: int) -> Tallied:
    return tally(store, now)


def tally(store: Store, now: int, only: str | None = None) -> Tallied:
    """Bring the tallies of all surveys, or of one, up to date. ``now`` changes nothing.

    Raises ExceptionGroup at the end, where some days could not be counted; the others were.
    """
    definitions = Definitions(store)
    done = Tallied()
    failures: list[Exception] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        sources = _sources(store, only)
        stamps = dict(zip(sources, pool.map(partial(_stored, store), sources), strict=True))
        for day, parts in sources.items():
            done.days += 1
            try:
                if _tally(store, definitions, day, parts, stamps[day], pool):
                    done.written += 1
                else:
                    done.unchanged += 1
            except Exception as failure:  # one bad day must not keep the others waiting
                failures.append(failure)
    if failures:
        raise ExceptionGroup("some days could not be counted", failures)
    return done


def count(contracts: Iterable[Contract], files: Iterable[Path]) -> pa.Table:
    """The tallies of some parts."""
    contracts = tuple(contracts)
    connection = duckdb.connect()
    try:
        read = [str(file) for file in files]
        connection.execute(view("responses", columns.responses(contracts), read, by_day=False))
        return connection.sql(translated(counting.statement(contracts))).to_arrow_table()
    finally:
        connection.close()


@lru_cache(maxsize=64)
def translated(statement: str) -> str:
    """Athena's SQL as DuckDB's. What several counts read is read from the files once."""
    tree = sqlglot.parse_one(statement, read="athena")
    for part in tree.find_all(sqlglot.exp.CTE):
        if part.alias == "answers":
            part.set("materialized", True)
    return tree.sql(dialect="duckdb")


def _sources(store: Store, only: str | None) -> dict[Day, dict[str, str]]:
    """Parts and their tags, by day."""
    found: dict[Day, dict[str, str]] = defaultdict(dict)
    for entry in store.list(f"{keys.RESPONSES}{only}/" if only else keys.RESPONSES):
        day = Day(keys.survey_of(entry.key), keys.day_of(entry.key))
        found[day][entry.key] = entry.tag
    return found


def _stored(store: Store, day: Day) -> tuple[str, str]:
    """A tally's tag and stamp, both "" where there is none."""
    try:
        stored = store.get(keys.tallies(*day))
    except Missing:
        return "", ""
    return stored.tag, parquet.notes(stored.data).get(STAMP, "")


def _tally(
    store: Store,
    definitions: Definitions,
    day: Day,
    parts: Mapping[str, str],
    stored: tuple[str, str],
    pool: ThreadPoolExecutor,
) -> bool:
    """Count a day where its tally is stale; says whether it was."""
    contracts = definitions.versions(day.survey)
    tag, stamp = stored
    if stamp == _stamp(parts, contracts):
        return False
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.parquet" for number in range(len(parts))]
        # The tags counted are those fetched, which may be later than those listed.
        fetched = pool.map(partial(_fetch, store), zip(parts, files, strict=True))
        tags = dict(zip(parts, fetched, strict=True))
        counts = count(contracts, files)
    data = parquet.encode(counts, {STAMP: _stamp(tags, contracts)}, group=GROUP)
    try:
        if tag:
            store.replace(keys.tallies(*day), data, tag)
        else:
            store.create(keys.tallies(*day), data)
    except (Stale, Exists):  # another tally was first; if it counted less, the next will see
        return False
    return True


def _fetch(store: Store, part: tuple[str, Path]) -> str:
    key, path = part
    stored = store.get(key)
    path.write_bytes(stored.data)
    return stored.tag


def _stamp(parts: Mapping[str, str], contracts: Sequence[Contract]) -> str:
    """What a tally is made of: it is stale exactly when this differs."""
    text = counting.FORMAT + counting.statement(contracts)
    made_of = {
        "parts": dict(sorted(parts.items())),
        "contracts": sorted(contract.version for contract in contracts),
        "code": sha256(text.encode()).hexdigest()[:16],
    }
    return msgspec.json.encode(made_of).decode()
