"""Who left and came back to answer has not left: merge takes their mark away, wherever it dies."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from chalicelib import break_offs, claims, keys, links
from chalicelib.break_offs import BreakOff
from chalicelib.claims import Claim
from chalicelib.jobs.merge import Merged, merge
from chalicelib.storage import MemoryStore, Store
from chalicelib.survey import Response, ids
from tests.jobs.answering import (
    KEY,
    NOON,
    NOW,
    Crash,
    Mortal,
    contract,
    land,
    live,
    names,
    rows,
    said,
)

SURVEY = contract()


def mark(number: int) -> BreakOff:
    return BreakOff(
        ids.make(NOON - 1000, zlib.crc32(b"left %d" % number)), SURVEY.version, "en", "speed"
    )


def put(store: Store, *numbers: int) -> list[str]:
    found = [break_offs.key(SURVEY.id, SURVEY.timezone, mark(number)) for number in numbers]
    for key in found:
        store.create(key, b"")
    return found


def back(number: int, **other: Any) -> Response:
    """Somebody who left and came back."""
    return said(number, SURVEY, left=mark(number).name, **other)


def test_who_came_back_has_not_left(store: Store) -> None:
    live(store, SURVEY)
    _, stays = put(store, 1, 2)
    land(store, back(1), said(3, SURVEY), back(4))  # the mark of 4 never arrived
    assert merge(store, KEY, NOW).merged == 3
    assert names(store, keys.LEFT) == [stays]
    assert all("left" not in row for row in rows(store))


def test_a_mark_that_comes_late_goes_with_a_replay(store: Store) -> None:
    live(store, SURVEY)
    land(store, back(1))
    merge(store, KEY, NOW)
    put(store, 1)
    land(store, back(1))
    assert merge(store, KEY, NOW) == Merged(known=1)
    assert names(store, keys.LEFT) == []


def test_whose_personal_link_has_another_answer_has_not_left_either() -> None:
    store = MemoryStore()
    live(store, SURVEY)
    put(store, 1)
    link = links.hash_of("WINNER")
    claims.make(store, SURVEY.id, link, Claim(said(2, SURVEY).id, said(2, SURVEY).digest))
    land(store, back(1, link=link, personal_link=True))
    assert merge(store, KEY, NOW).refused == 1
    assert names(store, keys.LEFT) == []


@pytest.mark.parametrize(
    "hostile", ["../landing/service/x", "7" + "Z" * 25 + mark(1).name[26:], "x", "/", "%00"]
)
def test_a_name_that_is_none_touches_nothing(hostile: str) -> None:
    """Accept lets it go; this is for what landed some other way."""
    store = MemoryStore()
    live(store, SURVEY)
    there = put(store, 1)
    land(store, said(1, SURVEY, left=hostile))
    assert merge(store, KEY, NOW).merged == 1
    assert names(store, keys.LEFT) == there


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_merge_that_dies_anywhere_is_finished_by_the_next(after: bool) -> None:
    call, died = 0, True
    while died:
        store = MemoryStore()
        live(store, SURVEY)
        *_, stays = put(store, 1, 2, 9)
        land(store, back(1), back(2), said(3, SURVEY))
        died = False
        try:
            merge(Mortal(store, call, after=after), KEY, NOW)
        except Crash:
            died = True
        waiting = {Response.from_json(store.get(key).data).left for key in names(store, "landing/")}
        here = {key.rpartition("/")[2] for key in names(store, keys.LEFT)} - {mark(9).name}
        assert here <= waiting, "while a mark is there, what landed still names it"
        merge(store, KEY, NOW)
        assert names(store, keys.LEFT) == [stays]
        assert len(rows(store)) == 3
        call += 1
    assert call > 10
