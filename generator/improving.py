"""Improvement actions on the command line: where one is due, what they are, and what came of them.

A dimension is low where its mean on five points is below ``bands.satisfied`` of its survey and at
least 30 answered: then an action is suggested, with the segment that lowers it most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from msgspec import Struct
from msgspec.structs import replace
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from chalicelib import actions, counting, days
from chalicelib.actions import Action, Judged, Step, Wave
from chalicelib.published import Definitions
from chalicelib.storage import Store
from chalicelib.survey import EchoformError
from chalicelib.survey.comparing import FEWEST
from chalicelib.survey.figures import mean, on_five
from chalicelib.survey.questions import Scaled
from generator.scores import fields_of
from generator.tallied import EVERYBODY, contracts_of, read
from generator.tracing import Source, trace
from generator.waves import window

COLOURS = {"improved": "green", "reopened": "red", "worse": "red", "no_evidence": "yellow"}


class Low(Struct, frozen=True):
    """A dimension that is low in a wave."""

    dimension: str
    mean: float
    """Of the rating that is lowest, on its own scale."""
    n: int
    worst: Source | None
    """The segment that lowers it most."""


def low(store: Store, survey: str, wave: str) -> list[Low]:
    """The low dimensions that no action is under way for, the lowest first. Raises Unscorable."""
    contracts = contracts_of(store, survey)
    bounds = window(wave)
    whole = read(store, contracts, (), bounds).kept.get(EVERYBODY, {})
    busy = {a.dimension for a in actions.every(store, survey) if a.state not in _OVER}
    found: dict[str, tuple[float, Low]] = {}
    for name, (question, _) in fields_of(contracts).items():
        if not isinstance(question, Scaled) or question.dimension in (None, *busy):
            continue
        points = {int(v): n for v, (n, _) in whole.get(name, {}).items() if v.isdigit()}
        score = mean(points)
        if score is None or score.n < FEWEST:
            continue
        placed = on_five(score.mean, *question.ends)
        dimension = str(question.dimension)
        if placed < contracts[-1].bands.satisfied and placed < found.get(dimension, (9.0,))[0]:
            found[dimension] = placed, Low(dimension, score.mean, score.n, None)
    for dimension, (placed, each) in found.items():
        sources = trace(store, survey, dimension, days=bounds).sources
        found[dimension] = placed, replace(each, worst=sources[0] if sources else None)
    return [each for _, each in sorted(found.values(), key=lambda pair: pair[0])]


_OVER = ("improved", "dropped")


def begin(
    store: Store,
    survey: str,
    dimension: str,
    wave: str,
    by: str,
    now: int,
    *,
    owner: str,
    due: str,
    cause: str,
    plan: str,
    target: float | None = None,
    segment: str = "",
) -> Action:
    """Open an action. Raises Unscorable, Impossible: something is missing or unknown."""
    contracts = contracts_of(store, survey)
    trace(store, survey, dimension, days=window(wave))  # says which dimensions there are
    scaled = {n: q for n, (q, _) in fields_of(contracts).items() if isinstance(q, Scaled)}
    items = [n for n, q in scaled.items() if q.dimension == dimension] or [dimension]
    first, last = window(wave)
    if segment and segment.partition("=")[0] not in _keys(store, survey):
        raise EchoformError(f"no segment {segment!r}: write agent=A07")
    _day(due)
    action = Action(
        id="",
        survey=survey,
        dimension=dimension,
        items=items,
        baseline=Wave(str(first), str(last)),
        segment=segment,
        owner=owner,
        due=due,
        target=target,
        cause=cause,
        plan=plan,
    )
    return actions.opened(store, action, by, now)


def carry_out(
    store: Store, id: str, by: str, now: int, said: str = "", wave: str | None = None
) -> Action:
    """It is done, and is to show in ``wave``: unless told, in as many days as it was low in."""

    def step(action: Action) -> Step:
        today = days.day(now, Definitions(store).current(action.survey).timezone)
        then = Wave(*map(str, window(wave))) if wave else action.baseline.after(today)
        if then.first <= action.baseline.last:
            raise EchoformError(f"{then.first} is not after the wave it was low in")
        return Step(at=now, by=by, kind="carry_out", said=said, wave=then)

    return actions.change(store, id, step)


def _day(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise EchoformError(f"{text!r} is no day; write 2026-05-17") from None


def _keys(store: Store, survey: str) -> Sequence[str]:
    return counting.segment_keys(contracts_of(store, survey))


def listed(found: Sequence[Action], now: int) -> RenderableType:
    """A line for each, those that wait for somebody first."""
    if not found:
        return Text("no actions; `echoform actions suggest SURVEY` looks where one is due")
    today = days.day(now, "UTC")
    grid = Table(show_edge=False, pad_edge=False)
    for name in ("action", "state", "owner", "due"):
        grid.add_column(name, no_wrap=True)
    grid.add_column("next wave")
    for action in sorted(found, key=lambda a: (a.state in _OVER, a.due)):
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
