"""Waves, segments against the rest, traces, drivers and what may be published, from tallies."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from msgspec.structs import replace
from rich.console import Console

from chalicelib import keys, parquet
from chalicelib.jobs.merge import merge
from chalicelib.jobs.tally import tally
from chalicelib.storage import MemoryStore
from chalicelib.survey import Contract
from chalicelib.survey.drivers import Undetermined
from chalicelib.survey.questions import Rating, Score
from generator.boards import compared_board, cut_board, drivers_board, trace_board
from generator.cuts import cut
from generator.driving import driving
from generator.scores import scores
from generator.tallied import BETWEEN, Unscorable
from generator.tracing import trace
from generator.waves import compare_segments, compare_waves, window
from tests.jobs.answering import KEY, NOW, at, contract, land, live, said

SURVEY: Contract = contract(
    Rating(id="manner", text={"en": "Manner"}, dimension="manner"),
    Score(id="overall", text={"en": "Overall"}),
)
AGENTS = {"a1": (1, 3), "a2": (4, 5), "a3": (4, 5)}
"""Each agent's worst and best manner."""


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    """Two months; a1 is rude, and in June everybody is solved less often."""
    store = MemoryStore()
    live(store, SURVEY)
    chance = random.Random(4)
    responses = []
    for number in range(400):
        agent = [*AGENTS][number % 3]
        month = 5 + number % 2
        manner = chance.randint(*AGENTS[agent])
        answers = {
            "manner": manner,
            "speed": chance.randint(1, 5),
            "overall": min(10, 2 * manner + chance.randint(0, 1)),
            "solved": "yes" if chance.random() < (0.9 if month == 5 else 0.5) else "no",
        }
        when = at(f"2026-{month:02}-{1 + number % 28:02}T{9 + number // 3 % 3:02}:00")
        attributes = {"agent": agent if number else "tiny"}
        responses.append(said(number, SURVEY, when, answers=answers, attributes=attributes))
    land(store, *responses)
    merge(store, KEY, NOW)
    tally(store, NOW)
    return store


@pytest.mark.parametrize(
    ("wave", "first", "last"),
    [
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-Q3", "2026-07-01", "2026-09-30"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026-W01", "2025-12-29", "2026-01-04"),
        ("2026-09-14", "2026-09-14", "2026-09-14"),
        ("2026-09-01..2026-09-30", "2026-09-01", "2026-09-30"),
    ],
)
def test_a_wave_is_a_period(wave: str, first: str, last: str) -> None:
    assert window(wave) == (first, last)


@pytest.mark.parametrize(
    "wave", ["", "2026-13", "2026-Q5", "2026-W60", "May", "2026-09-30..2026-09-01", "20260914"]
)
def test_what_is_no_wave_is_said_to_be_none(wave: str) -> None:
    with pytest.raises(Unscorable, match=r"is no wave; write 2026|ends before it begins"):
        window(wave)


def test_waves_tell_what_changed_and_what_shows_no_evidence(store: MemoryStore) -> None:
    found = compare_waves(store, SURVEY.id, ("2026-05", "2026-06"))
    verdicts = {(line.item, line.figure): line.test.verdict for line in found.lines}
    assert verdicts["solved", "yes"] == "lower"
    assert verdicts["manner", "mean"] == "no_evidence"
    assert ("solved", "mean") not in verdicts
    text = shown(compared_board(found))
    assert "lower" in text
    assert "no evidence" in text
    change = next(line.test.difference for line in found.lines if line.item == "solved")
    assert f" {100 * change:+.1f} pp" in text  # 2 % of 40 % would be less


