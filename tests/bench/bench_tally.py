"""A full tally beside one bare DuckDB query that groups alike, and beside vectorised pandas.

    python -m tests.bench.bench_tally [--rows 500000] [--runs 3] [--data FOLDER]

The bare query is what somebody would type who wants these counts once: every count of every segment
key, pair of keys and item, and the sums of every two ratings, in grouping sets over the same
files, written to one Parquet file. It finds no speeders and no near-duplicates, notes no sources,
and may use all memory. pandas counts the same by ``groupby`` over categories, on a sample of days
(all would not fit), times the rest, and writes its rows as they come.

``rest`` is the run after the full one, which adds weeks and months up; ``day`` counts one day that
changed; ``none`` finds nothing to do.

Each runs in a process of its own, which tells its seconds (without imports), its processor seconds
and its greatest memory; they take turns, and the medians are compared. ``--data`` keeps the
answers in a folder for the next time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from chalicelib import columns, counting, keys, parquet
from chalicelib.jobs.tally import tally
from chalicelib.storage import FolderStore
from chalicelib.survey.quality import FACTS
from tests.bench import answered
from tests.bench.costs import Cost, alone, medians

NOW = 1_795_000_000_000
FLAGS = [fact for fact in FACTS if fact != "late"]
SAMPLE = 6
"""Days that are counted with pandas, at most."""


def ours(folder: Path) -> int:
    return tally(FolderStore(folder), NOW, key=b"key").written


def bare(folder: Path) -> None:
    """One query. Materialising the answers would make it slower, and take ten times the memory."""
    contract = answered.survey()
    cuts = counting.segment_keys([contract])
    every = [*cuts, *(", ".join(pair) for pair in answered.PAIRS)]
    counted = counting.counted([contract])
    arms = [
        _grouped(every, f"'{field.id}' AS item, {column} AS value, COUNT(*) AS n", column, source)
        for field in counted
        for column, source in [
            ("code", f"(SELECT *, UNNEST({field.id}) AS code FROM answers)")
            if field.kind == "codes"
            else (field.id, "answers")
        ]
    ]
    arms.append(_grouped(every, "'index' AS item, p AS value, COUNT(*) AS n, SUM(nano) AS t", "p"))
    arms.append(_grouped(every, "'fcr' AS item, once AS value, COUNT(*) AS n", "once"))
    noted = [*FLAGS, *(columns.na(f.id) for f in counted if columns.has_na(f)), "reweighted"]
    beside = [*(f"COUNT(*) FILTER ({name})" for name in noted), "COUNT(*)", "COUNT(index)"]
    beside += [*(f"COUNT({f.id})" for f in counted if f.kind == "codes"), "SUM(square)"]
    arms.append(_grouped(every, ", ".join(beside)))
    moments = [
        f"COUNT({x} * {y}), SUM({x} * {y}), SUM({x}) FILTER ({y} IS NOT NULL),"
        f" SUM({y}) FILTER ({x} IS NOT NULL)"
        for x, y in combinations(_ratings(), 2)
    ]
    arms.append(_grouped([cut for cut in cuts if cut != "hour"], ", ".join(moments)))
    query = f"""WITH answers AS NOT MATERIALIZED (
      SELECT *, {" OR ".join(FLAGS)} AS flagged, FLOOR(index + 0.5)::INTEGER AS p,
        FLOOR(index * 1e9 + 0.5)::BIGINT AS nano,
        (FLOOR((index - FLOOR(index + 0.5)) * 1e6 + 0.5)::BIGINT) ** 2 AS square,
        index IS NOT NULL AND ({" OR ".join(f"{q.id} IS NULL" for q in contract.weighted)})
          AS reweighted,
        CASE WHEN solved = 'yes' AND contacts = 'once' THEN 'yes'
          WHEN solved IS NOT NULL AND contacts IS NOT NULL THEN 'no' END AS once
      FROM read_parquet('{folder}/responses/*/*/*.parquet', hive_partitioning = true)
    ) {" UNION ALL BY NAME ".join(arms)}"""
    duckdb.sql("SET enable_progress_bar = false")
    duckdb.sql(f"COPY ({query}) TO '{folder}/bare.parquet'")


def _grouped(cuts: Sequence[str], told: str, by: str = "", source: str = "answers") -> str:
    sets = ", ".join(f"({', '.join(filter(None, ['dt', 'flagged', by, c]))})" for c in ["", *cuts])
    shown = ", ".join(cut for cut in cuts if "," not in cut)
    return f"SELECT dt, flagged, {shown}, {told} FROM {source} GROUP BY GROUPING SETS ({sets})"


def _ratings() -> list[str]:
    return sorted(f.id for f in counting.counted([answered.survey()]) if f.kind == "scale")


def with_pandas(folder: Path) -> int:
    """The same counts of some of the days; how many rows those have."""
    contract = answered.survey()
    cuts = counting.segment_keys([contract])
    every = [[], *([cut] for cut in cuts), *answered.PAIRS]
    fields = counting.counted([contract])
    several = [field.id for field in fields if field.kind == "codes"]
    nas = [columns.na(field.id) for field in fields if columns.has_na(field)]
    names = dict.fromkeys([*cuts, *(f.id for f in fields), *nas, *FLAGS, "index"])
    files = sorted((folder / "responses").rglob("*.parquet"))[:SAMPLE]
    tables = [
        pq.read_table(file, columns=list(names), partitioning=None).append_column(
            "dt", pa.array([file.parent.name] * pq.read_metadata(file).num_rows)
        )
        for file in files
    ]
    answers = pa.concat_tables(tables).to_pandas()
    texts = [*dict.fromkeys([*cuts, *(f.id for f in fields if f.kind == "code"), "dt"])]
    answers[texts] = answers[texts].astype("category")
    answers["flagged"] = answers[FLAGS].any(axis=1)
    answers["points"] = (answers["index"] + 0.5) // 1
    answers["square"] = ((answers["index"] - answers["points"]) * 1e6).round() ** 2
    answers["nano"] = (answers["index"] * 1e9).round()
    answers["less"] = answers[[q.id for q in contract.weighted]].isna().any(axis=1)
    both = answers["solved"].notna() & answers["contacts"].notna()
    once = (answers["solved"] == "yes") & (answers["contacts"] == "once")
    answers["once"] = once.where(both).astype("category")
    spread = {name: answers[["dt", "flagged", *cuts, name]].explode(name) for name in several}
    moments = _products(answers)
    made: list[pd.DataFrame] = []

    def told(counts: Any, key: list[str], item: str, value: str = "") -> None:
        rows = counts.reset_index()
        worth = rows[key[0]].astype(str) if key else ""
        for name in key[1:]:
            worth = worth + "," + rows[name].astype(str)
        said = rows[value].astype(str) if value else ""
        named = {"segment_key": ",".join(key), "segment_value": worth, "item": item, "value": said}
        made.append(rows.drop(columns=[*{*key, value} & {*rows}]).assign(**named))

    for by in every:
        groups = ["dt", "flagged", *by]
        for field in fields:
            source = spread.get(field.id, answers)
            if field.id in by:
                source = source.assign(value=source[field.id])
            name = "value" if field.id in by else field.id
            told(source.groupby([*groups, name], observed=True).size(), by, field.id, name)
        points = answers.groupby([*groups, "points"], observed=True)["nano"]
        told(points.agg(["size", "sum"]), by, "index", "points")
        told(answers.groupby([*groups, "once"], observed=True).size(), by, "fcr", "once")
        noted = answers.groupby(groups, observed=True)[[*FLAGS, *nas, "less", "square"]]
        told(noted.sum(), by, "noted")
        told(noted.size(), by, "responses")
        if by != ["hour"] and len(by) < 2:
            grouped = moments.groupby([answers[name] for name in groups], observed=True)
            told(grouped.sum(), by, "moments")
    whole = pd.concat([each.rename(columns={0: "n", "size": "n"}) for each in made])
    whole.astype({"dt": str}).to_parquet(folder / "pandas.parquet")
    return len(answers)


def _products(answers: pd.DataFrame) -> pd.DataFrame:
    made: dict[str, Any] = {}
    for x, y in combinations(_ratings(), 2):
        both = answers[x].notna() & answers[y].notna()
        one, other = answers[x].where(both, 0), answers[y].where(both, 0)
        made |= {
            f"n {x} {y}": both,
            f"xy {x} {y}": one * other,
            f"x {x} {y}": one,
            f"{x} {y}": other,
        }
    return pd.DataFrame(made)


def changed(folder: Path) -> None:
    """Take a response out of one day."""
    part = min((folder / "responses").rglob("*.parquet"))
    part.write_bytes(parquet.encode(parquet.decode(part.read_bytes()).slice(1)))


def main(given: Sequence[str] = ()) -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--rows", type=int, default=500_000)
    asked.add_argument("--runs", type=int, default=3)
    asked.add_argument("--data", type=Path)
    options = asked.parse_args(given)
    with TemporaryDirectory() as temporary:
        folder = options.data or Path(temporary)
        if not (folder / keys.RESPONSES).exists():
            answered.write(folder, options.rows)
        compare(folder, options.runs)


def compare(folder: Path, runs: int) -> None:
    costs: dict[str, list[Cost]] = {
        name: [] for name in ("tally", "bare", "pandas", "rest", "day", "none")
    }
    for _ in range(runs):
        for file in (folder / "tallies").rglob("*.parquet"):
            file.unlink()
        costs["tally"].append(alone(ours, folder))
        costs["bare"].append(alone(bare, folder))
        costs["pandas"].append(alone(with_pandas, folder))
        costs["rest"].append(alone(ours, folder))
        changed(folder)
        costs["day"].append(alone(ours, folder))
        costs["none"].append(alone(ours, folder))
        assert [costs[name][-1].told for name in ("rest", "day", "none")] == [0, 1, 0]
    rows = sum(pq.read_metadata(f).num_rows for f in (folder / "responses").rglob("*.parquet"))
    tallies = [pq.read_metadata(f).num_rows for f in (folder / "tallies").rglob("*.parquet")]
    print(f"{rows:,} responses of {len(tallies)} days make {sum(tallies):,} tallies")
    share = rows / costs["pandas"][0].told
    costs["pandas"] = [
        Cost(c.seconds * share, c.processor * share, c.megabytes) for c in costs["pandas"]
    ]
    for name, cost in ((name, medians(each)) for name, each in costs.items()):
        print(
            f"{name}: {cost.seconds:.2f} s, {cost.processor:.2f} s of processors,"
            f" {cost.megabytes:,.0f} MB"
            + f" (of {1 / share:.3f} of the rows, times the rest)"
            * (name == "pandas")
        )
    whole = costs["tally"]
    for name, wanted in (("bare", "at most 2"), ("pandas", "at most 0.5")):
        time, processor = _ratios(whole, costs[name])
        print(f"tally / {name}: {time:.2f} of time, {processor:.2f} of processors; {wanted}")
    time, processor = _ratios(whole, costs["day"])
    print(
        f"tally / one changed day: {time:.1f} of time, {processor:.1f} of processors;"
        " at least 30 with 60 days"
    )
    most = max(cost.megabytes for cost in whole)
    print(f"greatest memory of the tally: {most:,.0f} MB; at most 2,048")


def _ratios(ours: Sequence[Cost], theirs: Sequence[Cost]) -> tuple[float, float]:
    """Of seconds and of processor seconds, the middle one of the runs."""
    pairs = list(zip(ours, theirs, strict=True))
    return (
        median(one.seconds / other.seconds for one, other in pairs),
        median(one.processor / other.processor for one, other in pairs),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
