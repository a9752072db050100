"""Every table a publication emits, held side by side: no subtraction finds anybody small."""

from __future__ import annotations

import io
import random
import re
from collections import Counter

import pyarrow as pa
import pytest
from rich.console import Console

from chalicelib import keys, parquet
from chalicelib.break_offs import COLUMNS
from chalicelib.counting import TALLIES
from chalicelib.storage import MemoryStore
from generator.boards import cut_board
from generator.completion import RATE
from generator.cuts import Cut, cut
from generator.tallied import BETWEEN
from tests.jobs.answering import NOW, contract, live

SURVEY = contract()
WAVE = "2026-05"
CUTS: list[list[str]] = [[], ["agent"], ["kind"], ["agent", "kind"]]


def answered(chance: random.Random) -> list[tuple[str, str, str, int]]:
    """Agent, kind, solved and speed of everybody; "" where there is none."""
    agents = [
        (f"a{n}", chance.choice([3, 6, 12, 35, 60, 150])) for n in range(chance.randint(2, 7))
    ]
    return [
        (
            agent if chance.random() < 0.97 else "",
            chance.choice(["repair", "advice", "advice", ""]),
            chance.choice(["yes", "yes", "yes", "no", ""]),
            chance.choice([5, 5, 5, 4, 4, 2, 0]),
        )
        for agent, people in agents
        for _ in range(people)
    ]


def tallied(people: list[tuple[str, str, str, int]]) -> MemoryStore:
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for agent, kind, solved, speed in people:
        both = f"{agent}{BETWEEN}{kind}" if agent and kind else ""
        for key, value in (("", ""), ("agent", agent), ("kind", kind), ("agent,kind", both)):
            if value or not key:
                said = [("responses", "")] + [("solved", solved)] * bool(solved)
                for item, code in said + [("speed", str(speed))] * bool(speed):
                    counts[key, value, item, code] += 1
    rows = sorted(counts.items())
    columns = list(zip(*(row for row, _ in rows), strict=True))
    table = pa.table(
        {
            **dict(zip(("segment_key", "segment_value", "item", "value"), columns, strict=True)),
            "flagged": pa.array([False] * len(rows)),
            "n": pa.array([n for _, n in rows], pa.int64()),
            "total": pa.nulls(len(rows), pa.int64()),
        }
    )
    store = MemoryStore()
    live(store, SURVEY)
    store.create(keys.tallies(SURVEY.id, "2026-05-17"), parquet.encode(table))
    return store


def numbers(found: Cut) -> dict[tuple[str, str], dict[tuple[str, ...], int]]:
    """Everything in a table that adds up, by item and what is counted."""
    known: dict[tuple[str, str], dict[tuple[str, ...], int]] = {}
    for row in found.rows:
        segment = tuple(row.segment)
        known.setdefault((row.item, "n"), {})[segment] = row.n
        if row.figure in ("top2", "yes"):
            hits = round(row.value * row.n)
            known.setdefault((row.item, "hits"), {})[segment] = hits
            known.setdefault((row.item, "misses"), {})[segment] = row.n - hits
    return known


@pytest.mark.parametrize("seed", range(40))
def test_no_subtraction_finds_anybody_small(seed: int) -> None:
    store = tallied(answered(random.Random(seed)))
    tables = {tuple(by): numbers(cut(store, SURVEY.id, WAVE, by, False, NOW)) for by in CUTS}
    for known in tables.values():
        for counts in known.values():
            assert all(n == 0 or n >= 10 for n in counts.values())
    whole = tables[()]
    for by in (("agent",), ("kind",)):
        for what, counts in tables[by].items():
            if () in whole.get(what, {}):
                left_over = whole[what][()] - sum(counts.values())
                assert left_over == 0 or left_over >= 10, (by, what)
    pairs = tables["agent", "kind"].get(("responses", "n"), {})
    for side, by in enumerate([("agent",), ("kind",)]):
        for (value,), n in tables[by].get(("responses", "n"), {}).items():
            mine = [people for pair, people in pairs.items() if pair[side] == value]
            assert n - sum(mine) == 0 or n - sum(mine) >= 10 or not mine


def test_something_is_told_where_segments_are_large() -> None:
    chance = random.Random(1)
    people = [(f"a{n % 4}", "advice", chance.choice(["yes", "no"]), 4) for n in range(800)]
    found = cut(tallied(people), SURVEY.id, WAVE, ["agent"], False, NOW)
    assert len({row.segment[0] for row in found.rows if row.figure == "yes"}) == 4
    assert not any(row.few for row in found.rows)


def began(web: int, phone: int, left: int, *later: str) -> MemoryStore:
    """So many sent it on the first day, and on each that is later; so many left on the last."""
    store = MemoryStore()
    live(store, SURVEY)
    sizes = {("", ""): web + phone, ("channel", "web"): web, ("channel", "phone"): phone}
    names = ("segment_key", "segment_value", "item", "value", "flagged", "n")
    rows = [(*key, "responses", "", False, n) for key, n in sizes.items() if n]
    tallies = {name: [row[at] for row in rows] for at, name in enumerate(names)}
    data = parquet.encode(parquet.table(TALLIES, tallies))
    days = ["2026-05-17", *later]
    for day in days:
        store.create(keys.tallies(SURVEY.id, day), data)
    cells = {"version": ["v"], "language": ["en"], "question": ["speed"], "n": [left]}
    made = parquet.encode(parquet.table(COLUMNS, cells))
    store.create(keys.break_offs(SURVEY.id, days[-1]), made)
    return store


def completed(store: MemoryStore) -> list[tuple[int, float]]:
    rows = cut(store, SURVEY.id, WAVE, [], False, NOW).rows
    return [(row.n, row.value) for row in rows if row.item == RATE]


def test_the_completion_rate_is_published_where_nobody_small_is_found_by_it() -> None:
    """It tells how many came over the web, so that nine others would follow from the total."""
    assert completed(began(web=30, phone=10, left=10)) == [(40, 0.75)]
    assert completed(began(web=30, phone=0, left=10)) == [(40, 0.75)]
    assert completed(began(web=30, phone=9, left=10)) == []
    assert completed(began(web=30, phone=10, left=9)) == []
    assert completed(began(web=15, phone=10, left=14)) == [], "fewer than 30 began"
    assert completed(began(30, 10, 10, "2026-05-18")) == [], "not of the whole wave"


def test_a_published_completion_rate_is_said_in_words() -> None:
    found = cut(began(web=30, phone=0, left=10), SURVEY.id, WAVE, [], False, NOW)
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(cut_board(found))
    cells = re.sub(r"[ │]+", " ", console.export_text())
    assert "Completion rate sent it 40* 75.0% 59.8–85.8%" in cells
