"""Adding up the tallies of stretches that are over (``chalicelib.stretches``), once the days are
counted. Moments are left to the days: they are read seldom, and by segment.

Whole numbers are the same in any order. A stretch with another name than its days give it now is
of days that changed since; it goes when its successor is there.
"""

# ruff: noqa: S608  (every text goes through text())

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path
from shutil import rmtree

import duckdb
import pyarrow as pa

from .. import counting, days, keys, parquet, stretches
from ..storage import Exists, Store
from ..stretches import Stretch
from ..views import text

GROUP = 32_768
"""Rows in a row group: more than a day's, as there is more of every key."""


def add_up(
    store: Store, pool: ThreadPoolExecutor, folder: Path, now: int, only: str | None = None
) -> list[Exception]:
    """Bring the stretches of all surveys, or of one, up to date. Gives what went wrong."""
    failures: list[Exception] = []
    under = f"{only}/" if only else ""
    today = days.day(now, "UTC")
    there: dict[str, set[str]] = {}
    for entry in store.list(f"{keys.STRETCHES}{under}"):
        there.setdefault(keys.survey_of(entry.key), set()).add(entry.key)
    listed = groupby(store.list(f"{keys.TALLIES}{under}"), lambda e: keys.survey_of(e.key))
    for survey, tallies in listed:
        left = there.get(survey, set())
        for stretch in stretches.among(tallies):
            over = stretch.name != stretches.of(today) and max(stretch.days) < today
            if not over or len(stretch.days) == 1:
                continue
            mine = {key for key in left if keys.stretch_of(key) == stretch.name}
            if stretch.key not in mine:
                try:
                    _write(store, pool, folder, stretch)
                except Exception as failure:  # the days are read instead
                    failures.append(failure)
            store.delete(mine - {stretch.key})
    return failures


def _write(store: Store, pool: ThreadPoolExecutor, folder: Path, stretch: Stretch) -> None:
    place = folder / "stretch"
    place.mkdir()
    try:
        files = [place / f"{day}.parquet" for day in stretch.days]
        names = [entry.key for entry in stretch.days.values()]
        tags = [*pool.map(partial(_fetch, store), names, files)]
        if tags == [entry.tag for entry in stretch.days.values()]:  # else the next run will see
            data = parquet.encode(_summed(files), group=GROUP)
            store.create(stretch.key, data)
    except Exists:
        pass
    finally:
        rmtree(place)


def _fetch(store: Store, key: str, file: Path) -> str:
    stored = store.get(key)
    file.write_bytes(stored.data)
    return stored.tag


def _summed(files: Sequence[Path]) -> pa.Table:
    """In the order of a day's tallies."""
    by = ", ".join(counting.COLUMNS[:5])
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        return connection.sql(
            f"SELECT {by}, CAST(SUM(n) AS BIGINT) AS n, CAST(SUM(total) AS BIGINT) AS total"
            f" FROM read_parquet([{', '.join(text(str(file)) for file in files)}])"
            f" WHERE item <> {text(counting.MOMENTS)} GROUP BY {by} ORDER BY {by}"
        ).to_arrow_table()
