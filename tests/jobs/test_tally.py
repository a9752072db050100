"""Tally: counts are those of the rows, and are made again exactly when they must be."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import combinations
from math import floor
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib import counting, keys, parquet
from chalicelib.days import day
from chalicelib.jobs.merge import merge
from chalicelib.jobs.tally import Tallied, tally
from chalicelib.keys import day_of
from chalicelib.published import publish
from chalicelib.storage import MemoryStore, Store
from chalicelib.survey import Contract, Response, index_of
from chalicelib.survey.ids import time_of
from chalicelib.survey.questions import Multiple, Rating, Scaled, Single
from tests.jobs.answering import KEY, NOW, at, choices, contract, land, live, names, said

SURVEY = contract(segments=[["agent", "hour"], ["kind", "agent"]])
Key = tuple[str, str, str, str]


def tallies(store: Store, survey: str = "service") -> dict[Key, tuple[int, int | None]]:
    """Counts and totals over all days, by segment key, segment value, item and value."""
    sums: dict[Key, list[int | None]] = defaultdict(lambda: [0, None])
    for name in names(store, f"{keys.TALLIES}{survey}/"):
        for row in parquet.decode(store.get(name).data).to_pylist():
            assert row["flagged"] is False
            if row["item"] == "moments":
                continue
            found = sums[row["segment_key"], row["segment_value"], row["item"], row["value"]]
            found[0] = (found[0] or 0) + row["n"]
            if row["total"] is not None:
                found[1] = (found[1] or 0) + row["total"]
    return {key: (n or 0, total) for key, (n, total) in sums.items()}


def moments(store: Store, survey: str = "service") -> dict[Key, tuple[int, ...]]:
    """How many gave both ratings, Σx, Σy and Σxy, over all days."""
    sums: dict[Key, list[tuple[int, ...]]] = defaultdict(list)
    for name in names(store, f"{keys.TALLIES}{survey}/"):
        for row in parquet.decode(store.get(name).data).to_pylist():
            numbers = tuple(row[name] for name in ("n", "total_x", "total_y", "total"))
            assert (None in numbers[1:3]) is (row["item"] != "moments")
            if row["item"] == "moments":
                where = row["segment_key"], row["segment_value"], row["item"], row["value"]
                sums[where].append(numbers)
    return {key: tuple(map(sum, zip(*each, strict=True))) for key, each in sums.items()}


def segments_of(response: Response) -> dict[str, str]:
    hour = str((time_of(response.id) // 3_600_000 + 8) % 24).zfill(2)
    agent, kind = response.attributes.get("agent"), response.answers.get("kind")
    known = {"": "", "channel": response.channel, "language": "en", "hour": hour}
    known |= {"agent": agent, "kind": kind}  # type: ignore[dict-item]
    if agent is not None:
        known["agent,hour"] = f"{agent}\x1f{hour}"
        if kind is not None:
            known["kind,agent"] = f"{kind}\x1f{agent}"
    return {key: value for key, value in known.items() if value is not None}


def paired(survey: Contract, responses: list[Response]) -> dict[Key, tuple[int, ...]]:
    """Moments by plain Python."""
    ratings = sorted(q.id for q in survey.questions if isinstance(q, Scaled))
    sums: dict[Key, list[tuple[int, ...]]] = defaultdict(list)
    for response in responses:
        for x, y in combinations(ratings, 2):
            a, b = response.answers.get(x), response.answers.get(y)
            if isinstance(a, int) and isinstance(b, int):
                for key, value in segments_of(response).items():
                    if key != "hour" and "," not in key:
                        sums[key, value, "moments", f"{x}|{y}"].append((1, a, b, a * b))
    return {key: tuple(map(sum, zip(*each, strict=True))) for key, each in sums.items()}


def counted(survey: Contract, responses: list[Response]) -> dict[Key, tuple[int, int | None]]:
    """The same by plain Python, straight from what was said."""
    counts: Counter[Key] = Counter()
    totals: Counter[Key] = Counter()
    for response in responses:
        said = response.answers
        index = index_of(survey, said)
        items: list[tuple[str, str]] = [("responses", "")]
        for question in survey.questions:
            answer = said.get(question.id)
            if answer is None or not question.tallies:
                continue
            if isinstance(answer, list):
                items += [(question.id, ""), *((question.id, code) for code in answer)]
            else:
                items.append((question.id, str(answer)))
        if index is not None:
            items += [("index", str(int(index + 0.5))), ("index_spread", "")]
            items += [("reweighted", "")] * (
                not all(isinstance(said.get(q.id), int) for q in survey.weighted)
            )
        if "solved" in said and "contacts" in said:
            both = said["solved"] == "yes" and said["contacts"] == "once"
            items.append(("fcr", "yes" if both else "no"))
        for key, value in segments_of(response).items():
            for item in items:
                counts[key, value, *item] += 1
                if item[0] in ("index", "index_spread") and index is not None:
                    off = Fraction(index) - int(index + 0.5)
                    worth = {
                        "index": floor(Fraction(index * counting.NANO) + Fraction(1, 2)),
                        "index_spread": floor(off * counting.MICRO + Fraction(1, 2)) ** 2,
                    }
                    totals[key, value, *item] += worth[item[0]]
    return {key: (n, totals.get(key)) for key, n in counts.items()}


def drawn(count: int, seed: int = 1, days: int = 3) -> list[Response]:
    draw = random.Random(seed)
    offered: dict[str, list[Any]] = {
        "kind": ["repair", "advice", "other"],
        "speed": [1, 2, 3, 4, 5, "na"],
        "care": [1, 2, 3, 4, 5],
        "recommend": list(range(11)),
        "improve": [["price"], ["price", "time"], ["time", "skill"]],
        "contacts": ["once", "more"],
        "solved": ["yes", "no"],
        "price": [1.5, 2.25],
        "comment": ["好", "''; drop"],
    }
    return [
        said(
            number,
            SURVEY,
            at(f"2026-05-{17 + draw.randrange(days)}T{draw.randrange(24):02}:30"),
            channel=draw.choice(["open", "personal"]),
            attributes={"agent": draw.choice(["a1", "a2", "it's"])} if draw.random() < 0.8 else {},
            answers={name: draw.choice(v) for name, v in offered.items() if draw.random() < 0.7},
        )
        for number in range(count)
    ]


def test_tallies_are_the_counts_of_what_was_said(store: Store) -> None:
    """Every segment, item and value; N/A; several codes; index; first-contact resolution."""
    live(store, SURVEY)
    responses = drawn(300)
    land(store, *responses)
    merge(store, KEY, NOW)
    assert tally(store, NOW) == Tallied(days=3, written=3)
    expected = counted(SURVEY, responses)
    assert tallies(store) == expected
    assert moments(store) == paired(SURVEY, responses)
    plain = {"", "channel", "language", "hour", "agent", "kind"}
    assert {key for key, *_ in expected} == plain | {"agent,hour", "kind,agent"}
    assert {i for _, _, i, _ in expected} > {"responses", "index", "fcr", "improve", "speed"}


def test_counting_day_by_day_is_counting_at_once() -> None:
    """Incremental equals full recompute exactly, also in sums of the index."""
    responses = drawn(400, seed=2)
    stepwise, whole = MemoryStore(), MemoryStore()
    for store in (stepwise, whole):
        live(store, SURVEY)
    for start in range(0, 400, 80):
        land(stepwise, *responses[start : start + 80])
        merge(stepwise, KEY, NOW)
        tally(stepwise, NOW)
    land(whole, *responses)
    merge(whole, KEY, NOW)
    tally(whole, NOW)
    assert tallies(stepwise) == tallies(whole) == counted(SURVEY, responses)


VERSIONS = (SURVEY, contract(Rating(id="worth", text={})), contract(segments=[["kind", "hour"]]))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    st.lists(
        st.one_of(
            st.lists(st.integers(0, 200), min_size=1, max_size=25, unique=True).map(tuple),
            st.integers(0, len(VERSIONS) - 1),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_order_of_days_versions_and_late_rows_is_counted_as_at_once(
    steps: list[tuple[int, ...] | int],
) -> None:
    """A step lands responses, some again, of any days; or publishes. A day is counted again
    exactly if a part of it, or the survey, changed; and the bytes are those of counting anew."""
    responses = drawn(200, seed=5, days=4)
    store, now, landed = MemoryStore(), NOW, set[int]()
    publish(store, SURVEY, now)
    published = {SURVEY.version}
    for step in steps:
        now += 1000
        before = {day_of(n) for n in names(store, keys.RESPONSES)}
        if isinstance(step, int):
            publish(store, VERSIONS[step], now)
            due = set() if VERSIONS[step].version in published else before
            published.add(VERSIONS[step].version)
        else:
            land(store, *(responses[number] for number in step))
            merge(store, KEY, now)
            due = {day(time_of(responses[n].id), "Asia/Shanghai") for n in {*step} - landed}
            landed |= {*step}
        assert tally(store, now).written == len(due)
        assert tally(store, now).written == 0
    kept = {name: store.get(name).data for name in names(store, keys.TALLIES)}
    store.delete(kept)
    tally(store, now)
    assert {name: store.get(name).data for name in names(store, keys.TALLIES)} == kept


def test_nothing_is_counted_again_that_did_not_change(store: Store) -> None:
    live(store, SURVEY)
    land(store, *drawn(10))
    merge(store, KEY, NOW)
    first = tally(store, NOW)
    tally(store, NOW)  # adds weeks and months up
    before = [(entry.key, entry.tag) for entry in store.list("")]
    assert tally(store, NOW + 1) == Tallied(days=first.days, unchanged=first.days)
    assert [(entry.key, entry.tag) for entry in store.list("")] == before


def test_only_the_day_that_changed_is_counted_again(store: Store) -> None:
    live(store, SURVEY)
    land(store, said(1, SURVEY), said(2, SURVEY, at("2026-05-20T12:00")))
    merge(store, KEY, NOW)
    assert tally(store, NOW).written == 2
    land(store, said(3, SURVEY, at("2026-05-17T08:00"), received_at=NOW))
    merge(store, KEY, NOW)
    assert tally(store, NOW) == Tallied(days=2, written=1, unchanged=1)
    assert tallies(store)["", "", "responses", ""] == (3, None)


def test_a_new_version_is_counted_anew() -> None:
    store = MemoryStore()
    live(store, SURVEY)
    land(store, said(1, SURVEY))
    merge(store, KEY, NOW)
    assert tally(store, NOW).written == 1
    live(store, contract(Rating(id="worth", text={})))
    assert tally(store, NOW).written == 1
    assert tally(store, NOW).written == 0


def test_a_new_way_of_counting_is_counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    live(store, SURVEY)
    land(store, said(1, SURVEY))
    merge(store, KEY, NOW)
    assert tally(store, NOW).written == 1
    monkeypatch.setattr(counting, "FORMAT", "of tomorrow")
    assert tally(store, NOW).written == 1
    assert tally(store, NOW).written == 0


def test_a_new_part_makes_its_day_stale() -> None:
    store = MemoryStore()
    live(store, SURVEY)
    land(store, said(1, SURVEY))
    merge(store, KEY, NOW)
    tally(store, NOW)
    [part] = names(store, keys.RESPONSES)
    table = parquet.decode(store.get(part).data)
    other = pa.array(["0" * 26])
    moved = table.set_column(0, "response", other)
    store.create(part.replace("part-000", "part-001"), parquet.encode(moved))
    assert tally(store, NOW).written == 1
    assert tallies(store)["", "", "responses", ""] == (2, None)


def test_a_tally_that_was_overtaken_writes_nothing_over_the_newer() -> None:
    store = MemoryStore()
    live(store, SURVEY)
    land(store, said(1, SURVEY))
    merge(store, KEY, NOW)

    class Overtaken(MemoryStore):
        """Somebody else tallies a later state while this one counts."""

        def __init__(self) -> None:
            self.once = True

        def __getattribute__(self, name: str) -> Any:
            return (
                object.__getattribute__(self, name)
                if name in ("create", "once")
                else getattr(store, name)
            )

        def create(self, key: str, data: bytes) -> None:
            land(store, said(2, SURVEY))
            merge(store, KEY, NOW)
            tally(store, NOW)
            store.create(key, data)

    assert tally(Overtaken(), NOW).written == 0
    assert tallies(store)["", "", "responses", ""] == (2, None)


def test_versions_are_counted_together() -> None:
    """A question that is new, one that is gone, and first-contact resolution by either's words."""
    store = MemoryStore()
    older = contract(Rating(id="gone", text={}))
    newer = contract(
        Rating(id="worth", text={}),
        Multiple(id="seen", text={}, choices=choices("shop", "web")),
    )
    live(store, older, newer)
    land(
        store,
        said(1, older, answers={"gone": 4, "solved": "yes", "contacts": "once"}),
        said(2, newer, answers={"worth": 4, "seen": ["web"], "solved": "yes", "contacts": "more"}),
    )
    merge(store, KEY, NOW)
    tally(store, NOW)
    found = tallies(store)
    for item, value in (("gone", "4"), ("worth", "4"), ("seen", ""), ("seen", "web")):
        assert found["", "", item, value] == (1, None)
    assert found["", "", "fcr", "yes"] == found["", "", "fcr", "no"] == (1, None)


