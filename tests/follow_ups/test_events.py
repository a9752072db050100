"""Whatever people and the system do in whatever order: the log, folded, is what is stored."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from msgspec.structs import replace

from chalicelib.follow_ups import MOVES, IllegalMove, Item, Stale, fold, legal
from chalicelib.follow_ups.events import CHANNELS, OUTCOMES, STATES, Event, opened
from chalicelib.follow_ups.moves import can_give_up, moved
from chalicelib.follow_ups.sqlite import SqliteRecord
from tests.records import CLOCK, START, begin, event, item

ROLES = ("agent", "lead", "manager", "admin", "system")
GIVEN: dict[str, Any] = {
    "note": "n", "cause": "c", "remedy": "s", "reason": "why", "link": "l", "response": "r",
    "clock": CLOCK,
}  # fmt: skip


def data(
    move: str, channel: str = "phone", outcome: str = "reached", to: str = "", by: str = "a1"
) -> Event:
    """An event with everything that a move may need."""
    target = to or ("lead" if move == "escalate" else "a2" if move == "assign" else "")
    return event(move, by=by, channel=channel, outcome=outcome, to=target, **GIVEN)


class Life(RuleBasedStateMachine):
    """One follow-up that several people and schedulers work on at once."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.record = SqliteRecord(Path(self.folder.name) / "follow_ups.sqlite")
        self.seen: list[Item] = []
        self.id = ""

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(kind=st.sampled_from(["call", "no_contact"]))
    def open(self, kind: str) -> None:
        begun = opened(item(kind=kind), START)
        assert self.record.open(begun) is (not self.id)
        self.id = begun.id
        self.seen.append(self.record.get(self.id))

    @rule(
        move=st.sampled_from([*MOVES]),
        role=st.sampled_from(ROLES),
        channel=st.sampled_from(CHANNELS[:3]),
        outcome=st.sampled_from(OUTCOMES),
        to=st.sampled_from(["", "lead", "manager"]),
        stale=st.booleans(),
        which=st.integers(0, 100),
    )
    def act(
        self, move: str, role: str, channel: str, outcome: str, to: str, stale: bool, which: int
    ) -> None:
        if not self.id or move == "erase":
            return
        now = self.record.get(self.id)
        seen = self.seen[which % len(self.seen)] if stale else now
        possible = legal(now, role)
        try:
            said = data(move, channel, outcome, to, "system" if role == "system" else "a1")
            done = self.record.append(self.id, seen.version, said, role)
        except (Stale, IllegalMove) as refused:
            self.refused(refused, now, seen, possible)
        else:
            assert move in possible
            assert seen.version == now.version
            assert done.version == now.version + 1
            self.seen.append(done)

    def refused(self, why: Stale | IllegalMove, now: Item, seen: Item, possible: list[str]) -> None:
        assert self.record.get(self.id) == now
        if isinstance(why, Stale):
            assert (why.item, seen.version != now.version) == (now, True)
        else:
            assert why.legal == possible

    @rule()
    def forget(self) -> None:
        if self.id:
            self.record.forget(self.id, START)

    @invariant()
    def the_log_folded_is_what_is_stored(self) -> None:
        if not self.id:
            return
        now = self.record.get(self.id)
        assert fold(self.record.history(self.id)) == now
        assert now.state in STATES
        if now.state in ("closed", "resolved", "verifying", "unreachable"):
            assert now.next_due is None
        assert (now.outcome != "") is (now.state == "closed")
        assert (now.closed_at is not None) is (now.state == "closed")


Life.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase


def test_a_call_that_reached_nobody_leads_nowhere() -> None:
    begun = item(state="assigned")
    for outcome in ("no_answer", "wrong_number"):
        tried = moved(begun, numbered(data("call", outcome=outcome), 2))
        assert (tried.state, tried.contacted_at) == ("assigned", None)
    assert moved(begun, numbered(data("call"), 2)).state == "contacted"


def test_unreachable_needs_three_attempts_over_two_channels() -> None:
    now = item(state="assigned")
    for number, channel in enumerate(["phone", "phone", "phone"]):
        now = moved(now, numbered(data("call", channel, "no_answer"), number + 2))
    assert not can_give_up(now)
    with pytest.raises(IllegalMove, match="3 times over 2 channels"):
        moved(now, numbered(data("give_up"), 5))
    now = moved(now, numbered(data("call", "sms", "no_answer"), 5))
    now = moved(now, numbered(data("give_up"), 6))
    assert now.state == "unreachable"
    now = moved(now, numbered(data("close"), 7), "lead")
    assert now.outcome == "unreachable"


def test_attempts_count_afresh_once_it_is_opened_again() -> None:
    now = item(state="assigned")
    for number, channel in enumerate(["phone", "sms", "phone"]):
        now = moved(now, numbered(data("call", channel, "no_answer"), number + 2))
    now = moved(now, numbered(data("give_up"), 5))
    now = moved(now, numbered(data("reopen"), 6))
    assert not can_give_up(now)


@pytest.mark.parametrize("kind", ["call", "no_contact"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("role", ROLES)
def test_what_is_named_as_legal_is_taken_and_nothing_else_is(
    kind: str, state: str, role: str
) -> None:
    now = item(kind=kind, state=state)
    possible = legal(now, role)
    for move in MOVES:
        if move in possible:
            moved(now, numbered(data(move), 2), role)
            continue
        with pytest.raises(IllegalMove) as refused:
            moved(now, numbered(data(move), 2), role)
        assert refused.value.legal == possible
        assert all(each in str(refused.value) for each in possible)


def test_agents_do_not_assign_nor_close_nor_play_the_system() -> None:
    for state in STATES:
        for kind in ("call", "no_contact"):
            can = legal(item(kind=kind, state=state), "agent")
            assert not {"assign", "close", "escalate", "verified", "unverified", "erase"} & {*can}


def test_a_move_without_what_it_needs_says_what() -> None:
    now = item(state="contacted")
    with pytest.raises(IllegalMove, match="`resolve` needs `cause` and `remedy`"):
        moved(now, Event(id="", number=2, at=0, by="a1", kind="resolve", cause=" "))


def test_an_event_that_does_not_follow_is_refused() -> None:
    with pytest.raises(IllegalMove, match="does not follow"):
        moved(item(), numbered(data("take"), 3))


def numbered(event: Event, number: int) -> Event:
    return replace(event, number=number)


def test_a_log_without_its_beginning_is_none(
    tmp_path: Path,
) -> None:
    record = SqliteRecord(tmp_path / "f.sqlite")
    begun = begin(record)
    record.append(begun.id, 1, data("take"))
    with pytest.raises(ValueError, match="no `open`"):
        fold(record.history(begun.id)[1:])
