"""Opening an improvement action, and saying that it is carried out; what a low dimension is.

Light: contracts know which ratings measure a dimension. Where one is low is read from the tallies,
in ``lows``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from . import actions, days
from .actions import Action, Impossible, Step, Wave
from .counting import segment_keys
from .periods import window
from .published import Definitions
from .storage import Missing, Store
from .survey import Contract, EchoformError, Scaled


class Worst(Struct, frozen=True):
    """The segment that lowers a dimension most."""

    key: str
    value: str
    gain: float
    """By how much the mean of all would rise, were its answers as the others'."""


class Low(Struct, frozen=True):
    """A dimension that is low in a wave."""

    dimension: str
    item: str
    """The rating that is lowest."""
    mean: float
    """Of it, on its own scale."""
    most: int
    """Where that scale ends."""
    n: int
    worst: Worst | None = None


def versions(store: Store, survey: str) -> list[Contract]:
    """Every version of a survey, the live one last. Raises EchoformError."""
    try:
        return Definitions(store).versions(survey)
    except (Missing, ValueError):
        raise EchoformError(f"no survey {survey!r} is published") from None


def ratings(contracts: Sequence[Contract]) -> dict[str, Scaled]:
    """Every rating, as the latest version that asks it does."""
    return {
        field.id: question
        for contract in contracts
        for question in contract.questions
        if isinstance(question, Scaled)
        for field in question.fields()
    }


def measured(contracts: Sequence[Contract], dimension: str) -> dict[str, Scaled]:
    """The ratings of a dimension, or the one of that name. Raises EchoformError."""
    known = ratings(contracts)
    found = {n: q for n, q in known.items() if q.dimension == dimension}
    if not found and dimension in known:
        found = {dimension: known[dimension]}
    if not found:
        names = dict.fromkeys([*(q.dimension for q in known.values() if q.dimension), *known])
        raise EchoformError(
            f"{contracts[-1].id} has no dimension {dimension!r}; it has: {', '.join(names)}"
        )
    return found


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
    """Open an action. Raises EchoformError: something is missing or unknown."""
    contracts = versions(store, survey)
    items = measured(contracts, dimension)
    key, _, value = segment.partition("=")
    if segment and not (key in segment_keys(contracts) and value):
        raise EchoformError(f"no segment {segment!r}: write agent=A07")
    reachable(target, items)
    action = Action(
        id="",
        survey=survey,
        dimension=dimension,
        items=[*items],
        baseline=Wave(*window(wave)),
        segment=segment,
        owner=owner,
        due=day(due),
        target=target,
        cause=cause,
        plan=plan,
    )
    return actions.opened(store, action, by, now)


def carried_out(action: Action, by: str, now: int, today: str, said: str, wave: str) -> Step:
    """It is done, and is to show in ``wave``: unless told, in as many days as it was low in.

    Raises EchoformError.
    """
    then = Wave(*window(wave)) if wave else action.baseline.after(today)
    if then.first <= action.baseline.last:
        raise Impossible(f"{then.first} is not after the wave it was low in")
    return Step(at=now, by=by, kind="carry_out", said=said, wave=then)


def carry_out(
    store: Store, id: str, by: str, now: int, said: str = "", wave: str | None = None
) -> Action:
    """Raises EchoformError."""

    def step(action: Action) -> Step:
        there = today(Definitions(store), action, now)
        return carried_out(action, by, now, there, said, wave or "")

    return actions.change(store, id, step)


def today(definitions: Definitions, action: Action, now: int) -> str:
    """The day where the survey is."""
    return days.day(now, definitions.current(action.survey).timezone)


def day(text: str) -> str:
    """The same, where it is one. Raises EchoformError."""
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise EchoformError(f"{text!r} is no day; write 2026-05-17")


def reachable(target: float | None, items: dict[str, Scaled]) -> None:
    """Raises EchoformError where no mean can be the target."""
    for name, question in items.items():
        low, high = question.ends
        if target is not None and not low <= target <= high:
            raise EchoformError(f"the target {target:g}: {name} goes from {low} to {high}")
