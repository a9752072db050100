"""Improvement actions on the command line: what they are, and what came of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from chalicelib import days
from chalicelib.actions import OVER, Action, Judged

COLOURS = {"improved": "green", "reopened": "red", "worse": "red", "no_evidence": "yellow"}


def listed(found: Sequence[Action], now: int) -> RenderableType:
    """A line for each, those that wait for somebody first."""
    if not found:
        return Text("no actions; `echoform actions suggest SURVEY` looks where one is due")
    today = days.day(now, "UTC")
    grid = Table(show_edge=False, pad_edge=False)
    for name in ("action", "state", "owner", "due"):
        grid.add_column(name, no_wrap=True)
    grid.add_column("next wave")
    for action in sorted(found, key=lambda a: (a.state in OVER, a.due)):
        late = action.is_overdue(today)
        grid.add_row(
            action.id,
            Text(action.state.replace("_", " "), COLOURS.get(action.state, "")),
            Text(action.owner),
            Text(action.due, "red" if late else ""),
            _change(action.judged),
        )
    return grid


def shown(action: Action) -> RenderableType:
    """All of one."""
    facts = Table(show_header=False, show_edge=False, pad_edge=False)
    target = "" if action.target is None else f"{action.target:g}"
    for name, said in (
        ("survey", action.survey),
        ("dimension", f"{action.dimension} ({', '.join(action.items)})"),
        ("segment", action.segment),
        ("baseline", f"{action.baseline.first}..{action.baseline.last}"),
        ("state", action.state.replace("_", " ")),
        ("owner", action.owner),
        ("due", action.due),
        ("target", target),
        ("cause", action.cause),
        ("plan", action.plan),
        ("shows in", f"{action.wave.first}..{action.wave.last}" if action.wave else ""),
    ):
        if said:
            facts.add_row(Text(name, "dim"), Text(said))
    return Group(facts, Text(), *_history(action))


def _history(action: Action) -> Iterator[RenderableType]:
    for step in action.steps:
        when = days.local(step.at, "UTC").strftime("%Y-%m-%d %H:%M")
        told = [step.said, _change(step.judged), step.cause, step.plan]
        yield Text(f"{when}  {step.by}  {step.kind.replace('_', ' ')}  ").append(
            " · ".join(filter(None, map(str, told)))
        )


def _change(judged: Judged | None) -> str:
    if judged is None:
        return ""
    lines = [
        f"{item} {test.before.value:.2f} → {test.after.value:.2f} (n {test.after.n:,})"
        for item, test in judged.tests.items()
    ]
    on_target = {True: ", target reached", False: ", target missed", None: ""}[judged.on_target]
    return f"{judged.verdict.replace('_', ' ')}{on_target}: {'; '.join(lines) or 'nobody answered'}"
