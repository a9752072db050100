"""Calculated values: arithmetic over earlier answers, as data. ``parts/value.js`` is the twin.

A formula is a number, the name of a field, or an operator and its operands: ``["/", ["sum", "a",
"b"], 2]``. The generator makes it from what the author wrote, so evaluation is total.

=====================================  ==========================================================
``["+", x, y]``, ``-``, ``*``, ``/``   absent where either is; division by zero is absent
``["sum", x, …]``, ``mean``, ``min``,  of those that are there; absent where none is
``max``
``["count", name, …]``                 how many of them are answered, N/A too, as ``answered``
``["if", condition, x, y]``            ``x`` where the condition holds, else ``y``
=====================================  ==========================================================

Only numbers are operands: N/A and texts are absent. What is no finite number is absent at once, and
zero has no sign, so whatever is left is the same to the last bit in every IEEE 754 arithmetic: sums
go from left to right, and nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import isfinite
from operator import add, mul, sub
from typing import Annotated, Any, TypeAlias

from msgspec import Meta

from .conditions import Answers, Condition, comparisons, holds

Formula: TypeAlias = Annotated[list[Any], Meta(title="formula")]
"""An operator and its operands, nested."""

Operand: TypeAlias = Any
"""A formula, a number, or a field's name."""


def value(formula: Operand, answers: Answers) -> float | None:
    """What a formula comes to; None where it is absent."""
    if isinstance(formula, str):
        answer = answers.get(formula)
        return float(answer) if type(answer) in (int, float) else None  # type: ignore[arg-type]
    if not isinstance(formula, list):
        return float(formula)
    operator, *operands = formula
    if operator == "if":
        condition, first, second = operands
        return value(first if holds(condition, answers) else second, answers)
    if operator == "count":
        return float(sum(name in answers for name in operands))
    values = [value(operand, answers) for operand in operands]
    present = [each for each in values if each is not None]
    if operator in _OVER:
        return _finite(_OVER[operator](present)) if present else None
    return _finite(_BETWEEN[operator](*present)) if len(present) == len(values) else None


def _finite(number: float | None) -> float | None:
    return number + 0.0 if number is not None and isfinite(number) else None  # -0.0 + 0.0 is 0.0


def _sum(values: Sequence[float]) -> float:
    total = 0.0
    for each in values:  # sum() corrects its rounding from Python 3.12 on, and JavaScript does not
        total += each
    return total


def _divided(one: float, other: float) -> float | None:
    return one / other if other else None


_BETWEEN: dict[str, Callable[[float, float], float | None]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": _divided,
}
_OVER: dict[str, Callable[[Sequence[float]], float]] = {
    "sum": _sum,
    "mean": lambda values: _sum(values) / len(values),
    "min": min,
    "max": max,
}
FUNCTIONS = (*_OVER, "count")


def names(formula: Operand) -> Iterator[str]:
    """The fields a formula depends on, its conditions' too."""
    if isinstance(formula, str):
        yield formula
    elif isinstance(formula, list):
        operator, *operands = formula
        if operator == "if":
            condition: Condition = operands.pop(0)
            yield from (leaf[1] for leaf in comparisons(condition))
        for operand in operands:
            yield from names(operand)
