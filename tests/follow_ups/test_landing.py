"""Follow-ups as tables: what is on record, row for row, and nobody to be found in them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib import keys, parquet
from chalicelib.follow_ups import Record
from chalicelib.follow_ups.events import Clock
from chalicelib.follow_ups.landing import Landed, land
from chalicelib.running import endless
from chalicelib.storage import MemoryStore, Store
from generator.query import ask, open_views
from tests.jobs.answering import KEY, contract, live
from tests.records import HOUR, REACHED, RESOLVE, START, TAKE, after, begin, event, record

__all__ = ["record"]

SURVEY = replace(contract(), attributes=["customer", "agent", "team", "store"])
DAY = 24 * HOUR


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    live(store, SURVEY)
    return store


def landed(store: Store, record: Record) -> Landed:
    return land(store, record, KEY, endless)


def rows(store: Store, table: str = keys.FOLLOW_UPS) -> list[dict[str, Any]]:
    parts = [parquet.decode(store.get(entry.key).data) for entry in store.list(table)]
    return [row for part in parts for row in part.to_pylist()]


def ms(moment: Any) -> int:
    return round(moment.timestamp() * 1000)


def test_a_row_says_how_a_follow_up_stands(store: MemoryStore, record: Record) -> None:
    item = begin(record, scores={"recommend": 3})
    missed = event("call", channel="sms", outcome="no_answer")
    item = after(record, item, TAKE, missed, replace(REACHED, at=START + 2 * HOUR), RESOLVE)
    assert landed(store, record) == Landed(1, 0)
    [row] = rows(store)
    assert row["follow_up"] == item.id
    assert (row["response"], row["rule"], row["state"]) == (item.response, "unhappy", "resolved")
    assert (row["team"], row["assignee"], row["store"]) == ("north", "a1", "S1")
    assert ms(row["contacted_at"]) == START + 2 * HOUR
    assert (row["first_contact_on_time"], row["resolved_on_time"]) == (False, True)
    assert (row["attempts"], row["reopened"], row["detractor"]) == (2, 0, True)
    events = rows(store, keys.FOLLOW_UP_EVENTS)
    assert [(row["number"], row["what"]) for row in events] == [
        (1, "open"), (2, "take"), (3, "call"), (4, "call"), (5, "resolve"),
    ]  # fmt: skip
    assert (events[2]["channel"], events[2]["outcome"]) == ("sms", "no_answer")


def test_nothing_personal_and_no_text_that_people_typed(store: MemoryStore, record: Record) -> None:
    """Bytes of the parts would be compressed, so the values are looked at."""
    item = begin(record, comment="SECRET", customer_masked="SECRET", facts={"customer": "SECRET"})
    typed = event("note", note="SECRET")
    by_hand = event("reopen", reason="SECRET", clock=Clock())
    solved = replace(RESOLVE, cause="SECRET", remedy="SECRET")
    after(record, item, TAKE, typed, REACHED, solved, by_hand)
    landed(store, record)
    told = [*rows(store), *rows(store, keys.FOLLOW_UP_EVENTS)]
    assert len(told) == 7
    assert "SECRET" not in str(told)


def test_only_what_moved_is_landed_again(store: MemoryStore, record: Record) -> None:
    items = [begin(record, number) for number in range(3)]
    assert landed(store, record).follow_ups == 3
    before = {entry.key: entry.tag for entry in store.list("")}
    assert landed(store, record) == Landed()
    assert {entry.key: entry.tag for entry in store.list("")} == before
    after(record, items[1], TAKE)
    assert landed(store, record).follow_ups == 1
    assert {row["follow_up"]: row["state"] for row in rows(store)} == {
        items[0].id: "new", items[1].id: "assigned", items[2].id: "new",
    }  # fmt: skip
    assert len(rows(store, keys.FOLLOW_UP_EVENTS)) == 4


def test_it_lies_under_the_day_it_was_opened_however_late_it_moves(
    store: MemoryStore, record: Record
) -> None:
    item = begin(record)
    landed(store, record)
    after(record, item, replace(TAKE, at=START + 90 * DAY))
    landed(store, record)
    assert len([*store.list(keys.FOLLOW_UPS)]) == 1
    assert len(rows(store)) == 1


def test_of_an_erased_person_numbers_are_left(store: MemoryStore, record: Record) -> None:
    item = after(record, begin(record), TAKE, REACHED, RESOLVE)
    landed(store, record)
    assert record.forget(item.id, START + DAY)
    landed(store, record)
    [row] = rows(store)
    assert (row["response"], row["store"], row["erased"]) == (None, None, True)
    assert (row["rule"], row["state"], row["team"]) == ("unhappy", "resolved", "north")
    told = [row, *rows(store, keys.FOLLOW_UP_EVENTS)]
    assert item.response not in str(told)
    assert {each["follow_up"] for each in told} == {row["follow_up"]}, "they still join"


class Overtaken(MemoryStore):
    """Another run lands newer rows between this one's reading and its writing."""

    def __init__(self, record: Record) -> None:
        super().__init__()
        self.meanwhile = lambda: None

    def replace(self, key: str, data: bytes, tag: str) -> None:
        act, self.meanwhile = self.meanwhile, lambda: None
        act()
        super().replace(key, data, tag)


def test_of_two_runs_at_once_none_writes_over_newer_rows(record: Record) -> None:
    store = Overtaken(record)
    live(store, SURVEY)
    item = begin(record)
    landed(store, record)
    item = after(record, item, TAKE)

    def other() -> None:
        after(record, item, REACHED)
        assert landed(store, record).follow_ups == 1

    store.meanwhile = other
    assert landed(store, record) == Landed(0, 1)
    [row] = rows(store)
    assert row["state"] == "contacted"
    assert landed(store, record) == Landed()


def test_cut_off_between_the_tables_it_is_done_again(store: MemoryStore, record: Record) -> None:
    class Dies(MemoryStore):
        def create(self, key: str, data: bytes) -> None:
            if key.startswith(keys.FOLLOW_UP_EVENTS):
                raise KeyboardInterrupt
            store.create(key, data)

        def get(self, key: str) -> Any:
            return store.get(key)

        def list(self, prefix: str) -> Any:
            return store.list(prefix)

    begin(record)
    with pytest.raises(KeyboardInterrupt):
        landed(Dies(), record)
    assert landed(store, record).follow_ups == 1
    assert (len(rows(store)), len(rows(store, keys.FOLLOW_UP_EVENTS))) == (1, 1)


def test_one_survey_that_is_gone_keeps_no_other_waiting(store: MemoryStore, record: Record) -> None:
    begin(record, 1, survey="nobody")
    begin(record, 2)
    with pytest.raises(ExceptionGroup):
        landed(store, record)
    assert len(rows(store)) == 1


def test_analysts_see_both_in_one_view_of_all_surveys(store: MemoryStore, record: Record) -> None:
    after(record, begin(record), TAKE)
    landed(store, record)
    with open_views(store) as views:
        both = "follow_ups f join follow_up_events e using (follow_up)"
        sql = f"select f.survey, state, what from {both} order by e.number"
        assert ask(views, sql).rows == [
            ("service", "assigned", "open"), ("service", "assigned", "take"),
        ]  # fmt: skip
        assert ask(views, "select store from follow_ups_service").rows == [("S1",)]


def test_without_any_follow_up_the_tables_are_empty(store: MemoryStore) -> None:
    with open_views(store) as views:
        assert ask(views, "select count(*) from follow_ups").rows == [(0,)]
