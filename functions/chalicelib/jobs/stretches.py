"""Adding up the tallies of stretches that are over (``chalicelib.stretches``), once the days are
counted: weeks from their days, months from their weeks. Moments are left to the days: they are
read seldom, and by segment.

A stretch waits for a run that counts none of its days: while answers still come for a day, its
month would be added up again for each of them.

Whole numbers are the same in any order. What has another name than its days give it now is of days
that changed since, and goes.
"""

# ruff: noqa: S608  (every text goes through text())

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

from .. import counting, days, keys, stretches, tally_files
from ..storage import Exists, Store
from ..stretches import Stretch
from ..views import text

MEMORY = "1GB"


def add_up(
    store: Store,
    pool: ThreadPoolExecutor,
    now: int,
    only: str | None = None,
    changed: Set[str] = frozenset(),
) -> list[Exception]:
    """Bring the stretches of all surveys, or of one, up to date. Gives what went wrong.

    ``changed``: the tallies that this run has written.
    """
    under = f"{only}/" if only else ""
    today = days.day(now, "UTC")
    there: dict[str, set[str]] = {}
    for entry in store.list(f"{keys.STRETCHES}{under}"):
        there.setdefault(keys.survey_of(entry.key), set()).add(entry.key)
    adding = _Adding(store, pool, changed)
    tallies = store.list(f"{keys.TALLIES}{under}")
    for survey, mine in groupby(tallies, lambda entry: keys.survey_of(entry.key)):
        left, adding.there = there.get(survey, set()), there.get(survey, set()).copy()
        current = set()
        for month in stretches.among(mine, stretches.month):
            parts: dict[str, str] = {}  # of the month, with their tags where those may change
            for week in stretches.among(month.days.values(), stretches.week):
                of_days = {entry.key: entry.tag for entry in week.days.values()}
                if week.name != stretches.week(today) and max(week.days) < today:
                    adding.add(week, of_days)
                parts |= {week.key: ""} if week.key in adding.there else of_days
                current.add(week.key)
            if month.name != stretches.month(today) and max(month.days) < today:
                adding.add(month, parts)
            current.add(month.key)
        store.delete(left - current)
    return adding.failures


class _Adding:
    def __init__(self, store: Store, pool: ThreadPoolExecutor, changed: Set[str]) -> None:
        self._store = store
        self._pool = pool
        self._changed = changed
        self.there: set[str] = set()
        self.failures: list[Exception] = []

    def add(self, stretch: Stretch, parts: Mapping[str, str]) -> None:
        """Add up these tallies as the stretch; one alone can be read as it is."""
        if stretch.key in self.there or len(parts) == 1:
            return
        if any(day.key in self._changed for day in stretch.days.values()):
            return
        try:
            with TemporaryDirectory() as folder:
                files = [Path(folder) / f"{number}.parquet" for number in range(len(parts))]
                tags = self._pool.map(partial(_fetch, self._store), parts, files)
                if any(tag not in ("", now) for tag, now in zip(parts.values(), tags, strict=True)):
                    return  # a day changed meanwhile: the next run will see
                self._store.create(stretch.key, tally_files.encode(_summed(files)))
        except Exists:
            pass
        except Exception as failure:  # its days are read instead
            self.failures.append(failure)
            return
        self.there.add(stretch.key)


def _fetch(store: Store, key: str, file: Path) -> str:
    stored = store.get(key)
    file.write_bytes(stored.data)
    return stored.tag


def _summed(files: Sequence[Path]) -> pa.Table:
    by = ", ".join(counting.COLUMNS[:5])
    listed = ", ".join(text(str(file)) for file in files)
    with duckdb.connect() as connection:
        connection.execute(f"SET enable_progress_bar = false; SET memory_limit = '{MEMORY}'")
        return connection.sql(
            f"SELECT {by}, CAST(SUM(n) AS BIGINT) AS n, CAST(SUM(total) AS BIGINT) AS total"
            f" FROM read_parquet([{listed}], union_by_name = true)"
            f" WHERE item <> {text(counting.MOMENTS)} GROUP BY {by}"
        ).to_arrow_table()
