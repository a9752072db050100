"""From an answer to a follow-up: exactly one for a response and rule, whatever happens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from chalicelib import keys
from chalicelib.days import DAY_MS
from chalicelib.erasing import erase
from chalicelib.follow_ups import Query, Record, fold
from chalicelib.follow_ups.events import Item, item_id
from chalicelib.follow_ups.port import every
from chalicelib.follow_ups.sqlite import SqliteRecord
from chalicelib.jobs.follow_up import assigned, follow_up, masked
from chalicelib.jobs.merge import merge
from chalicelib.jobs.purge import purge
from chalicelib.storage import MemoryStore, Store
from chalicelib.survey import Contract, Retention
from chalicelib.traces import find
from tests.jobs.answering import KEY, NOON, NOW, Crash, Mortal, contract, land, live, names, said
from tests.records import record

__all__ = ["record"]

SURVEY = replace(contract(), follow_ups=contract().follow_ups[:1])
[RULE] = SURVEY.follow_ups
ATTRIBUTES = {"customer": "C1007", "agent": "a1"}
UNHAPPY = {
    "speed": 1,
    "care": 2,
    "kind": "repair",
    "comment": "Slow, and rude",
    "phone": "555 0142",
}


@pytest.fixture
def store() -> Store:
    return MemoryStore()


@pytest.fixture
def laptop(tmp_path: Path) -> Record:
    return SqliteRecord(tmp_path / "follow_ups.sqlite")


def answer(
    store: Store,
    number: int = 0,
    survey: Contract | None = None,
    now: int = NOW,
    **other: Any,
) -> str:
    """One unhappy answer, merged; returns its id."""
    survey = survey or SURVEY
    live(store, survey)
    response = said(number, survey, **{"answers": UNHAPPY, "attributes": ATTRIBUTES, **other})
    land(store, response)
    merge(store, KEY, now)
    return response.id


def items(record: Record) -> list[Item]:
    return list(every(record, Query()))


def test_an_unhappy_answer_becomes_a_follow_up_with_what_an_agent_needs(
    store: Store, record: Record
) -> None:
    response = answer(store)
    done = follow_up(store, record, KEY, NOW)
    assert done.opened == 1
    [item] = items(record)
    assert item.id == item_id("service", response, "unhappy")
    assert (item.kind, item.state, item.agent) == ("call", "new", "a1")
    assert item.scores == {"speed": 1, "care": 2}
    assert item.comment == "Slow, and rude"
    assert item.facts == {"agent": "a1"}
    assert item.customer_masked == "C***7"
    assert item.received_at == NOON
    assert item.first_contact_due == NOON + 24 * 3_600_000, "clocks start when the answer came"
    assert not names(store, keys.DUE)


def test_numbers_and_customers_are_never_copied(store: Store, record: Record) -> None:
    answer(store)
    follow_up(store, record, KEY, NOW)
    [item] = items(record)
    kept = msgspec.json.encode([item, record.history(item.id)]).decode()
    assert "555 0142" not in kept
    assert "C1007" not in kept


def test_the_one_who_served_gets_it_where_the_rule_says_so(store: Store, laptop: Record) -> None:
    rules = [replace(RULE, assign_to="agent")]
    answer(store, survey=replace(SURVEY, follow_ups=rules))
    follow_up(store, laptop, KEY, NOW)
    [item] = items(laptop)
    assert (item.state, item.assignee) == ("assigned", "a1")


def test_who_a_rule_assigns_to() -> None:
    assert assigned("agent", "a1", "north") == ("a1", "north", False)
    assert assigned("agent", "", "north") == ("", "north", False)
    assert assigned("lead", "a1", "north") == ("", "north", True)
    assert assigned("team", "a1", "north") == ("", "north", False)
    assert assigned("技术支持", "a1", "north") == ("", "技术支持", False)


@pytest.mark.parametrize(
    ("customer", "shown"),
    [("", ""), ("C1", "***"), ("C1007", "C***7"), ("13800138000", "13***00"), ("张三", "***")],
)
def test_a_masked_customer_shows_a_quarter_at_each_end_at_most(customer: str, shown: str) -> None:
    assert masked(customer) == shown


def test_where_nobody_can_be_called_the_lead_gets_it_without_a_first_contact(
    store: Store, laptop: Record
) -> None:
    answers = {"speed": 1, "care": 2}
    answer(store, answers=answers, attributes={"agent": "a1"})
    follow_up(store, laptop, KEY, NOW)
    [item] = items(laptop)
    assert (item.kind, item.to_lead, item.first_contact_due) == ("no_contact", True, None)
    assert item.resolve_due is not None


def test_of_an_anonymous_survey_nothing_leads_to_link_or_customer(
    store: Store, laptop: Record
) -> None:
    survey = replace(SURVEY, anonymous=True)
    response = answer(store, survey=survey)
    follow_up(store, laptop, KEY, NOW)
    [item] = items(laptop)
    assert item.response != response
    assert (item.facts, item.agent, item.customer_masked) == ({}, "", "")
    assert item.kind == "call", "they left a number themselves"
    assert (item.first_contact_due or 0) > NOW, "its hour is not known: the clock starts now"


def test_a_follow_up_is_opened_once_however_often_its_mark_comes(
    store: Store, record: Record
) -> None:
    answer(store)
    marks = {name: store.get(name).data for name in names(store, keys.DUE)}
    follow_up(store, record, KEY, NOW)
    before = items(record)
    for shift in (0, 3_600_000, -3_600_000):  # an hour forward or back changes nothing
        for name, data in marks.items():
            store.create(name, data)
        done = follow_up(store, record, KEY, NOW + shift)
        assert (done.opened, done.known) == (0, 1)
        assert items(record) == before
        assert not names(store, keys.DUE)


def test_eight_schedulers_at_once_open_each_once(store: Store, laptop: Record) -> None:
    survey = SURVEY
    live(store, survey)
    responses = [
        said(number, survey, answers=UNHAPPY, attributes=ATTRIBUTES) for number in range(60)
    ]
    land(store, *responses)
    merge(store, KEY, NOW)
    with ThreadPoolExecutor(8) as pool:
        runs = [pool.submit(follow_up, store, laptop, KEY, NOW) for _ in range(8)]
        opened = sum(run.result().opened for run in runs)
    assert opened == 60
    assert {item.response for item in items(laptop)} == {each.id for each in responses}
    assert len(items(laptop)) == 60
    assert all(fold(laptop.history(item.id)) == item for item in items(laptop))


@pytest.mark.parametrize("after", [False, True])
def test_cut_off_anywhere_it_is_finished_by_the_next(laptop: Record, after: bool) -> None:
    died = 0
    for call in range(30):
        store = MemoryStore()
        response = answer(store, call)
        try:
            follow_up(Mortal(store, call, after=after), laptop, KEY, NOW)
        except Crash:
            died += 1
        follow_up(store, laptop, KEY, NOW)
        assert [item.response for item in items(laptop)].count(response) == 1
        assert not names(store, keys.DUE)
    assert died > 5


def test_what_was_erased_before_it_was_opened_opens_nothing(store: Store, record: Record) -> None:
    response = answer(store)
    marks = {name: store.get(name).data for name in names(store, keys.DUE)}
    erase(store, KEY, find(store, KEY, "service", "response", response), NOW, "os:me", record)
    for name, data in marks.items():
        store.create(name, data)  # a merge that was slow
    assert follow_up(store, record, KEY, NOW).gone == 1
    assert not items(record)


def test_an_erased_person_leaves_a_follow_up_for_counting_only(
    store: Store, record: Record
) -> None:
    response = answer(store)
    follow_up(store, record, KEY, NOW)
    traces = find(store, KEY, "service", "response", response)
    assert erase(store, KEY, traces, NOW, "os:me", record).follow_ups == 1
    [item] = items(record)
    kept = msgspec.json.encode([item, record.history(item.id)]).decode()
    assert not any(
        word in kept
        for word in (
            "Slow",
            "C***7",
        )
    )
    assert item.erased
    assert item.rule == "unhappy"


def test_an_erasure_in_the_middle_of_opening_wins(
    store: Store, laptop: Record, tmp_path: Path
) -> None:
    """The run has read the row when the person is erased, and begins the follow-up after that."""
    response = answer(store)

    class Slow(SqliteRecord):
        def open(self, event: Any) -> bool:
            traces = find(store, KEY, "service", "response", response)
            erase(store, KEY, traces, NOW, "os:me", laptop)
            return laptop.open(event)

    follow_up(store, Slow(tmp_path / "nowhere.sqlite"), KEY, NOW)
    assert not items(laptop)


def test_a_rule_that_no_version_has_opens_nothing(store: Store, laptop: Record) -> None:
    response = answer(store)
    store.delete(names(store, keys.DUE))
    mark = {"version": SURVEY.version, "received_at": NOON}
    store.create(keys.due("service", response, "no_such"), msgspec.json.encode(mark))
    assert follow_up(store, laptop, KEY, NOW).gone == 1
    assert not items(laptop)


def test_one_survey_that_cannot_be_read_keeps_no_other_waiting(
    store: Store, laptop: Record
) -> None:
    answer(store)
    store.create("due/nobody/" + "0" * 26 + "-rule", b'{"version": "", "received_at": 0}')
    with pytest.raises(ExceptionGroup):
        follow_up(store, laptop, KEY, NOW)
    assert len(items(laptop)) == 1


def test_texts_go_with_the_day_of_their_response(store: Store, laptop: Record) -> None:
    answer(store, survey=replace(SURVEY, retention=Retention(responses=30)), now=NOON)
    follow_up(store, laptop, KEY, NOON)
    assert purge(store, KEY, NOON + 10 * DAY_MS, laptop).follow_ups == 0
    assert purge(store, KEY, NOON + 40 * DAY_MS, laptop).follow_ups == 1
    [item] = items(laptop)
    assert (item.comment, item.customer_masked, item.rule) == ("", "", "unhappy")
