"""Whether a condition can ever hold, or always does.

The fields a condition depends on are walked in the order asked, over every combination of answers
that matter: one answer for each set of comparisons it makes true. What is hidden is absent, what
ended the survey goes no further, as in the kernel. Where the combinations are too many nothing is
said: an author is never told of a problem that is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import combinations
from typing import Any, TypeAlias

from msgspec import Struct

from chalicelib.survey import holds
from chalicelib.survey.conditions import Answers, Condition, comparisons
from chalicelib.survey.errors import Invalid
from chalicelib.survey.questions import NA, Field
from chalicelib.survey.rules import check

MOST_STATES = 4000
_MOST_CODES = 6

State: TypeAlias = dict[str, Any]


class Asked(Struct, frozen=True):
    """A condition and when it is asked: before ``position`` (an index into the fields)."""

    condition: Condition | None
    position: int
    guard: Condition | None = None
    """What has to hold for the condition to be asked at all."""
    ended: bool = False
    """Asked after the survey's end too, as a rule is."""


class Verdict(Struct, frozen=True):
    """Whether it can be asked, and, if so, whether it can hold and can fail."""

    asked: bool
    holds: bool
    fails: bool


UNKNOWN = Verdict(True, True, True)


def judge(fields: Sequence[Field], asked: Asked) -> Verdict:
    """What can become of a condition. UNKNOWN where there are too many combinations."""
    earlier = fields[: asked.position]
    live = _live(earlier, asked)
    leaves = _leaves(earlier, asked, set().union(*live))
    states: list[tuple[State, bool]] = [({}, False)]
    for field, before, after in zip(earlier, live, live[1:], strict=False):
        answers = _candidates(field, leaves[field.id]) if field.id in before else []
        if answers is None:
            return UNKNOWN
        states = _unique(_after(field, answers, states), after, asked.ended)
        if len(states) > MOST_STATES:
            return UNKNOWN
    met = [state for state, _ in states if _true(asked.guard, state)]
    truths = {_true(asked.condition, state) for state in met}
    return Verdict(bool(met), True in truths, False in truths)


def _true(condition: Condition | None, answers: Answers) -> bool:
    return condition is None or holds(condition, answers)


def _after(
    field: Field, answers: list[Any], states: Iterable[tuple[State, bool]]
) -> Iterator[tuple[State, bool]]:
    """Every state after a field was asked."""
    for state, ended in states:
        visible = not ended and _true(field.show_if, state)
        for after in _answered(field, answers, state) if visible and answers else [state]:
            over = ended or field.end_if is not None and holds(field.end_if, after)
            yield after, over


def _answered(field: Field, answers: list[Any], state: State) -> Iterator[State]:
    hidden = {code for code, when in field.choice_if.items() if not holds(when, state)}
    if not field.required:
        yield state
    for answer in answers:
        if not hidden.intersection(answer if isinstance(answer, list) else [answer]):
            yield {**state, field.id: answer}


def _unique(
    states: Iterable[tuple[State, bool]], live: set[str], ended_too: bool
) -> list[tuple[State, bool]]:
    """States that differ in what still matters."""
    found: dict[Any, tuple[State, bool]] = {}
    for state, ended in states:
        if ended and not ended_too:
            continue
        kept = {name: value for name, value in state.items() if name in live}
        found.setdefault((ended, repr(kept)), (kept, ended))
        if len(found) > MOST_STATES:
            break
    return list(found.values())


def _conditions(field: Field) -> list[Condition]:
    return [c for c in (field.show_if, field.end_if, *field.choice_if.values()) if c is not None]


def _names(conditions: Iterable[Condition | None]) -> set[str]:
    return {leaf[1] for part in conditions if part is not None for leaf in comparisons(part)}


def _live(earlier: Sequence[Field], asked: Asked) -> list[set[str]]:
    """Before each field, and at the end: the fields that something from there on asks about.

    A field that nothing after it asks about does not matter, nor when it is shown.
    """
    live = [_names([asked.condition, asked.guard])]
    for field in reversed(earlier):
        wanted = live[-1] | _names([field.end_if])
        if field.id in wanted:
            wanted |= _names([field.show_if, *field.choice_if.values()])
        live.append(wanted)
    return live[::-1]


