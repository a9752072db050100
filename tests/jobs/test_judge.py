"""Improvement actions: opened where a dimension is low, judged by the wave after they are done."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chalicelib import actions
from chalicelib.actions import Action, Impossible, NoAction, Step, Wave
from chalicelib.improving import Low, begin, carry_out
from chalicelib.jobs.judge import Done, judge
from chalicelib.jobs.merge import merge
from chalicelib.jobs.tally import tally
from chalicelib.lows import low as lows
from chalicelib.periods import window
from chalicelib.storage import FolderStore, MemoryStore, Store
from chalicelib.survey import EchoformError
from chalicelib.survey.questions import Rating
from generator.__main__ import main
from tests.jobs.answering import KEY, at, contract, land, live, said

SURVEY = contract(
    Rating(id="patience", text={"en": "Patience"}, dimension="attitude"),
    Rating(id="manner", text={"en": "Manner"}, dimension="attitude"),
    Rating(id="tidy", text={"en": "Tidiness"}, dimension="order"),
)
BEFORE = "2026-05-01..2026-05-10"
DONE = at("2026-05-15T12:00")
"""Carried out; so it is to show from the 16th to the 25th."""
LATER = at("2026-05-26T00:05")
PLAN = {"owner": "T1-lead", "due": "2026-05-20", "cause": "no time", "plan": "longer visits"}


def answered(
    store: Store, first: str, patience: float, *, people: int = 60, days: int = 10, start: int = 0
) -> None:
    """So many people over so many days, about as patiently served, half of them by agent a1."""
    draw = random.Random(start)
    for number in range(people):
        day = date.fromisoformat(first) + timedelta(number % days)
        ratings = {
            name: max(1, min(5, round(draw.gauss(mean, 0.8))))
            for name, mean in (("patience", patience), ("manner", patience), ("tidy", 4.6))
        }
        one = said(
            start + number,
            SURVEY,
            at(f"{day}T10:30"),
            answers=ratings,
            attributes={"agent": f"a{number % 2 + 1}"},
        )
        land(store, one)
    merge(store, KEY, LATER)
    tally(store, LATER)


def counted(store: Store | None = None) -> Store:
    """Half a month in which attitude was low."""
    store = store or MemoryStore()
    live(store, SURVEY)
    answered(store, "2026-05-01", 2.6)
    return store


def opened(store: Store, **other: object) -> Action:
    return begin(
        store,
        SURVEY.id,
        "attitude",
        BEFORE,
        "os:me",
        DONE,
        **(PLAN | other),  # type: ignore[arg-type]
    )


def low(store: Store, survey: str, wave: str, segment: str = "") -> list[Low]:
    return lows(store, survey, Wave(*window(wave)), segment)


def under_way(store: Store, **other: object) -> Action:
    return carry_out(store, opened(store, **other).id, "os:me", DONE)


def after(store: Store, action: Action) -> Action:
    return actions.read(store, action.id).action


def test_a_low_dimension_suggests_an_action_until_one_is_under_way() -> None:
    store = counted()
    [found] = low(store, SURVEY.id, BEFORE)
    assert (found.dimension, found.n) == ("attitude", 60)
    assert found.mean < 3.5
    assert low(store, SURVEY.id, "2026-06") == []
    opened(store)
    assert low(store, SURVEY.id, BEFORE) == []


def test_fewer_than_thirty_suggest_nothing() -> None:
    store = MemoryStore()
    live(store, SURVEY)
    answered(store, "2026-05-01", 2.0, people=29)
    assert low(store, SURVEY.id, BEFORE) == []


def test_a_better_wave_ends_it() -> None:
    store = counted()
    action = under_way(store, target=4.0)
    assert action.wave == Wave("2026-05-16", "2026-05-25")
    answered(store, "2026-05-16", 4.4, start=1000)
    assert judge(store, LATER) == Done(improved=1)
    found = after(store, action)
    assert (found.state, found.judged.verdict, found.judged.on_target) == (
        *("improved", "improved", True),
    )
    assert {name: test.verdict for name, test in found.judged.tests.items()} == {
        "patience": "higher",
        "manner": "higher",
    }
    assert judge(store, LATER + 1) == Done(), "judged once"


def test_it_is_not_judged_before_its_wave_is_over() -> None:
    store = counted()
    action = under_way(store)
    answered(store, "2026-05-16", 4.4, start=1000)
    assert judge(store, at("2026-05-25T23:59")) == Done(waiting=1)
    assert after(store, action).state == "carried_out"


def test_what_did_not_help_wants_another_cause_and_another_plan() -> None:
    store = counted()
    action = under_way(store)
    answered(store, "2026-05-16", 2.6, start=1000)
    assert judge(store, LATER) == Done(reopened=1)
    found = after(store, action)
    assert (found.state, found.judged.verdict) == ("reopened", "no_evidence")

    def plan(**told: str) -> Action:
        step = Step(at=LATER, by="os:me", kind="plan", **told)  # type: ignore[arg-type]
        return actions.change(store, action.id, lambda _: step)

    with pytest.raises(Impossible, match="another cause and another plan"):
        plan()
    with pytest.raises(Impossible, match="another cause"):
        plan(cause="no time", plan="training")
    assert plan(cause="not trained", plan="training").state == "planned"


def test_a_worse_wave_says_so() -> None:
    store = counted()
    action = under_way(store)
    answered(store, "2026-05-16", 1.3, start=1000)
    judge(store, LATER)
    assert after(store, action).judged.verdict == "worse"


def test_a_wave_of_few_goes_on_up_to_twice_as_long() -> None:
    store = counted()
    action = under_way(store)
    answered(store, "2026-05-16", 4.5, people=20, start=1000)
    assert judge(store, LATER) == Done(waiting=1)
    answered(store, "2026-05-26", 4.5, people=20, days=3, start=2000)
    assert judge(store, at("2026-05-29T08:00")) == Done(improved=1)
    assert after(store, action).judged.wave == Wave("2026-05-16", "2026-05-28")


def test_a_wave_that_nobody_answers_ends_without_evidence() -> None:
    store = counted()
    action = under_way(store)
    assert judge(store, at("2026-06-04T08:00")) == Done(waiting=1)
    assert judge(store, at("2026-06-05T08:00")) == Done(reopened=1)
    assert after(store, action).judged.verdict == "no_evidence"


def test_an_action_for_one_segment_looks_at_that_alone() -> None:
    """Of everybody else it learns nothing: they improve, this agent's customers do not."""
    store = counted()
    action = under_way(store, segment="agent=a1")
    draw = random.Random(3)
    for number in range(80):
        mean = 2.6 if number % 2 == 0 else 5
        rating = max(1, min(5, round(draw.gauss(mean, 0.8))))
        one = said(
            5000 + number,
            SURVEY,
            at(f"2026-05-{16 + number % 10}T09:00"),
            answers={"patience": rating},
            attributes={"agent": f"a{number % 2 + 1}"},
        )
        land(store, one)
    merge(store, KEY, LATER)
    tally(store, LATER)
    judge(store, at("2026-06-20T08:00"))
    judged = after(store, action).judged
    assert (judged.verdict, judged.tests["patience"].after.n) == ("no_evidence", 40)