def test_a_question_nobody_was_asked_that_day_is_no_error() -> None:
    """Its column is in no part yet."""
    store = MemoryStore()
    live(store, SURVEY)
    land(store, said(1, SURVEY))
    merge(store, KEY, NOW)
    live(store, contract(Rating(id="worth", text={})))
    tally(store, NOW)
    assert ("", "", "responses", "") in tallies(store)


def test_the_customer_and_what_is_personal_are_never_counted() -> None:
    store = MemoryStore()
    private = Single(id="private", text={}, choices=choices("a", "b"), personal=True, segment=True)
    survey = contract(private)
    live(store, survey)
    land(store, said(1, survey, answers={"private": "a"}, attributes={"customer": "c-17"}))
    merge(store, KEY, NOW)
    tally(store, NOW)
    found = tallies(store)
    assert not {"customer", "private"} & {part for key in found for part in key}


def test_one_bad_day_does_not_keep_the_others_waiting() -> None:
    store = MemoryStore()
    live(store, SURVEY)
    store.create("responses/service/dt=2026-05-16/part-000.parquet", b"torn")
    land(store, said(1, SURVEY))
    merge(store, KEY, NOW)
    with pytest.raises(ExceptionGroup):
        tally(store, NOW)
    assert names(store, keys.TALLIES) == ["tallies/service/dt=2026-05-17/tallies.parquet"]


def test_a_reader_finds_one_key_without_reading_the_others() -> None:
    table = pa.table({"key": [f"k{n // 100:02}" for n in range(1000)], "n": list(range(1000))})
    data = parquet.encode(table, group=50)
    assert parquet.decode_where(data, {"key": ["k07"]})["n"].to_pylist() == list(range(700, 800))
    assert parquet.decode_where(data, {"key": ["zz"]}).num_rows == 0


def test_the_sql_is_athenas_and_says_every_cast() -> None:
    """No division, and nothing of DuckDB's own, before it is translated."""
    text = counting.statement([SURVEY])
    assert "UNNEST" in text
    assert "/" not in text
    assert "::" not in text
    assert "CREATE" not in text
    assert all(step in text for _, step in counting.steps([SURVEY]).tables)