def test_a_name_too_long_for_its_column_goes_on_below(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two questions that begin alike would be one."""
    monkeypatch.setenv("COLUMNS", "60")
    found = compare_waves(store, SURVEY.id, ("2026-05", "2026-06"))
    long = [replace(line, text={"en": "How politely " + line.item}) for line in found.lines]
    console = Console(width=60, record=True, file=io.StringIO())
    console.print(compared_board(replace(found, lines=long)))
    text = console.export_text()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 60


def test_waves_that_share_days_are_refused(store: MemoryStore) -> None:
    with pytest.raises(Unscorable, match="share days"):
        compare_waves(store, SURVEY.id, ("2026-Q2", "2026-06"))


def test_a_segment_stands_beside_the_rest(store: MemoryStore) -> None:
    """The rest is everybody else, also who has another or no value."""
    found = compare_segments(store, SURVEY.id, "agent", "manner")
    means = {line.segment: line.test for line in found.lines if line.figure == "mean"}
    assert means["a1"].verdict == "lower"
    assert means["a2"].verdict == "higher"
    assert means["tiny"].verdict == "too_few"
    assert means["a1"].before.n + means["a1"].after.n == 400
    with pytest.raises(Unscorable, match="no figure of 'nothing'; it has: "):
        compare_segments(store, SURVEY.id, "agent", "nothing")


def test_a_low_dimension_is_traced_to_who_would_lift_it_most(store: MemoryStore) -> None:
    found = trace(store, SURVEY.id, "manner")
    worst = found.sources[0]
    assert (worst.key, worst.value, worst.test.verdict) == ("agent", "a1", "lower")
    whole = found.scores["manner"]
    rest = compare_segments(store, SURVEY.id, "agent", "manner").lines
    others = next(line.test.before.value for line in rest if line.segment == "a1")
    assert whole.mean + worst.gain == pytest.approx(others)
    assert worst.of_shortfall > worst.of_answers
    assert [s.gain for s in found.sources] == sorted((s.gain for s in found.sources), reverse=True)
    assert "agent a1" in shown(trace_board(found))
    with pytest.raises(Unscorable, match="has no dimension 'smile'; it has: manner"):
        trace(store, SURVEY.id, "smile")


def test_scores_by_day_week_and_month_and_beside_a_key(store: MemoryStore) -> None:
    months = scores(store, SURVEY.id, "month").segments
    assert [(s.value, s.n) for s in months] == [("2026-05", 200), ("2026-06", 200)]
    assert sum(s.n for s in scores(store, SURVEY.id, "week").segments) == 400
    both = scores(store, SURVEY.id, ["agent", "month"]).segments
    assert ["a1", "2026-05"] in [s.values for s in both]
    assert sum(s.n for s in both) == 400
    with pytest.raises(Unscorable, match="not counted by agent and hour together"):
        scores(store, SURVEY.id, ["agent", "hour"])
    with pytest.raises(Unscorable, match="at most two"):
        scores(store, SURVEY.id, ["agent", "agent"])


def with_more(store: MemoryStore, more: list[dict[str, object]]) -> MemoryStore:
    """A copy whose first day has further rows, as a later tally writes them."""
    copy = MemoryStore()
    for entry in store.list(""):
        copy.create(entry.key, store.get(entry.key).data)
    name = next(entry.key for entry in store.list(keys.TALLIES))
    old = parquet.decode(store.get(name).data).to_pylist()
    plain = {"segment_key": "", "segment_value": "", "value": "", "flagged": False, "total": None}
    rows = [*old, *({**plain, **row} for row in more)]
    rows.sort(key=lambda row: (row["item"] == "moments", row["segment_key"]))
    names = [*old[0], "total_x", "total_y"]
    texts = ("segment_key", "segment_value", "item", "value")
    types = {n: pa.string() for n in texts} | {"flagged": pa.bool_()}
    table = pa.table(
        {n: pa.array([row.get(n) for row in rows], types.get(n, pa.int64())) for n in names}
    )
    copy.delete([name])
    copy.create(name, parquet.encode(table))
    return copy


def test_pairs_of_keys_are_read_in_either_order(store: MemoryStore) -> None:
    pair = {"segment_key": "agent,hour", "segment_value": f"a1{BETWEEN}09", "item": "responses"}
    more = with_more(store, [pair | {"n": 7}])
    for by in (["agent", "hour"], ["hour", "agent"]):
        [segment] = scores(more, SURVEY.id, by).segments
        assert segment.n == 7
        assert segment.values == (["a1", "09"] if by[0] == "agent" else ["09", "a1"])


def test_drivers_are_the_moments(store: MemoryStore) -> None:
    """Against numpy's least squares of the very answers."""
    answers = rated(store)
    found = driving(store, SURVEY.id, "overall", ["manner", "speed"])
    design = np.column_stack([np.ones(400), answers["manner"], answers["speed"]])
    left = np.linalg.lstsq(design, answers["overall"], rcond=None)[1][0]
    expected = 1 - left / ((answers["overall"] - answers["overall"].mean()) ** 2).sum()
    assert found.r2 == pytest.approx(expected, abs=1e-9)
    assert sum(driver.share for driver in found.drivers) == pytest.approx(found.r2, abs=1e-12)
    assert (found.drivers[0].item, found.n, found.method) == ("manner", 400, "shapley")
    assert found.drivers[1].weight == 0.6
    assert "Manner" in shown(drivers_board(found))
    assert scores(store, SURVEY.id).segments[0].n == 400, "moments disturb no score"


def test_without_moments_drivers_say_so(store: MemoryStore) -> None:
    with pytest.raises((Unscorable, Undetermined), match=r"job tally|leave"):
        driving(store, SURVEY.id, "overall", ["manner", "speed", "care"])
    with pytest.raises(Unscorable, match="no rating 'solved'"):
        driving(store, SURVEY.id, "solved")


def rated(store: MemoryStore) -> dict[str, np.ndarray]:
    parts = [parquet.decode(store.get(e.key).data) for e in store.list(keys.RESPONSES)]
    table = pa.concat_tables(parts, promote_options="default")
    return {name: np.array(table[name].to_pylist()) for name in ("manner", "speed", "overall")}


def test_a_publication_tells_nobody_small(store: MemoryStore) -> None:
    """One response has an agent of its own; another agent goes with it."""
    data = copied(store)
    found = cut(data, SURVEY.id, "2026-05", ["agent"], False, NOW)
    people = [row for row in found.rows if row.item == "responses"]
    assert {row.segment[0] for row in people} < {"a1", "a2", "a3"}
    assert len(people) == 2
    assert sum(row.n for row in people) <= 200 - 10
    for row in found.rows:
        assert row.figure == "n" or row.n >= 30
        if row.figure in ("top2", "yes"):
            hits = round(row.value * row.n)
            assert all(side == 0 or side >= 10 for side in (hits, row.n - hits))
    assert "tiny" not in shown(cut_board(found))


def test_waves_published_twice_in_other_company_are_refused(store: MemoryStore) -> None:
    """A quarter less two of its months would be the third."""
    data = copied(store)
    cut(data, SURVEY.id, "2026-05", ["agent"], False, NOW)
    cut(data, SURVEY.id, "2026-05", [], False, NOW)
    cut(data, SURVEY.id, "2026-06", [], False, NOW)
    with pytest.raises(Unscorable, match=r"shares days with 2026-05-01\.\.2026-05-31"):
        cut(data, SURVEY.id, "2026-Q2", [], False, NOW)
    with pytest.raises(Unscorable, match="another choice about flagged"):
        cut(data, SURVEY.id, "2026-05", [], True, NOW)
    with pytest.raises(Unscorable, match="each wave by itself"):
        cut(data, SURVEY.id, "2026-07", ["day"], False, NOW)
    events = [json.loads(data.get(e.key).data) for e in data.list(keys.AUDIT)]
    assert [event["what"] for event in events] == ["export"] * 3


def copied(store: MemoryStore) -> MemoryStore:
    copy = MemoryStore()
    for entry in store.list(""):
        copy.create(entry.key, store.get(entry.key).data)
    return copy


def shown(board: object) -> str:
    console = Console(width=100, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115
    console.print(board)
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 100
    console.file.close()
    return text
