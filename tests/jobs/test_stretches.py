"""Weeks and months added up: whoever reads scores finds what the days say, and finds it sooner."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import product

import pytest

from chalicelib import keys, parquet, stretches
from chalicelib.jobs.merge import merge
from chalicelib.jobs.stretches import add_up
from chalicelib.jobs.tally import tally
from chalicelib.storage import MemoryStore, Missing, Stored
from chalicelib.survey import Response
from generator.tallied import Tallied, Window, contracts_of, read
from tests.jobs.answering import KEY, NOW, at, contract, land, live, names, said

SURVEY = contract(segments=[["agent", "hour"]])
FIRST = date(2026, 4, 25)
"""A Saturday; of the 50 days from there on, all of May is whole."""
CUTS = (
    *([], ["agent"], ["agent", "hour"], ["hour", "agent"], ["day"], ["week"], ["month"]),
    *(["agent", "month"], ["week", "agent"], ["agent", "hour", "week"]),
)
WINDOWS: tuple[Window, ...] = (
    *((None, None), ("2026-05-01", "2026-05-31"), ("2026-05-05", "2026-06-03")),
    *(("2026-05-06", None), (None, "2026-05-06")),
)


class Reading(MemoryStore):
    """Remembers what was read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    def get(self, key: str) -> Stored:
        self.read.append(key)
        return super().get(key)


def answered(days: int = 50) -> list[Response]:
    draw = random.Random(1)
    offered = {"speed": [1, 3, 5, "na"], "care": [2, 4], "recommend": [0, 9], "kind": ["advice"]}
    return [
        said(
            number,
            SURVEY,
            at(f"{FIRST + timedelta(number % days)}T{draw.randrange(8, 11):02}:30"),
            attributes={"agent": draw.choice(["a1", "a2"])} if draw.random() < 0.8 else {},
            answers={n: draw.choice(v) for n, v in offered.items() if draw.random() < 0.7},
            duration=draw.choice([1, 90]),
        )
        for number in range(3 * days)
    ]


def counted(days: int = 50, now: int = NOW) -> Reading:
    store = Reading()
    live(store, SURVEY)
    land(store, *answered(days))
    merge(store, KEY, NOW)
    tally(store, now)
    tally(store, now)
    return store


def read_of(store: Reading, by: list[str], window: Window = (None, None)) -> list[str]:
    """The tallies and stretches that an answer is made of."""
    store.read.clear()
    read(store, contracts_of(store, SURVEY.id), by, window)
    return [key for key in store.read if key.startswith((keys.TALLIES, keys.STRETCHES))]


def everything(store: MemoryStore) -> list[Tallied]:
    contracts = contracts_of(store, SURVEY.id)
    return [
        read(store, contracts, by, window, without)
        for by, window, without in product(CUTS, WINDOWS, (False, True))
    ]


def added(store: MemoryStore) -> set[str]:
    """The names of what is added up."""
    found = names(store, keys.STRETCHES)
    return {key.rpartition("/")[2].rpartition("-")[0] for key in found}


def test_every_cut_of_every_window_is_what_the_days_say() -> None:
    store = counted()
    found = everything(store)
    assert added(store) >= {"2026-04", "2026-05", "2026-06", "2026-05-W19"}
    store.delete(names(store, keys.STRETCHES))
    assert found == everything(store)


def test_whole_months_and_weeks_are_read_as_one() -> None:
    store = counted()
    assert [key.split("/")[2][:8] for key in read_of(store, ["agent"])] == [
        *("2026-04-", "2026-05-", "2026-06-")
    ]
    weeks = read_of(store, ["week"], ("2026-05-04", "2026-05-17"))
    assert [key.split("/")[2][:11] for key in weeks] == ["2026-05-W19", "2026-05-W20"]
    assert len(read_of(store, ["day"])) == 50
    part = read_of(store, [], ("2026-05-03", "2026-05-11"))
    assert [key.partition("/")[0] for key in part] == ["tallies", "stretches", "tallies"]


def test_a_week_that_two_months_share_is_two_stretches() -> None:
    assert stretches.week("2026-04-30") == "2026-04-W18"
    assert stretches.week("2026-05-01") == "2026-05-W18"


