"""What a survey's page must carry: its types and features, the operators of its conditions, what
can be wrong with its answers. A page has the script and style of these, and no other line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from chalicelib.survey import AnyQuestion, Contract, Field
from chalicelib.survey.conditions import COMPARISONS
from chalicelib.survey.questions import Matrix, Offering
from chalicelib.survey.rules import Rule

_PROBLEMS: dict[str, Callable[[Rule], Iterable[str]]] = {
    "codes": lambda rule: _where(few=rule[2] > 1, many=rule[3] < len(rule[1])),
    "order": lambda rule: ["choice", *_where(few=rule[2] > 1, many=True)],
    "number": lambda rule: ["number", "range", "decimals"],
    "date": lambda rule: _where(date=True, days=rule[1] or rule[2]),
    "text": lambda rule: _where(short=rule[1] > 1, long=True),
    "phone": lambda rule: ["phone", "long"],
    "email": lambda rule: ["email", "long"],
    "files": lambda rule: ["many", "file_kind", "file_large"],
}
"""What can be wrong with an answer that a control of the page gives, by the kind of its rule."""

_FEATURES: dict[str, Callable[[Contract], bool]] = {
    "choices": lambda contract: any(field.choice_if for field in contract.fields),
    "ends": lambda contract: any(field.end_if for field in contract.fields),
    "na": lambda contract: any(getattr(question, "na", False) for question in contract.questions),
    "short": lambda contract: any(field.kind in ("date", "number") for field in contract.fields),
    "seven": lambda contract: any(_points(q) in (7, 8) for q in contract.questions),
    "stars": lambda contract: _looks(contract, "stars"),
    "faces": lambda contract: _looks(contract, "faces"),
    "choice": lambda contract: any(f.choice_if or f.kind == "order" for f in contract.fields),
    "pattern": lambda contract: any(f.kind in ("phone", "email") for f in contract.fields),
    "typed": lambda contract: any(f.kind in ("phone", "email", "number") for f in contract.fields),
    "matrix_if": lambda contract: _may_hide_a_matrix(contract),
    "image": lambda contract: _has_pictures(contract),
    "piping": lambda contract: bool(contract.piped),
    "left": lambda contract: not contract.anonymous,
    "link": lambda contract: bool(contract.attributes),
    "untold": lambda contract: not contract.told,
}
"""What only some surveys need beside their question types. ``link`` asks about the code a page was
opened with, which is worth its bytes where links know something; the link of a survey without
attributes is judged when the answer is sent. Where no text says what a link knows (``untold``),
only personal ones are asked about."""

_LINES = re.compile(
    r'^  "(?P<operator>\S+)": .*\n'
    r'|^ *refuse\(.*?, "(?P<problem>\w+)".*\n'
    r"|^.*/[/*] with (?P<feature>\w+).*\n",
    re.MULTILINE,
)
"""The lines of script and style that only some surveys need: an operator of conditions, a problem
that an answer may have, and what says that it comes with a feature."""

_OPERATORS = {*COMPARISONS, "and", "or", "not", "answered"}


def needs(contract: Contract) -> tuple[str, ...]:
    """A survey's types, rules, features, operators and problems: only it carries their parts."""
    types = {str(q.__struct_config__.tag) for q in _drawn(contract)}
    kinds = {field.kind for field in contract.fields}
    features = {name for name, has in _FEATURES.items() if has(contract)}
    operators = {each for field in contract.fields for each in _used(field)}
    wrong = {code for field in contract.fields for code in problems(field)}
    return tuple(sorted(types | kinds | features | operators | wrong))


def _used(field: Field) -> Iterable[str]:
    """The operators in the conditions of a field, and in those of its formula."""
    parts: list[Any] = [field.show_if, field.end_if, *field.choice_if.values()]
    if field.kind == "value" and field.rule:
        parts.append(field.rule[1])
    while parts:
        if isinstance(part := parts.pop(), list) and part:
            if part[0] in _OPERATORS:
                yield part[0]
            parts += part[1:]


def _drawn(contract: Contract) -> Iterator[AnyQuestion]:
    """The questions as the page draws them: a matrix is one."""
    return (question for section in contract.sections for question in section.questions)


def _has_pictures(contract: Contract) -> bool:
    choices = (c for q in _drawn(contract) if isinstance(q, Offering) for c in q.choices)
    return any(choice.image for choice in choices)


def _may_hide_a_matrix(contract: Contract) -> bool:
    matrices = [question for question in _drawn(contract) if isinstance(question, Matrix)]
    ends = any(field.end_if for field in contract.fields)
    return any(matrix.show_if or ends for matrix in matrices)


def problems(field: Field) -> Iterable[str]:
    """What can be wrong with the answer to a field."""
    codes = _PROBLEMS[field.kind](field.rule) if field.rule and field.kind in _PROBLEMS else ()
    return [*codes, "required"] if field.required else codes


def stripped(text: str, parts: tuple[str, ...]) -> str:
    return _LINES.sub(lambda line: line[0] if line[line.lastgroup or 0] in parts else "", text)


def _where(**problems: object) -> list[str]:
    return [code for code, possible in problems.items() if possible]


def _looks(contract: Contract, look: str) -> bool:
    return any(getattr(question, "look", "") == look for question in contract.questions)


def _points(question: AnyQuestion) -> int:
    low, high = getattr(question, "ends", (0, 0))
    return int(high - low + 1)
