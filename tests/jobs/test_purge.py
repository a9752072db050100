"""Purge: what a survey does not keep any longer goes by whole days, and stays gone."""

from __future__ import annotations

import boto3
import msgspec
import pytest

from chalicelib import keys, tombstones
from chalicelib.days import DAY_MS
from chalicelib.erasing import erase
from chalicelib.jobs.merge import Merged, merge
from chalicelib.jobs.purge import Purged, purge
from chalicelib.jobs.tally import tally
from chalicelib.retention import Kept, kept
from chalicelib.storage import MemoryStore, S3Store, Store
from chalicelib.survey import Contract, Retention
from chalicelib.traces import find
from tests.jobs.answering import (
    KEY,
    NOON,
    Crash,
    Mortal,
    at,
    contract,
    land,
    live,
    names,
    rejected,
    rows,
    said,
)

DAYS = 4
TODAY = NOON + 100 * DAY_MS
PHONE = {"speed": 1, "phone": "13800138000"}


def keeping(responses: int | None = None, contacts: int | None = None) -> Contract:
    return contract(retention=Retention(responses, contacts))


def filled(store: Store, survey: Contract) -> Store:
    """An answer with contacts and a rejected edit of it, 100, 99, 98 and 97 days ago."""
    live(store, survey)
    for number in range(DAYS):
        ms = NOON + number * DAY_MS
        land(store, said(number, survey, ms, answers=PHONE))
        merge(store, KEY, ms)
        land(store, said(number, survey, ms, answers={"care": 1}))
        merge(store, KEY, ms)
        tombstones.put(store, survey.id, f"2026-05-{17 + number}", f"gone {number}", KEY)
    tally(store, NOON + 9 * DAY_MS)
    return store


def days_of(store: Store, prefix: str) -> list[str]:
    return sorted(
        {part for key in names(store, prefix) for part in key.split("/") if "-05-" in part}
    )


def days(*numbers: int, prefix: str = "dt=") -> list[str]:
    return [f"{prefix}2026-05-{number}" for number in numbers]


def test_without_a_limit_nothing_goes(store: Store) -> None:
    filled(store, contract())
    before = [(entry.key, entry.tag) for entry in store.list("")]
    assert purge(store, KEY, TODAY + 10_000 * DAY_MS) == Purged()
    assert [(entry.key, entry.tag) for entry in store.list("")] == before


def test_old_days_go_whole_and_tallies_stay(store: Store) -> None:
    filled(store, keeping(responses=98))
    tallied = [(entry.key, entry.tag) for entry in store.list(keys.TALLIES)]
    assert purge(store, KEY, TODAY) == Purged(responses=2, contacts=2, rejected=2, tombstones=2)
    assert days_of(store, keys.RESPONSES) == days_of(store, keys.CONTACTS) == days(19, 20)
    assert days_of(store, keys.REJECTED) == days(19, 20, prefix="")
    assert days_of(store, keys.TOMBSTONES) == days(19, 20, prefix="")
    tally(store, TODAY)
    assert [(entry.key, entry.tag) for entry in store.list(keys.TALLIES)] == tallied
    assert purge(store, KEY, TODAY) == Purged()


def test_contacts_may_go_before_their_responses(store: Store) -> None:
    filled(store, keeping(responses=400, contacts=98))
    assert purge(store, KEY, TODAY) == Purged(contacts=2, rejected=2)
    assert days_of(store, keys.RESPONSES) == days(17, 18, 19, 20)
    assert days_of(store, keys.CONTACTS) == days(19, 20)
    assert len(names(store, keys.TOMBSTONES)) == DAYS


@pytest.mark.parametrize(
    ("retention", "expected"),
    [
        (None, Kept()),
        (Retention(), Kept()),
        (Retention(responses=7), Kept("2026-08-18", "2026-08-18")),
        (Retention(contacts=7), Kept("", "2026-08-18")),
        (Retention(responses=98, contacts=7), Kept("2026-05-19", "2026-08-18")),
        (Retention(responses=7, contacts=98), Kept("2026-08-18", "2026-08-18")),
    ],
)
def test_the_first_day_that_is_kept(retention: Retention | None, expected: Kept) -> None:
    assert kept(contract(retention=retention), TODAY) == expected


def test_days_end_where_the_survey_is() -> None:
    for zone, first in (("Pacific/Auckland", "2026-05-18"), ("America/Los_Angeles", "2026-05-17")):
        survey = contract(timezone=zone, retention=Retention(responses=7))
        assert kept(survey, at("2026-05-24T23:00", "UTC")).responses == first


