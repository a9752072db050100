"""Whether a condition holds, given the answers so far. ``conditions.js`` is its twin.

A condition is data: ``["or", ["<=", "speed", 2], ["has", "improve", "price"]]``. The generator
makes it from what the author wrote and binds every name, so evaluation is total: it never raises.

* An absent answer (hidden, skipped, empty) makes every comparison false, ``!=`` and ``!in`` too.
* So does an answer of another type: ``"5"`` is not ``5``, ``true`` is not ``1``, N/A is no number.
* ``and``, ``or`` and ``not`` join truth values; ``answered`` asks whether there is an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any, TypeAlias

Answer: TypeAlias = str | int | float | bool | list[str]
"""A typed answer; consent is ``True``, N/A is ``"na"``."""

Condition: TypeAlias = list[Any]
"""An operator and its operands, nested."""

Answers: TypeAlias = Mapping[str, Answer]


def _kind(value: object) -> type:
    """The type an operand counts as: whole numbers and fractions are one."""
    return float if type(value) is int else type(value)


def _compares(compare: Callable[[Any, Any], bool]) -> Callable[[Answers, str, Any], bool]:
    def holds_for(answers: Answers, name: str, operand: Any) -> bool:
        value = answers.get(name)
        return value is not None and _kind(value) is _kind(operand) and compare(value, operand)

    return holds_for


def _among(answers: Answers, name: str, operands: Sequence[Any]) -> bool:
    return any(COMPARISONS["=="](answers, name, operand) for operand in operands)


def _not_among(answers: Answers, name: str, operands: Sequence[Any]) -> bool:
    return name in answers and all(COMPARISONS["!="](answers, name, o) for o in operands)


def _has(answers: Answers, name: str, code: str) -> bool:
    value = answers.get(name)
    return isinstance(value, list) and code in value


def _has_not(answers: Answers, name: str, code: str) -> bool:
    value = answers.get(name)
    return isinstance(value, list) and code not in value


COMPARISONS: dict[str, Callable[[Answers, str, Any], bool]] = {
    "==": _compares(eq),
    "!=": _compares(ne),
    "<": _compares(lt),
    "<=": _compares(le),
    ">": _compares(gt),
    ">=": _compares(ge),
    "in": _among,
    "!in": _not_among,
    "has": _has,
    "!has": _has_not,
}


def holds(condition: Condition, answers: Answers) -> bool:
    """Truth of a bound condition."""
    operator, *operands = condition
    if operator == "and":
        return all(holds(part, answers) for part in operands)
    if operator == "or":
        return any(holds(part, answers) for part in operands)
    if operator == "not":
        return not holds(operands[0], answers)
    if operator == "answered":
        return operands[0] in answers
    return COMPARISONS[operator](answers, operands[0], operands[1])


def comparisons(condition: Condition) -> Iterator[Condition]:
    """The leaves of a condition: comparisons and ``answered``, in order."""
    operator, *operands = condition
    if operator in ("and", "or", "not"):
        for part in operands:
            yield from comparisons(part)
    else:
        yield condition
