"""How fast scores are read from the tallies of ten million answers: 60 days, 1,368 agents.

    python -m tests.bench.bench_scores [DAYS] [AGENTS] [RUNS]

The tallies are made up: keys, items, order and row groups are the job's, and cells come as often as
those of so many answers. As on the screen, the largest 50 segments are told, of every cut in at
most 300 ms; ``cpu`` is what matters on a busy machine. Reading days alone shows what the stretches
save. ``all`` is what goes into a file.
"""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import pyarrow as pa

from chalicelib import counting, keys, parquet, tally_files
from chalicelib.break_offs import COLUMNS
from chalicelib.jobs.stretches import add_up
from chalicelib.published import publish
from chalicelib.storage import FolderStore
from chalicelib.survey import Contract
from generator.analyst import LEGIBLE
from generator.scores import scores
from generator.tallied import BETWEEN
from tests.bench import answered
from tests.bench.costs import cost, medians

FIRST = np.datetime64("2026-05-01")
NOW = 1_795_000_000_000
IMPORTS = "import generator.scores"
CUTS = (
    *("", "hour", "team", "agent", "team,hour", "day", "week", "month"),
    *("agent,month", "team,week", "team,hour,month", "agent,week", "agent,day"),
)


def day(survey: Contract, agents: int, answers: int, chance: np.random.Generator) -> pa.Table:
    """A day's counts as the tally writes them: by key, segment, item, value and flag."""
    cells = sorted(_cells(survey))
    moments = [c for c in cells if c[0] == counting.MOMENTS]
    others = [c for c in cells if c[0] != counting.MOMENTS]
    hours, teams = ([f"{n:02}" for n in range(24)], [f"t{n:04}" for n in range(answered.TEAMS)])
    segments = {
        "": [""],
        "agent": [f"a{n:04}" for n in range(agents)],
        "hour": hours,
        "team": teams,
        "channel": ["paper", "phone", "web"],
        "team,hour": [team + BETWEEN + hour for team in teams for hour in hours],
    }
    tables = [
        _rows(key, values, some, answers, chance)
        for some in (others, moments)
        for key, values in segments.items()
    ]
    return pa.concat_tables(tables)


def _cells(survey: Contract) -> list[tuple[str, str, float]]:
    """Items and values with the share of answers that have them."""
    fields = counting.counted([survey])
    found = [(counting.RESPONSES, "", 1.0), (counting.SPREAD, "", 1.0)]
    found += [(counting.FCR, "yes", 0.6), (counting.FCR, "no", 0.4)]
    found += [(counting.FLAGGED_BY, "straight", 0.02), (counting.REWEIGHTED, "", 0.1)]
    found += [(counting.INDEX, str(point), 1 / 40) for point in range(20, 100, 2)]
    for field in fields:
        low, *high = (field.rule or [])[1:]
        values = [*map(str, range(low, high[0] + 1))] if field.kind == "scale" else low
        found += [(field.id, value, 1 / len(values)) for value in values]
    ratings = sorted(field.id for field in fields if field.kind == "scale")
    pairs = [f"{x}|{y}" for x in ratings for y in ratings if x < y]
    return [*found, *((counting.MOMENTS, pair, 1.0) for pair in pairs)]


def _rows(
    key: str,
    segments: list[str],
    cells: list[tuple[str, str, float]],
    answers: int,
    chance: np.random.Generator,
) -> pa.Table:
    often = np.array([share for _, _, share in cells])[None, :, None] * np.array([0.95, 0.05])
    n = chance.poisson(often * answers / len(segments), (len(segments), len(cells), 2))
    segment, cell, flagged = np.nonzero(n)
    n = n[segment, cell, flagged]
    items, values = ([c[place] for c in cells] for place in (0, 1))
    of_index = np.array([item == counting.INDEX for item in items], np.bool_)[cell]
    points = np.array([int(v) if i == counting.INDEX else 1 for i, v, _ in cells], np.int64)[cell]
    summed = np.array([i in _SUMMED for i in items], np.bool_)[cell]
    moments = np.array([item == counting.MOMENTS for item in items], np.bool_)[cell]
    columns = [
        pa.array([key]).take(pa.array(np.zeros(len(n), np.int32))),
        *(
            pa.array(texts, pa.string()).take(pa.array(numbers))
            for texts, numbers in ((segments, segment), (items, cell), (values, cell))
        ),
        pa.array(flagged.astype(np.bool_)),
        pa.array(n, pa.int64()),
        pa.array(points * n * np.where(of_index, counting.NANO, 12), mask=~summed),
        *[pa.array(3 * n, mask=~moments)] * 2,
    ]
    return pa.table(columns, schema=parquet.schema(counting.TALLIES))


_LEFT = {
    "version": ["0123456789abcdef"] * 60,
    "language": ["en", "zh-CN"] * 30,
    "question": [f"q{number // 2}" for number in range(60)],
    "n": [*range(60)],
}
"""Who left on a day."""
_SUMMED = {counting.INDEX, counting.SPREAD, counting.MOMENTS}


def main(days: int = 60, agents: int = answered.AGENTS, runs: int = 5) -> None:
    contract = answered.survey()
    survey = msgspec.structs.replace(contract, segments=[["team", "hour"]])
    chance = np.random.default_rng(1)
    with TemporaryDirectory() as place, ThreadPoolExecutor(16) as pool:
        store = FolderStore(Path(place) / "data")
        publish(store, survey, 0)
        rows = 0
        for number in range(days):
            table = day(survey, agents, answered.A_DAY, chance)
            rows += table.num_rows
            name = keys.tallies(survey.id, str(FIRST + number))
            store.create(name, tally_files.encode(table, {"echoform.sources": "{}"}))
        print(f"{rows:,} tallies of {days} days")
        print(f"scores by agent, days alone: {_told(store, survey.id, 'agent', runs)}")
        added = cost(add_up, store, pool, NOW)
        assert not added.told, added.told
        print(f"adding up: {added.seconds:.1f} s, cpu {added.processor:.1f} s")
        for by in CUTS:
            print(f"scores by {by or 'nothing'}: {_told(store, survey.id, by, runs)}")
        for number in range(days):
            left = parquet.encode(parquet.table(COLUMNS, _LEFT), {"echoform.sources": ""})
            store.create(keys.break_offs(survey.id, str(FIRST + number)), left)
        print(f"scores by nothing, and who left: {_told(store, survey.id, '', runs)}")
        every = cost(scores, store, survey.id, ["agent", "week"])
        print(f"all {len(every.told.segments):,} segments by agent,week: {every.seconds:.1f} s")
    imports = cost(partial(subprocess.run, check=True), [sys.executable, "-c", IMPORTS])
    print(f"a process that imports: {1000 * imports.seconds:.0f} ms")


def _told(store: FolderStore, survey: str, by: str, runs: int) -> str:
    cut = partial(scores, most=LEGIBLE)
    taken = [cost(cut, store, survey, by.split(",") if by else None) for _ in range(runs)]
    found, middle = taken[-1].told, medians(taken)
    shown = f"{len(found.segments):,} of {len(found.segments) + found.more:,} segments"
    return f"{1000 * middle.seconds:.0f} ms, cpu {1000 * middle.processor:.0f} ms, {shown}"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
