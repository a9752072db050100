"""One contract for every record: what it keeps, who wins, what a queue shows, what is forgotten."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from chalicelib.follow_ups import (
    Event,
    IllegalMove,
    Item,
    Query,
    Record,
    Scope,
    Stale,
    Unknown,
    fold,
)
from chalicelib.follow_ups.dynamo import INDEXES, DynamoRecord
from chalicelib.follow_ups.events import STATES, Clock, opened
from chalicelib.follow_ups.moves import MOVES
from chalicelib.follow_ups.port import every, in_scope, matches
from chalicelib.follow_ups.sqlite import SqliteRecord
from tests.records import (
    CLOCK,
    HOUR,
    REACHED,
    RESOLVE,
    START,
    START_WORK,
    TAKE,
    after,
    begin,
    dynamo,
    event,
    item,
    table,
)


def test_a_follow_up_begins_once(record: Record) -> None:
    first = opened(item(), START)
    assert record.open(first)
    assert not record.open(opened(item(comment="other"), START + 1))
    assert record.get(first.id) == first.item
    assert record.history(first.id) == [first]


def test_what_is_not_there_is_unknown(record: Record) -> None:
    for ask in (record.get, record.history):
        with pytest.raises(Unknown):
            ask("nothing")
    with pytest.raises(Unknown):
        record.append("nothing", 1, TAKE)


def test_the_log_folded_is_what_is_stored(record: Record) -> None:
    done = after(record, begin(record), TAKE, REACHED, START_WORK, RESOLVE)
    assert done.state == "resolved"
    assert done.version == 5
    assert record.get(done.id) == done == fold(record.history(done.id))
    assert [each.number for each in record.history(done.id)] == [1, 2, 3, 4, 5]


def test_whoever_saw_an_older_version_is_told_how_it_is_now(record: Record) -> None:
    begun = begin(record)
    record.append(begun.id, 1, TAKE)
    with pytest.raises(Stale) as told:
        record.append(begun.id, 1, event("take", by="a2"))
    assert told.value.item.assignee == "a1"
    assert told.value.item.version == 2


def test_an_illegal_move_leaves_nothing_behind(record: Record) -> None:
    begun = begin(record)
    with pytest.raises(IllegalMove) as refused:
        record.append(begun.id, 1, RESOLVE, "agent")
    assert refused.value.legal == ["take", "note"]
    assert record.get(begun.id) == begun
    assert len(record.history(begun.id)) == 1


def test_of_two_at_once_one_wins_and_the_other_is_told(tmp_path: Path) -> None:
    record = SqliteRecord(tmp_path / "follow_ups.sqlite")
    begun = begin(record)

    def take(who: int) -> str:
        try:
            return record.append(begun.id, 1, event("take", by=f"a{who}")).assignee
        except Stale as told:
            return f"told {told.item.assignee}"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(take, range(8)))
    [winner] = [each for each in outcomes if not each.startswith("told")]
    assert outcomes.count(f"told {winner}") == 7
    assert len(record.history(begun.id)) == 2


class Overtaken(DynamoRecord):
    """Somebody else is always faster, once, between reading and writing."""

    overtaken = False

    def _add(self, event: Event, item: Item) -> bool:
        if not self.overtaken:
            self.overtaken = True
            self.append(event.id, event.number - 1, replace(event, by="a9"))
        return super()._add(event, item)


def test_in_dynamodb_too_the_slower_of_two_is_told() -> None:
    """One after the other: the stand-in's transactions are not safe between threads."""
    with dynamo() as record:
        begun = begin(record)
        with pytest.raises(Stale) as told:
            Overtaken(table()["TableName"]).append(begun.id, 1, TAKE)
        assert told.value.item.assignee == "a9"
        assert len(record.history(begun.id)) == 2


def test_the_queue_is_in_the_order_of_what_is_due_and_pages_by_cursor(record: Record) -> None:
    for number in range(23):
        due = START + number % 5 * HOUR  # several are due at once
        clock = replace(CLOCK, first_contact_due=due)
        begin(record, number, clock=clock)
    closed = begin(record, 99, kind="no_contact")
    after(record, closed, event("close"))
    seen, cursor = [], None
    while True:
        page = record.page(Query(), cursor, 7)
        seen += page.items
        assert len(page.items) <= 7
        if page.next is None:
            break
        cursor = page.next
    assert len({each.id for each in seen}) == len(seen) == 24
    assert seen[-1].next_due is None, "what is closed comes last"
    assert [e.next_due for e in seen[:-1]] == sorted(e.next_due or 0 for e in seen[:-1])
    with pytest.raises(ValueError, match="not a cursor"):
        record.page(Query(), "nonsense")