def test_steps_that_make_no_sense_are_refused_with_those_that_do() -> None:
    store = counted()
    action = opened(store)
    with pytest.raises(Impossible, match="allows no `judge`; possible now: plan, carry_out"):
        actions.change(store, action.id, lambda _: Step(at=1, by="me", kind="judge"))
    with pytest.raises(Impossible, match="say why"):
        actions.change(store, action.id, lambda _: Step(at=1, by="me", kind="drop"))
    with pytest.raises(Impossible, match="a cause, a plan, an owner and a day"):
        opened(store, cause="")
    with pytest.raises(EchoformError, match="no day"):
        opened(store, due="soon")
    with pytest.raises(EchoformError, match="has no dimension 'speediness'"):
        begin(store, SURVEY.id, "speediness", BEFORE, "me", 1, **PLAN)
    with pytest.raises(EchoformError, match="no segment 'agents=a1'"):
        opened(store, segment="agents=a1")
    with pytest.raises(NoAction):
        actions.read(store, "nothing")


def test_two_at_once_both_count() -> None:
    """The second reads again what the first has written."""
    store = counted()
    action = opened(store)

    def late(seen: Action) -> Step:
        if len(seen.steps) == 1:
            actions.change(
                store, action.id, lambda _: Step(at=2, by="a", kind="note", said="first")
            )
        return Step(at=3, by="b", kind="note", said="second")

    made = actions.change(store, action.id, late)
    assert [step.said for step in made.steps] == ["", "first", "second"]


def test_the_command_line_goes_all_the_way(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    counted(store)

    def run(*args: str) -> Result:
        return CliRunner().invoke(main, ["actions", *args, "--data", str(tmp_path)])

    told = run("suggest", SURVEY.id, "--wave", BEFORE)
    assert "attitude: mean 2." in told.output
    made = run(
        *("open", SURVEY.id, "--dimension", "attitude", "--wave", BEFORE, "--owner", "T1-lead"),
        *("--due", "2026-05-20", "--cause", "no time", "--plan", "[red]longer visits"),
    )
    assert made.exit_code == 0, made.output
    id = f"{SURVEY.id}-attitude-1"
    assert run("note", id, "half of it is done").output == f"{id}: planned\n"
    assert "T1-lead" in run("list").output
    shown = run("show", id).output
    assert "[red]longer visits" in shown
    assert "half of it is done" in shown
    assert "judged after" in run("carry-out", id).output
    assert "carried_out and allows no `plan`" in run("plan", id, "--plan", "x").output
    assert run("drop", id, "--why", "the store closes").output == f"{id}: dropped\n"
    wrong = run("show", "none")
    assert wrong.exit_code == 1
    assert "no action 'none'" in wrong.output
