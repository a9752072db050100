"""Of an anonymous survey, nothing stored joins an answer to its link, its customer or its hour."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib import columns, days, erasing, keys, links, parquet, traces
from chalicelib.jobs.merge import Merged, merge
from chalicelib.jobs.tally import tally
from chalicelib.links import Link
from chalicelib.storage import MemoryStore, Store
from chalicelib.survey import Contract, Response, ids
from generator.scores import scores
from tests.jobs.answering import KEY, NOW, at, contract, land, live, names, rejected, rows, said

SURVEY = contract(anonymous=True)
NOON = at("2026-05-17T12:00")


def answered(store: Store, *responses: Response, survey: Contract = SURVEY) -> None:
    live(store, survey)
    land(store, *responses)
    merge(store, KEY, NOW)
    tally(store, NOW, key=KEY)


def one(number: int, agent: str | None = None, ms: int = NOON, **other: Any) -> Response:
    known = {"customer": f"c-{number}"} | ({"agent": agent} if agent else {})
    return said(number, SURVEY, ms, attributes=known, **other)


def test_nothing_that_is_stored_joins() -> None:
    """Not id, digest, link, customer, attribute, second or duration; in rows, marks and names."""
    store = MemoryStore()
    code = "7Q2K9"
    links.add(store, {code: Link(SURVEY.id, True, {"customer": "c-1", "agent": "the only one"})})
    response = one(
        1,
        "the only one",
        NOON + 12_345,
        link=links.hash_of(code),
        duration=83,
        answers={"speed": 1},
    )
    answered(store, response)
    [row] = rows(store)
    assert {row[name] for name in ("link", "duration", "hour", "late")} == {None}
    assert row["received_at"] == datetime.fromtimestamp(at("2026-05-17T00:00") / 1000, UTC)
    assert "customer" not in row
    told = [response.id, response.digest, links.hash_of(code), code, "c-1", "the only one"]
    told += [str(response.received_at), str(ids.time_of(response.id))]
    for name in names(store, ""):
        if name.startswith(("links/", "definitions/")):
            continue
        data = store.get(name).data
        whole = f"{name} {data!r}" + (
            str(parquet.decode(data).to_pylist()) if name.endswith("parquet") else ""
        )
        assert not [each for each in told if each in whole], name
    assert any(name.startswith("due/") for name in names(store, "")), "and yet it is followed up"


def test_a_follow_up_does_not_tell_who_it_was() -> None:
    """A rule about an attribute would: it does not hold here."""
    store = MemoryStore()
    answered(store, one(1, "a1", answers={"speed": 1}))
    [mark] = [name for name in names(store, "") if name.startswith("due/")]
    assert mark == keys.due(
        SURVEY.id, columns.blinded_id(one(1).id, SURVEY.timezone, KEY), "unhappy"
    )


def test_what_replaces_an_id_needs_the_key() -> None:
    store = MemoryStore()
    answered(store, one(1))
    [row] = rows(store)
    assert row["response"] == columns.blinded_id(one(1).id, SURVEY.timezone, KEY)
    assert row["response"] != columns.blinded_id(one(1).id, SURVEY.timezone, b"other")
    assert ids.time_of(row["response"]) == days.start(ids.time_of(one(1).id), SURVEY.timezone)


def test_answers_are_merged_exactly_once_all_the_same() -> None:
    store = MemoryStore()
    live(store, SURVEY)
    land(store, one(1), one(2))
    assert merge(store, KEY, NOW) == Merged(merged=2, parts=1)
    land(store, one(1), one(3))
    assert merge(store, KEY, NOW) == Merged(merged=1, known=1, parts=1)
    land(store, one(2, answers={"speed": 5}))
    assert merge(store, KEY, NOW) == Merged(conflicts=1)
    assert len(rows(store)) == 3
    assert len(rejected(store)) == 1


def told(sizes: dict[str | None, int]) -> dict[str, int]:
    """The agents told, with how many, of a day that had so many of each."""
    store = MemoryStore()
    agents = [agent for agent, count in sizes.items() for _ in range(count)]
    links.add(
        store,
        {f"code{n}": Link(SURVEY.id, attributes={"agent": str(a)}) for n, a in enumerate(sizes)},
    )
    answered(store, *(one(number, agent) for number, agent in enumerate(agents)))
    found = scores(store, SURVEY.id, "agent").segments
    [everybody] = scores(store, SURVEY.id).segments
    assert everybody.n == len(agents)
    return {segment.value: segment.n for segment in found}


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [
        ({"a1": 9}, {}),
        ({"a1": 10}, {"a1": 10}),
        ({"a1": 12, "a2": 10}, {"a1": 12, "a2": 10}),
        ({"a1": 15, "a2": 3}, {}),  # everybody less a1 would be the three
        ({"a1": 20, "a2": 15, "a3": 3}, {"a1": 20}),
        ({"a1": 20, "a2": 6, "a3": 5}, {"a1": 20}),  # eleven are not told apart
        ({"a1": 15, None: 4}, {}),
        ({"a1": 15, None: 14}, {"a1": 15}),
    ],
)
def test_a_segment_is_told_from_ten_people_on(
    sizes: dict[str | None, int], shown: dict[str, int]
) -> None:
    """By its name; and nobody finds a smaller one by subtracting."""
    assert told(sizes) == shown


def test_no_difference_of_what_is_told_is_a_small_group() -> None:
    """Brute force over many days: what is left untold is nobody, or ten people and more."""
    for seed in range(12):
        sizes: Counter[str | None] = Counter(
            {f"a{n}": (seed * 7 + n * n * 5) % 23 for n in range(1, 5)}
        )
        shown = told({agent: count for agent, count in sizes.items() if count})
        left = sum(sizes.values()) - sum(shown.values())
        assert left == 0 or left >= 10 or not shown
        assert all(count >= 10 for count in shown.values())


Cells = dict[tuple[str | None, str | None], int]


def crossed(cells: Cells) -> list[dict[str, Any]]:
    """The tallies of a day on which so many had each agent and kind."""
    survey = contract(anonymous=True, segments=[["agent", "kind"]])
    store = MemoryStore()
    links.add(
        store, {f"code{a}": Link(SURVEY.id, attributes={"agent": str(a)}) for a, _ in cells if a}
    )
    people = [cell for cell, count in cells.items() for _ in range(count)]
    answered(
        store,
        *(
            said(
                number,
                survey,
                attributes={"agent": agent} if agent else {},
                answers={"care": 4, "recommend": 9} | ({"kind": kind} if kind else {}),
            )
            for number, (agent, kind) in enumerate(people)
        ),
        survey=survey,
    )
    [name] = names(store, keys.TALLIES)
    return parquet.decode(store.get(name).data).to_pylist()


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ({("a1", "repair"): 10, ("a1", "advice"): 12, ("a2", "repair"): 11}, True),
        ({("a1", "repair"): 20, ("a1", "advice"): 9, ("a2", "repair"): 20}, False),
        ({("a1", "repair"): 20, ("a1", None): 9, ("a2", None): 9}, False),  # 18 without a kind
        ({("a1", "repair"): 20, (None, "repair"): 9, (None, "advice"): 12}, False),
        ({("a1", "repair"): 20, ("a2", "advice"): 20, (None, None): 3}, False),
        ({("a1", "repair"): 20, ("a2", "advice"): 20, (None, None): 10}, True),
    ],
)
def test_pairs_of_keys_are_told_where_no_two_values_were_shared_by_few(
    cells: Cells, told: bool
) -> None:
    """From what else is told of either key, a cell that is left out could be subtracted."""
    found = [row for row in crossed(cells) if row["segment_key"] == "agent,kind"]
    sizes = {row["segment_value"]: row["n"] for row in found if row["item"] == "responses"}
    whole = {f"{a}\x1f{k}": count for (a, k), count in cells.items() if a and k}
    assert sizes == (whole if told else {})
    assert bool(found) is told


def test_moments_are_told_of_the_segments_that_are_told() -> None:
    rows = crossed({("a1", None): 12, ("a2", None): 3, ("a3", None): 14})
    paired = {(r["segment_key"], r["segment_value"]) for r in rows if r["item"] == "moments"}
    sizes = {(r["segment_key"], r["segment_value"]) for r in rows if r["item"] == "responses"}
    assert paired == sizes
    assert {value for key, value in sizes if key == "agent"} == {"a3"}


def test_other_surveys_tell_every_segment() -> None:
    store = MemoryStore()
    open_survey = contract()
    answered(store, said(1, open_survey, attributes={"agent": "a1"}), survey=open_survey)
    assert [s.value for s in scores(store, open_survey.id, "agent").segments] == ["a1"]
    assert names(store, keys.TALLIES)


def test_who_names_their_response_is_erased_from_an_anonymous_survey_too() -> None:
    """Its rows know the response by another id, which only the key leads to."""
    store = MemoryStore()
    answered(store, one(1), one(2))
    found = traces.find(store, KEY, SURVEY.id, "response", one(1).id)
    erasing.erase(store, KEY, found, NOW, "os:test")
    [row] = rows(store)
    assert row["response"] == columns.blinded_id(one(2).id, SURVEY.timezone, KEY)
    land(store, one(1))
    assert merge(store, KEY, NOW).erased == 1
    assert len(rows(store)) == 1


def test_what_is_rejected_does_not_tell_who_it_was() -> None:
    """Neither by name nor by body; and an erasure of the response still finds it."""
    store = MemoryStore()
    first = one(1, "the only one", answers={"care": 4})
    answered(store, first)
    other = one(1, "the only one", NOON, answers={"care": 1}, duration=83, received_at=NOON + 999)
    land(store, other)
    assert merge(store, KEY, NOW) == Merged(conflicts=1)
    [name] = names(store, keys.REJECTED)
    whole = f"{name} {store.get(name).data!r}"
    told = [other.id, other.digest, "the only one", "c-1", '"duration"', str(other.received_at)]
    assert [each for each in told if each in whole] == []
    [kept] = rejected(store)
    assert kept["body"]["answers"] == {"care": 1}
    assert kept["reason"].startswith("conflict")
    found = traces.find(store, KEY, SURVEY.id, "response", other.id)
    erasing.erase(store, KEY, found, NOW, "test")
    assert not names(store, keys.REJECTED)


def test_who_is_erased_by_contact_before_the_merge_does_not_come_back() -> None:
    """Rows know a response by another id than landing does, so both are forbidden."""
    store = MemoryStore()
    live(store, SURVEY)
    mine = one(1, answers={"care": 4, "phone": "13800000001"})
    land(store, mine)
    found = traces.find(store, KEY, SURVEY.id, "contact", "13800000001")
    erasing.erase(store, KEY, found, NOW, "test")
    land(store, mine)
    assert merge(store, KEY, NOW).erased == 1
    assert rows(store) == []
