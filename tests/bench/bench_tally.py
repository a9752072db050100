"""How fast a day is counted, beside DuckDB running the same counting over the same file.

python -m tests.bench.bench_tally
"""

from __future__ import annotations

import random
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import duckdb

from chalicelib import counting, keys
from chalicelib.jobs.merge import merge
from chalicelib.jobs.tally import tally, translated
from chalicelib.published import publish
from chalicelib.storage import MemoryStore
from tests.bench.bench_merge import DAY, land, timed
from tests.surveys import after_sales

ROWS = 100_000
RUNS = 7


def bare(sql: str, part: Path) -> int:
    """The counting and nothing else."""
    connection = duckdb.connect()
    connection.execute(f"CREATE VIEW responses AS SELECT 'a day' AS dt, * FROM '{part}'")
    counted = len(connection.sql(sql).fetchall())
    connection.close()
    return counted


def main() -> None:
    survey = after_sales()
    store = MemoryStore()
    publish(store, survey, DAY)
    land(store, ROWS, 0, random.Random(1))
    merge(store, b"key", DAY)
    start = perf_counter()
    sql = translated(counting.statement([survey]))
    print(f"translating the SQL, once: {perf_counter() - start:.3f} s, {len(sql):,} characters")
    with TemporaryDirectory() as folder:
        part = Path(folder) / "part.parquet"
        part.write_bytes(store.get(next(e.key for e in store.list(keys.RESPONSES))).data)
        whole, alone, again = [], [], []
        for _ in range(RUNS):
            store.delete([e.key for e in store.list(keys.TALLIES)])
            whole.append(timed(lambda: tally(store, DAY)))
            alone.append(timed(lambda: bare(sql, part)))
            again.append(timed(lambda: tally(store, DAY)))
        print(f"{ROWS:,} rows make {bare(sql, part):,} tallies")
    print(
        f"tally: {median(whole):.3f} s; bare DuckDB: {median(alone):.3f} s; "
        f"ratio {median(whole) / median(alone):.2f}; unchanged: {median(again):.3f} s"
    )


if __name__ == "__main__":
    main()
