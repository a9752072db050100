"""How fast scores are read from tallies: sixty days, 1,400 agents, the items of the shipped survey.

python -m tests.bench.bench_scores [DAYS] [AGENTS]
"""

from __future__ import annotations

import sys
from statistics import median
from time import perf_counter

import numpy as np
import pyarrow as pa

from chalicelib import counting, keys, parquet
from chalicelib.jobs.tally import GROUP
from chalicelib.published import publish
from chalicelib.storage import MemoryStore
from chalicelib.survey import Contract
from generator.scores import scores
from tests.surveys import after_sales

RUNS = 5
PEOPLE = 119
"""Answers of an agent and day: ten million in all."""


def day(survey: Contract, agents: int, chance: np.random.Generator) -> pa.Table:
    """A day's counts as the tally writes them: sorted by key and value."""
    items = [(counting.RESPONSES, "")] + [
        (field.id, str(code))
        for field in counting.counted([survey])
        for code in (
            (field.rule or [])[1]
            if field.kind != "scale"
            else range(field.rule[1], field.rule[2] + 1)  # type: ignore[index, misc]
        )
    ]
    items += [(counting.INDEX, str(point)) for point in range(40, 100, 2)]
    items += [(counting.FCR, "yes"), (counting.FCR, "no")]
    segments = [("", ""), *(("agent", f"agent {n:04}") for n in range(agents))]
    segments += [("hour", f"{n:02}") for n in range(24)]
    segments += [("team", f"team {n}") for n in range(20)]
    columns: dict[str, list[object]] = {
        name: [] for name in ("segment_key", "segment_value", "item", "value", "flagged", "n")
    }
    for key, value in segments:
        for item, code in sorted(items):
            for flagged in (False, True) if item == counting.RESPONSES else (False,):
                for name, cell in zip(columns, (key, value, item, code, flagged, 0), strict=True):
                    columns[name].append(cell)
    n = chance.poisson(PEOPLE / 8, len(columns["n"])) + 1
    index = np.array([item == counting.INDEX for item in columns["item"]])
    points = np.array([int(v) if i else 0 for v, i in zip(columns["value"], index, strict=True)])
    table = pa.table(
        {name: cells for name, cells in columns.items() if name != "n"}
        | {"n": pa.array(n, pa.int64())}
    )
    total = pa.array(points * n * counting.NANO, mask=~index)
    return table.append_column("total", total)


def main(days: int, agents: int) -> None:
    survey = after_sales()
    store = MemoryStore()
    publish(store, survey, 0)
    chance = np.random.default_rng(1)
    rows = 0
    for number in range(days):
        table = day(survey, agents, chance)
        rows += table.num_rows
        name = keys.tallies(survey.id, str(np.datetime64("2026-05-01") + number))
        store.create(name, parquet.encode(table, {"echoform.sources": "{}"}, group=GROUP))
    print(f"{rows:,} tallies of {days} days")
    for by in (None, "hour", "team", "agent"):
        taken = []
        for _ in range(RUNS):
            start = perf_counter()
            scores(store, survey.id, by)
            taken.append(perf_counter() - start)
        print(f"scores by {by or 'nothing'}: {1000 * median(taken):.0f} ms")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or ("60", "1400")))