def test_a_day_that_changed_is_never_read_as_it_was() -> None:
    """Neither before its stretches are added up again nor after."""
    store = counted()
    before = set(names(store, keys.STRETCHES))
    tag = store.get(key := keys.tallies(SURVEY.id, "2026-05-20")).tag
    rows = parquet.decode(store.get(key).data)
    store.replace(key, parquet.encode(rows.slice(0, 0)), tag)
    found = everything(store)
    assert key in read_of(store, ["agent"])
    with ThreadPoolExecutor(2) as pool:
        assert add_up(store, pool, NOW) == []
    after = set(names(store, keys.STRETCHES))
    assert len(before - after) == len(after - before) == 2, "its week and its month"
    assert key not in read_of(store, ["agent"])
    assert found == everything(store)


def test_nothing_is_added_up_again_that_did_not_change() -> None:
    store = counted()
    before = [(entry.key, entry.tag) for entry in store.list("")]
    store.read.clear()
    with ThreadPoolExecutor(2) as pool:
        add_up(store, pool, NOW + 1)
    assert store.read == []
    assert [(entry.key, entry.tag) for entry in store.list("")] == before


def test_a_stretch_waits_until_its_days_rest() -> None:
    """A late answer has its day counted, and not at once its month added up again."""
    store = counted()
    before = added(store)
    late = at("2026-05-20T11:30")
    land(store, said(9999, SURVEY, late, answers={"speed": 1}))
    merge(store, KEY, NOW)
    tally(store, NOW)
    assert before - added(store) == {"2026-05", "2026-05-W21"}
    tally(store, NOW)
    assert added(store) == before


def test_what_is_not_over_waits() -> None:
    """Its days change with every answer."""
    store = counted(now=at("2026-05-20T12:00"))
    assert added(store) == {"2026-04", "2026-04-W18"} | {f"2026-05-W{n}" for n in (18, 19, 20)} | {
        "2026-04-W17"
    }


def test_a_pair_that_was_turned_around_is_added_up_in_both_orders() -> None:
    store = Reading()
    live(store, SURVEY)
    land(store, said(1, SURVEY, at("2026-05-05T10:00"), attributes={"agent": "a1"}))
    merge(store, KEY, NOW)
    tally(store, at("2026-05-06T12:00"))
    old = store.get(keys.tallies(SURVEY.id, "2026-05-05"))
    rows = parquet.decode(old.data)
    other = rows.set_column(
        0,
        "segment_key",
        [["hour,agent" if k == "agent,hour" else k for k in rows["segment_key"].to_pylist()]],
    )
    swapped = [
        "\x1f".join(reversed(value.split("\x1f"))) for value in rows["segment_value"].to_pylist()
    ]
    other = other.set_column(1, "segment_value", [swapped])
    store.create(keys.tallies(SURVEY.id, "2026-05-06"), parquet.encode(other))
    with ThreadPoolExecutor(2) as pool:
        add_up(store, pool, NOW)
    assert read_of(store, ["agent", "hour"])[0].startswith(keys.STRETCHES)
    found = read(store, contracts_of(store, SURVEY.id), ["agent", "hour"])
    assert found.kept["a1", "10"]["responses"] == {"": (2, 0)}


def test_a_stretch_that_goes_while_it_is_read_is_read_as_days() -> None:
    store = counted()
    found = read(store, contracts_of(store, SURVEY.id), ["agent"])

    class Gone(Reading):
        def get(self, key: str) -> Stored:
            if key.startswith(keys.STRETCHES):
                raise Missing(key)
            return store.get(key)

        list = staticmethod(store.list)  # type: ignore[assignment]

    assert read(Gone(), contracts_of(store, SURVEY.id), ["agent"]) == found


@pytest.mark.parametrize("most", [1, 2, 5, 40])
@pytest.mark.parametrize("without_flagged", [False, True])
def test_the_largest_segments_are_what_they_are_among_all(most: int, without_flagged: bool) -> None:
    """Of those alike the first by name; from weeks, months and days, and of both orders of a
    pair."""
    store = counted()
    contracts = contracts_of(store, SURVEY.id)
    for by, window in product(CUTS, WINDOWS):
        every = read(store, contracts, by, window, without_flagged)
        sizes = every.kept.responses
        wanted = sorted(sizes, key=lambda values: (-sizes[values], values))[:most]
        found = read(store, contracts, by, window, without_flagged, most)
        assert set(found.kept) == set(wanted)
        assert found.more == len(sizes) - len(wanted)
        for values in wanted:
            assert found.kept[values] == every.kept[values]
            assert found.every[values] == every.every[values]
            assert found.flagged[values] == every.flagged[values]
