"""What may be asked about an answer: operators and operands, by the kind of a field's rule.

A new kind of rule in the kernel costs an entry here and one in ``reachability``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from chalicelib.survey.errors import Invalid
from chalicelib.survey.questions import NA, Field
from chalicelib.survey.rules import Rule, check

from .findings import Problem, meant

LARGEST = 10**15
"""Of what a calculated value is compared with: beyond, not every whole number is one."""
ORDERED = {"==", "!=", "<", "<=", ">", ">=", "in", "!in"}
EQUAL = {"==", "!=", "in", "!in"}
HOLDING = {"has", "!has"}


def codes_of(rule: Rule) -> list[str]:
    return list(rule[1]) if rule and rule[0] in ("code", "codes", "order") else []


class Kind(Struct, frozen=True):
    """What may be asked about answers under one kind of rule."""

    operators: set[str]
    operand: Callable[[Field, str, Any], Problem | None]
    example: str


def _choice(field: Field, symbol: str, value: Any) -> Problem | None:
    codes = codes_of(field.rule or [])
    if not isinstance(value, str):
        return Problem(f"`{value}` is not a choice of `{field.id}`", 'write a code in quotes: "…"')
    if value not in codes:
        return Problem(f"`{field.id}` has no choice `{value}`", meant(value, codes))
    return None


def _quantity(field: Field, symbol: str, value: Any) -> Problem | None:
    _, low, high, *rest = field.rule or []
    scale = field.kind == "scale"
    if scale and value == NA and isinstance(value, str):
        if symbol not in EQUAL:
            return Problem(f"`{NA}` has no order", f'write `{field.id} == "{NA}"`')
        return None if rest else Problem(f"`{field.id}` has no `{NA}`", "add `na: true` to it")
    if type(value) not in (int, float):
        return Problem(f"`{field.id}` is a number, not {value!r}", "write a number without quotes")
    if not low <= value <= high:
        return Problem(f"{value} is outside `{field.id}`", f"it goes from {low} to {high}")
    decimals = 0 if scale else rest[0]
    if symbol in EQUAL and round(value, decimals) != value:
        what = f"`{field.id}` is never {value}"
        return Problem(what, f"it has {decimals} decimal places" if decimals else "it is whole")
    return None


def _checked(field: Field, symbol: str, value: Any) -> Problem | None:
    if not isinstance(value, str):
        return Problem(f"`{field.id}` is not compared with {value!r}", 'write a text: "…"')
    try:
        possible = check(field.rule or [], value) == value
    except Invalid:
        possible = False
    if possible:
        return None
    return Problem(f'`{field.id}` can never be "{value}"', f"write `{example_of(field)}`")


def _agreed(field: Field, symbol: str, value: Any) -> Problem | None:
    if value is True:
        return None
    return Problem(
        f"`{field.id}` is ticked or not answered",
        f"write `{field.id} == True` or `not answered({field.id})`",
    )


def _figure(field: Field, symbol: str, value: Any) -> Problem | None:
    if type(value) in (int, float) and abs(value) <= LARGEST:
        return None
    return Problem(f"`{field.id}` is a number, not {value!r}", "write a number without quotes")


KINDS: dict[str, Kind] = {
    "code": Kind(EQUAL, _choice, '{id} == "{code}"'),
    "codes": Kind(HOLDING, _choice, '"{code}" in {id}'),
    "order": Kind(HOLDING, _choice, '"{code}" in {id}'),
    "scale": Kind(ORDERED, _quantity, "{id} <= {low}"),
    "number": Kind(ORDERED, _quantity, "{id} <= {low}"),
    "date": Kind(ORDERED, _checked, '{id} >= "2026-05-17"'),
    "text": Kind(EQUAL, _checked, '{id} == "…"'),
    "phone": Kind(EQUAL, _checked, "answered({id})"),
    "email": Kind(EQUAL, _checked, "answered({id})"),
    "true": Kind({"=="}, _agreed, "{id} == True"),
    "files": Kind(set(), _checked, "answered({id})"),
    "value": Kind(ORDERED, _figure, "{id} <= 2.5"),
}
"""By the kind of a field's rule."""

WRITTEN = {"!in": "not in", "has": "in", "!has": "not in"}


def example_of(field: Field) -> str:
    rule = field.rule or []
    facts = {"id": field.id, "code": (codes_of(rule) or [""])[0]}
    low = rule[1] if field.kind in ("scale", "number") else 0
    return KINDS[field.kind].example.format(**facts, low=low)