def _leaves(earlier: Sequence[Field], asked: Asked, needed: set[str]) -> dict[str, list[Condition]]:
    """The comparisons that matter, by the field they ask about."""
    parts = [part for part in (asked.condition, asked.guard) if part is not None]
    for field in earlier:
        if field.id in needed:
            parts += _conditions(field)
        elif field.end_if is not None:
            parts.append(field.end_if)
    found: dict[str, list[Condition]] = {}
    for part in parts:
        for leaf in comparisons(part):
            found.setdefault(leaf[1], []).append(leaf)
    return found


def _candidates(field: Field, leaves: list[Condition]) -> list[Any] | None:
    """One answer for each set of comparisons that an answer can make true; None: too many."""
    operands = [
        operand
        for leaf in leaves
        for operand in (leaf[2] if leaf[0] in ("in", "!in") else leaf[2:])
    ]
    values = _VALUES[field.kind](field, operands)
    if values is None:
        return None
    found: dict[Any, Any] = {}
    for value in values:
        conditional = field.choice_if.keys() & set(value if isinstance(value, list) else [value])
        truths = tuple(holds(leaf, {field.id: value}) for leaf in leaves)
        found.setdefault((truths, frozenset(conditional)), value)
    return list(found.values())


def _code(field: Field, operands: list[Any]) -> list[Any]:
    return list((field.rule or [])[1])


def _codes(field: Field, operands: list[Any]) -> list[Any] | None:
    _, codes, least, most = field.rule or []
    free = [code for code in codes if code not in operands and code not in field.choice_if]
    asked = [code for code in codes if code not in free]
    if len(asked) > _MOST_CODES:
        return None
    found = []
    for size in range(len(asked) + 1):
        for chosen in combinations(asked, size):
            filled = [*chosen, *free[: max(least - size, 1 if not size else 0)]]
            if filled and least <= len(filled) <= most:
                found.append(filled)
    return found


def _scale(field: Field, operands: list[Any]) -> list[Any]:
    _, low, high, *na = field.rule or []
    return [*range(low, high + 1), *[NA] * bool(na)]


def _number(field: Field, operands: list[Any]) -> list[Any]:
    _, low, high, decimals = field.rule or []
    step = 10**-decimals
    near = [low, high]
    for operand in operands:
        at = round(operand, decimals)
        near += [at - step, at, at + step]
    return sorted({round(value, decimals) for value in near if low <= value <= high})


def _date(field: Field, operands: list[Any]) -> list[Any]:
    _, first, last = field.rule or []
    days = {date.fromisoformat(operand) for operand in operands}
    days |= {date.fromisoformat(day) for day in (first or "1000-01-01", last or "2999-12-31")}
    near = [day + timedelta(days=shift) for day in days for shift in (-1, 0, 1)]
    return [day.isoformat() for day in sorted(near) if _allowed(field, day.isoformat())]


def _text(field: Field, operands: list[Any]) -> list[Any]:
    least = (field.rule or [])[1] if field.kind == "text" else 0
    other = "x" * max(least, 1)
    while other in operands:
        other += "x"
    return [*operands, other]


def _unknown(field: Field, operands: list[Any]) -> None:
    """What is worked out of other answers is beyond this module."""


def _true_only(field: Field, operands: list[Any]) -> list[Any]:
    return [True]


def _files(field: Field, operands: list[Any]) -> list[Any]:
    return [["2026-05-17-" + "0" * 32]]


def _allowed(field: Field, value: object) -> bool:
    try:
        return check(field.rule or [], value) is not None
    except Invalid:
        return False


_VALUES = {
    "code": _code,
    "codes": _codes,
    "order": _codes,
    "scale": _scale,
    "number": _number,
    "date": _date,
    "text": _text,
    "phone": _text,
    "email": _text,
    "true": _true_only,
    "files": _files,
    "value": _unknown,
}
"""Answers worth trying, by the kind of a field's rule."""
