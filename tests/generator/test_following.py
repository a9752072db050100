"""`echoform follow-ups`: the queue on a terminal, as data, and rules run over the past."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from chalicelib.follow_ups.events import STATES, SYSTEM, Clock
from chalicelib.follow_ups.moves import MOVES
from chalicelib.follow_ups.port import Query
from chalicelib.follow_ups.sqlite import SqliteRecord
from chalicelib.jobs.merge import merge
from chalicelib.running import now
from chalicelib.storage import FolderStore
from generator.__main__ import main
from generator.commands import follow_ups
from generator.data import settings
from generator.following import countdown
from tests.jobs.answering import contract, land, live, said
from tests.records import CLOCK, HOUR, START, begin, event

SURVEY = replace(contract(), follow_ups=contract().follow_ups[:1])


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "data"


def run(data: Path, *arguments: str, fails: bool = False) -> str:
    result = CliRunner().invoke(main, ["follow-ups", *arguments, "--data", str(data)])
    assert (result.exit_code != 0) is fails, result.output
    return result.output


def record(data: Path) -> SqliteRecord:
    return SqliteRecord(data / "follow_ups.sqlite")


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (90 * 60_000, "in 1 h"), (-90 * 60_000, "1 h over"), (50 * HOUR, "in 2 d"),
        (5 * 60_000, "in 5 min"), (10, "in 0 min"),
    ],
)  # fmt: skip
def test_a_countdown_is_in_the_largest_unit(left: int, said: str) -> None:
    assert countdown(START + left, START) == said


def test_the_queue_shows_what_is_overdue_first(data: Path) -> None:
    begin(record(data), 1, clock=Clock(now() + 3 * HOUR, resolve_due=now() + 9 * HOUR))
    begin(record(data), 2, priority="urgent", clock=replace(CLOCK, first_contact_due=START))
    shown = run(data, "list")
    first, second = shown.index("over"), shown.index("in 2 h")
    assert first < shown.index("urgent") < second
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "2 open, 1 overdue" in shown
    assert "urgent" not in run(data, "list", "--priority", "normal")
    assert "1 h" not in run(data, "list", "--overdue")


def test_it_comes_as_data_too_and_no_cell_is_a_formula(data: Path) -> None:
    item = begin(record(data), comment="=HYPERLINK(1)")
    (row,) = csv.DictReader(io.StringIO(run(data, "list", "--format", "csv")))
    assert row["comment"] == "'=HYPERLINK(1)"
    found: list[Any] = msgspec.json.decode(run(data, "list", "--format", "json"))
    assert found[0]["id"] == item.id
    shown: Any = msgspec.json.decode(run(data, "show", item.id, "--format", "json"))
    assert shown["moves"] == ["take", "assign", "note"]


def test_what_a_customer_wrote_cannot_speak_to_the_terminal(data: Path) -> None:
    item = begin(record(data), comment="hi \x1b[31mred\x07 [bold]x[/bold]")
    shown = run(data, "show", item.id)
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[bold]x[/bold]" in shown


def test_a_move_is_made_or_refused_with_those_that_are_possible(data: Path) -> None:
    item = begin(record(data))
    assert "new → assigned" in run(data, "act", item.id, "take", "--by", "A07")
    assert "possible now: take, assign, call, note" in run(
        data, "act", item.id, "resolve", "--cause", "c", "--remedy", "r", fails=True
    )
    given = ("--by", "A07", "--channel", "phone", "--outcome", "reached")
    assert "assigned → contacted" in run(data, "act", item.id, "call", *given)
    assert "outcome reached" in run(data, "show", item.id)
    assert "no follow-up nothing" in run(data, "show", "nothing", fails=True)


def test_a_rule_runs_over_the_past_once(data: Path) -> None:
    store = FolderStore(data)
    live(store, SURVEY)
    key = settings(str(data)).key
    for number in range(10):  # loaded from elsewhere: they open nothing by themselves
        land(store, said(number, SURVEY, follow_up=False, attributes={"customer": "C1"}))
    merge(store, key, START)
    first = run(data, "open", "service", "--rule", "unhappy", "--to", "2026-05-17")
    assert "10 answers, 4 meet 'unhappy': 4 follow-ups opened, 0 were there" in first
    again = run(data, "open", "service", "--rule", "unhappy")
    assert "0 follow-ups opened, 4 were there" in again
    assert "0 answers" in run(data, "open", "service", "--rule", "unhappy", "--from", "2026-05-18")
    (item, *_) = record(data).page(Query()).items
    assert (item.first_contact_due or 0) > now(), "clocks start now, not when it was answered"


def test_a_rule_or_survey_that_is_not_there_is_named_with_those_that_are(data: Path) -> None:
    live(FolderStore(data), SURVEY)
    assert "there are: unhappy" in run(data, "open", "service", "--rule", "nope", fails=True)
    assert "live: service" in run(data, "open", "nope", "--rule", "x", fails=True)
    assert "no day" in run(
        data, "open", "service", "--rule", "unhappy", "--from", "soon", fails=True
    )


def test_every_move_of_people_is_on_the_command_line() -> None:
    people = {name for name, rows in MOVES.items() if any(row.who - {SYSTEM} for row in rows)}
    assert set(follow_ups.MOVES) == people
    assert follow_ups.STATES == STATES


def test_the_history_is_shown_with_who_did_what(data: Path) -> None:
    item = begin(record(data))
    record(data).append(item.id, 1, event("note", note="called twice"))
    assert "note called twice" in run(data, "show", item.id)