def test_what_comes_for_a_day_that_is_gone_does_not_bring_it_back(store: Store) -> None:
    """A row that is loaded after years, or a landing object that was forgotten."""
    survey = keeping(responses=98)
    filled(store, survey)
    purge(store, KEY, TODAY)
    land(store, said(0, survey), said(50, survey), said(51, survey, NOON + 3 * DAY_MS))
    assert merge(store, KEY, TODAY) == Merged(merged=1, expired=2, parts=1)
    assert days_of(store, keys.RESPONSES) == days(19, 20)
    assert names(store, keys.LANDING) == []


def test_contacts_that_are_not_kept_are_not_merged(store: Store) -> None:
    survey = keeping(contacts=50)
    live(store, survey)
    land(store, said(1, survey, answers=PHONE))
    assert merge(store, KEY, TODAY).merged == 1
    assert names(store, keys.CONTACTS) == []
    assert "13800138000" not in str(rows(store))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_purge_that_is_cut_off_makes_no_number_smaller(after: bool) -> None:
    call = 0
    while True:
        store = MemoryStore()
        filled(store, keeping(responses=98))
        tallied = rows(store, keys.TALLIES)
        try:
            purge(Mortal(store, call, after=after), KEY, TODAY)
        except Crash:
            died = True
        else:
            died = False
        in_responses = {row["response"] for row in rows(store)}
        assert {row["response"] for row in rows(store, keys.CONTACTS)} <= in_responses
        tally(store, TODAY)
        purge(store, KEY, TODAY)
        tally(store, TODAY)
        assert rows(store, keys.TALLIES) == tallied
        assert days_of(store, keys.RESPONSES) == days_of(store, keys.CONTACTS) == days(19, 20)
        if not died:
            break
        call += 1
    assert call > 10


def test_it_finishes_erasures_that_were_cut_off() -> None:
    store, survey = MemoryStore(), contract()
    filled(store, survey)
    victim = said(0, survey).id
    for call in range(1, 30):
        traces = find(store, KEY, survey.id, "response", victim)
        try:
            erase(Mortal(store, call, after=True), KEY, traces, TODAY, "os:tester")
        except Crash:
            if names(store, keys.ERASURES):
                break
    assert purge(store, KEY, TODAY).erasures == 1
    assert names(store, keys.ERASURES) == []
    assert victim not in {row["response"] for row in [*rows(store), *rows(store, keys.CONTACTS)]}
    assert not [kept for kept in rejected(store) if victim in kept["landed"]]


def test_it_takes_away_what_a_dead_merge_left_beside_the_parts() -> None:
    """A merger put a mark, an erasure ran, and the merger died before it could look again."""
    store, survey = MemoryStore(), contract()
    filled(store, survey)
    victim = said(2, survey, NOON + 2 * DAY_MS).id
    erase(store, KEY, find(store, KEY, survey.id, "response", victim), TODAY, "os:tester")
    store.create(keys.due(survey.id, victim, "unhappy"), b"{}")
    assert purge(store, KEY, TODAY).strays == 1
    assert not [name for name in names(store, keys.DUE) if victim in name]
    assert len(names(store, keys.DUE)) == DAYS - 1


def test_one_bad_survey_does_not_keep_the_others() -> None:
    store = MemoryStore()
    filled(store, keeping(responses=98))
    other = contract(id="another")
    live(store, other)
    store.replace(keys.current(other.id), b"{", store.get(keys.current(other.id)).tag)
    with pytest.raises(ExceptionGroup):
        purge(store, KEY, TODAY)
    assert days_of(store, keys.RESPONSES) == days(19, 20)


def test_each_purge_leaves_a_line_in_the_trail() -> None:
    store = MemoryStore()
    filled(store, keeping(responses=98))
    purge(store, KEY, TODAY)
    [name] = names(store, keys.AUDIT)
    event = msgspec.json.decode(store.get(name).data)
    assert (event["who"], event["what"], event["survey"]) == ("job:purge", "purge", "service")
    assert event["facts"] == {
        "responses": 2,
        "contacts": 2,
        "rejected": 2,
        "tombstones": 2,
        "uploads": 0,
    }


def test_a_bucket_that_keeps_versions_keeps_none_of_a_purged_day(s3_endpoint: str) -> None:
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.create_bucket(Bucket="keeps")
    client.put_bucket_versioning(Bucket="keeps", VersioningConfiguration={"Status": "Enabled"})
    store = S3Store("keeps", "", s3_endpoint)
    filled(store, keeping(responses=98))
    purge(store, KEY, TODAY)
    found = client.list_object_versions(Bucket="keeps", Prefix=keys.RESPONSES)
    assert {keys.day_of(version["Key"]) for version in found["Versions"]} == {
        "2026-05-19",
        "2026-05-20",
    }
    assert not found.get("DeleteMarkers")