QUERIES = [
    Query(),
    Query(assignee="a1"),
    Query(team="south"),
    Query(states=("assigned", "closed")),
    Query(priority="urgent"),
    Query(survey="other"),
    Query(due_before=START + 2 * HOUR),
    Query(opened_from=START, opened_to=START + 1),
    Query(opened_from=START + 1),
    Query(text="S2"),
    Query(text="回访"),
    Query(text="100%_"),
    Query(scope=Scope()),
    Query(scope=Scope(people=("a1",))),
    Query(scope=Scope(people=("a2",), pools=("north",))),
    Query(scope=Scope(people=("a2",), teams=("south",), pools=("north",))),
    Query(scope=Scope(teams=("north",)), priority="urgent", states=("new",)),
    Query(scope=Scope(teams=("",), people=("",), pools=("",))),
]


def test_a_query_finds_exactly_what_it_means(record: Record) -> None:
    kinds = [
        {},
        {"assignee": "a1", "state": "assigned"},
        {"agent": "a2", "team": "south"},
        {"assigned_to_team": "south", "agent": ""},
        {"to_lead": True},
        {"priority": "urgent", "facts": {"store": "S2"}},
        {"survey": "other", "comment": "100%_"},
        {"team": "", "assigned_to_team": "", "agent": ""},
        {"state": "closed", "clock": Clock()},
    ]
    items = [begin(record, number, **kind) for number, kind in enumerate(kinds)]
    for query in QUERIES:
        wanted = {each.id for each in items if matches(each, query)}
        found = [each.id for each in every(record, query)]
        assert set(found) == wanted, query
        assert len(found) == len(wanted)
        counts = record.counts(query, START + 2 * HOUR)
        meant = [each for each in items if each.id in wanted]
        assert counts.open == sum(each.state != "closed" for each in meant)
        assert counts.overdue == sum(
            (each.next_due or 1 << 60) < START + 2 * HOUR for each in meant
        )


def test_nobody_reaches_what_is_anothers() -> None:
    assert in_scope(item(), Scope(people=("a1",)))
    assert not in_scope(item(agent="", assignee=""), Scope(people=("",)))
    assert not in_scope(item(team="", assigned_to_team=""), Scope(teams=("",), pools=("",)))
    assert in_scope(item(agent=""), Scope(pools=("north",)))
    assert not in_scope(item(agent="", to_lead=True), Scope(pools=("north",)))
    assert not in_scope(item(agent="", assignee="a3"), Scope(pools=("north",)))


def test_alarms_ring_in_order_and_only_when_it_is_time(record: Record) -> None:
    late = begin(record, 1)
    early = begin(record, 2, clock=replace(CLOCK, first_contact_due=START + 1))
    after(record, begin(record, 3, kind="no_contact"), event("close"))
    assert record.alarmed(START) == []
    found = record.alarmed(START + HOUR)
    assert [each.id for each in found] == [early.id, late.id]
    assert record.alarmed(START + HOUR, limit=1) == found[:1]
    assert record.alarmed(START + HOUR, (early.alarm_at or 0, early.id)) == found[1:]


def test_what_is_forgotten_keeps_why_it_could_not_be_asked(record: Record) -> None:
    """The system's own word, which says nothing of the person: the log, folded, still has it."""
    asked = event("verify_failed", by="system", reason="no_survey")
    done = record.append(
        after(record, begin(record), TAKE, REACHED, RESOLVE).id, 4, asked, "system"
    )
    assert record.forget(done.id, START + 5)
    left = record.get(done.id)
    assert fold(record.history(done.id)) == left
    assert left.verification.problem == "no_survey"


def test_what_is_forgotten_leaves_no_text_and_never_comes_back(record: Record) -> None:
    done = after(
        record,
        begin(record),
        TAKE,
        event("note", note="Mr Someone was rude"),
        REACHED,
        event("resolve", cause="Someone's secret", remedy="hidden"),
    )
    assert record.forget(done.id, START + 5)
    assert record.forget(done.id, START + 6), "once more changes nothing"
    left = record.get(done.id)
    log = record.history(done.id)
    assert fold(log) == left
    said = f"{left} {log}"
    assert not any(word in said for word in ("Someone", "secret", "hidden", "慢", "C***1", "S1"))
    assert (left.state, left.erased, left.alarm_at) == ("resolved", True, None)
    assert not record.forget("never-there", START)
    assert not record.open(opened(replace(item(), id="never-there"), START))


def test_revocations_only_go_forward(record: Record) -> None:
    assert record.revoked_since("a1") == 0
    record.revoke("a1", 20)
    record.revoke("a1", 10)
    assert record.revoked_since("a1") == 20
    assert record.revoked_since("a2") == 0


def test_the_table_has_the_indexes_that_are_asked() -> None:
    made = {
        index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
        for index in table()["GlobalSecondaryIndexes"]
    }
    assert made == {name: [name, by] for name, by in INDEXES.items()}


def test_every_move_leads_from_and_to_states_there_are() -> None:
    for rows in MOVES.values():
        for row in rows:
            assert row.states <= set(STATES)
            assert row.to in ("", *STATES)


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "follow_ups.sqlite"
    begin(SqliteRecord(path))
    assert path.stat().st_mode & 0o077 == 0
