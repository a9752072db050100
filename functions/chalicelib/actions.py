"""Improvement actions: what is to be done about a low dimension, and whether it helped.

=============  ==========================================================================
planned        somebody has it, with a cause, a plan and a day
carried_out    done; waits for the wave that shows whether it helped
improved       the next wave is higher: over
reopened       no evidence, or worse: wants another cause and another plan
dropped        given up, with the reason
=============  ==========================================================================

There are few of them and they change seldom, so each is one file, replaced only as it was read. It
holds its steps; the rest is their fold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import count
from typing import Annotated, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from . import keys
from .storage import Exists, Missing, Stale, Store
from .survey import EchoformError
from .survey.comparing import HIGHER, LOWER, NO_EVIDENCE, TOO_FEW, Comparison

IMPROVED, WORSE = "improved", "worse"
JUDGE = "job:judge"

State: TypeAlias = Literal["planned", "carried_out", "improved", "reopened", "dropped"]
Kind: TypeAlias = Literal["open", "plan", "carry_out", "judge", "note", "drop", "tell"]
Day: TypeAlias = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$")]
Said: TypeAlias = Annotated[str, Meta(max_length=2000)]

MOVES: dict[Kind, dict[State, State]] = {
    "plan": {"planned": "planned", "reopened": "planned"},
    "carry_out": {"planned": "carried_out"},
    "judge": {"carried_out": "reopened"},  # or improved, by the verdict
    "note": {s: s for s in ("planned", "carried_out", "improved", "reopened", "dropped")},
    "tell": {"carried_out": "carried_out", "improved": "improved"},
    "drop": {"planned": "dropped", "carried_out": "dropped", "reopened": "dropped"},
}
"""What may follow on what."""
OVER: tuple[State, ...] = ("improved", "dropped")
"""Nothing is under way any more."""
_ELSEWHERE: tuple[Kind, ...] = ("judge", "tell")
"""Moves that come of something else: a wave that is over, customers who were told."""


class Wave(Struct, frozen=True):
    """From the first day to the last."""

    first: Day
    last: Day

    @property
    def days(self) -> int:
        return (date.fromisoformat(self.last) - date.fromisoformat(self.first)).days + 1

    def after(self, day: str) -> Wave:
        """A wave as long as this one that begins the day after."""
        start = date.fromisoformat(day) + timedelta(1)
        return Wave(start.isoformat(), (start + timedelta(self.days - 1)).isoformat())


class Judged(Struct, frozen=True):
    """What the next wave says: ``tests`` by question, judged together (Holm)."""

    wave: Wave
    verdict: str
    """``improved``, ``worse`` or ``no_evidence``."""
    tests: dict[str, Comparison]
    on_target: bool | None = None
    """Whether every mean reached the target; None where there is none."""


class Step(Struct, frozen=True, kw_only=True, omit_defaults=True):
    at: int
    """Milliseconds since 1970."""
    by: str
    kind: Kind
    said: Said = ""
    cause: Said = ""
    plan: Said = ""
    owner: str = ""
    due: Day | Literal[""] = ""
    target: float | None = None
    wave: Wave | None = None
    """With ``carry_out``: in which it is to show."""
    judged: Judged | None = None


class Action(Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    survey: str
    dimension: str
    items: list[str]
    """The ratings that measure it."""
    baseline: Wave
    """Where it was low."""
    segment: str = ""
    """``agent=A07``; "" is everybody."""
    state: State = "planned"
    owner: str = ""
    due: str = ""
    """The day by which it is to be carried out."""
    target: float | None = None
    """The mean to reach, on the question's own scale."""
    cause: str = ""
    plan: str = ""
    wave: Wave | None = None
    steps: list[Step] = []

    @property
    def judged(self) -> Judged | None:
        """The latest verdict."""
        return next((step.judged for step in reversed(self.steps) if step.judged), None)

    def is_overdue(self, today: str) -> bool:
        return self.state in ("planned", "reopened") and bool(self.due) and self.due < today


def legal(action: Action) -> list[str]:
    """The moves that somebody can make now."""
    return [kind for kind, ways in MOVES.items() if action.state in ways and kind not in _ELSEWHERE]


class Impossible(EchoformError):
    """The action does not allow this now. The message says what it does allow."""


class NoAction(EchoformError):
    """There is no such action."""


class Stored(NamedTuple):
    action: Action
    tag: str


_DECODER = msgspec.json.Decoder(Action)


def moved(action: Action, step: Step) -> Action:
    """The action after the step. Raises Impossible."""
    leads = MOVES.get(step.kind, {})
    if action.state not in leads:
        raise Impossible(
            f"{action.id} is {action.state} and allows no `{step.kind}`; possible now: "
            + ", ".join(legal(action))
        )
    if action.state == "reopened" and step.kind == "plan":
        same = [n for n in ("cause", "plan") if getattr(step, n) in ("", getattr(action, n))]
        if same:
            raise Impossible(f"it did not help: give another {' and another '.join(same)}")
    if step.kind in ("drop", "note") and not step.said:
        raise Impossible("say why it is dropped" if step.kind == "drop" else "the note is empty")
    if step.kind == "plan":
        told = {n: v for n in ("cause", "plan", "owner", "due") if (v := getattr(step, n))}
        told |= {"target": step.target} if step.target is not None else {}
        action = replace(action, **told)
    state = leads[action.state]
    if step.judged:
        state = "improved" if step.judged.verdict == IMPROVED else "reopened"
    if step.kind == "carry_out":
        action = replace(action, wave=step.wave)
    return replace(action, state=state, steps=[*action.steps, step])


def opened(store: Store, action: Action, by: str, now: int) -> Action:
    """Put a new action on record, under the first id that is free. Raises Impossible."""
    if not action.cause or not action.plan or not action.owner or not action.due:
        raise Impossible("an action has a cause, a plan, an owner and a day by which it is done")
    first = Step(
        at=now, by=by, kind="open", cause=action.cause, plan=action.plan, owner=action.owner,
        due=action.due, target=action.target,
    )  # fmt: skip
    for number in count(1):
        made = replace(action, id=f"{action.survey}-{action.dimension}-{number}", steps=[first])
        try:
            store.create(keys.action(made.id), msgspec.json.encode(made))
        except Exists:
            continue
        return made
    raise AssertionError


def read(store: Store, id: str) -> Stored:
    """Raises NoAction."""
    try:
        stored = store.get(keys.action(id))
    except Missing:
        raise NoAction(f"no action {id!r}; `echoform actions list` shows them") from None
    return Stored(_DECODER.decode(stored.data), stored.tag)


def every(store: Store, survey: str = "") -> Iterator[Action]:
    """Of a survey or of all."""
    for entry in store.list(keys.ACTIONS):
        action = _DECODER.decode(store.get(entry.key).data)
        if survey in ("", action.survey):
            yield action


def change(store: Store, id: str, step: Callable[[Action], Step]) -> Action:
    """Take a step; asked again where somebody else took one meanwhile.

    Raises NoAction, Impossible, and what ``step`` raises.
    """
    while True:
        action, tag = read(store, id)
        made = moved(action, step(action))
        try:
            store.replace(keys.action(id), msgspec.json.encode(made), tag)
        except Stale:
            continue
        return made


def verdict(tests: dict[str, Comparison]) -> str:
    """What the tests of its questions, judged together, say of an action.

    ``too_few`` where nothing could be tested.
    """
    said = {test.verdict for test in tests.values()}
    if LOWER in said:
        return WORSE
    if HIGHER in said:
        return IMPROVED
    return TOO_FEW if said <= {TOO_FEW} else NO_EVIDENCE
