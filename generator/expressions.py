"""Conditions: from what an author writes to the data that page and server evaluate.

``responsiveness <= 2 or "speed" in improve`` is parsed with Python's ``ast`` and never run. Every
name is bound to a question that stands earlier, allows the operator, and can have the value.
Everything else Python knows is refused.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from chalicelib.survey.conditions import Condition
from chalicelib.survey.questions import Field

from .findings import Problem, meant
from .operands import KINDS, WRITTEN, codes_of, example_of

LONGEST = 2000
VARIABLE: Final = object()
"""Stands for a part of a comparison that is no value."""

SYMBOLS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "!in",
}
_TURNED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_HELD = {"in": "has", "!in": "!has"}
_ROWS = {"any": "or", "all": "and"}
_TRUTH = {"true": True, "True": True, "false": False, "False": False}


class Scope(Struct, frozen=True):
    """What a condition may name, and what to say about other names."""

    fields: Mapping[str, Field]
    """Asked earlier, by id."""
    later: Mapping[str, frozenset[str]] = {}
    """All that is asked, by id, with the names in its own conditions; ``fields`` goes first."""
    attributes: frozenset[str] = frozenset()
    """Known from the link, and not to the page."""
    groups: Mapping[str, Sequence[str]] = {}
    """Fields of matrices asked earlier, by the matrix: one for each row."""
    unread: frozenset[str] = frozenset()
    """Questions with problems of their own, which may be named without more."""
    owner: frozenset[str] = frozenset()
    """The names of the question the condition belongs to."""


class Bound(Struct, frozen=True):
    """The condition (None where it cannot be known), and every problem in it."""

    condition: Condition | None
    problems: list[Problem]


def bind(text: str, scope: Scope) -> Bound:
    """Parse a condition and bind it to the questions of its scope."""
    try:
        tree = parsed(text)
    except SyntaxError:
        return Bound(None, [unreadable(text)])
    binder = Binder(scope)
    condition = binder.truth(tree)
    return Bound(None if binder.problems or binder.guessing else condition, binder.problems)


def names(text: str) -> frozenset[str]:
    """Every name in a condition, or none where it cannot be parsed."""
    try:
        tree = parsed(text)
    except SyntaxError:
        return frozenset()
    return frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))


def parsed(text: str) -> ast.expr:
    """Raises SyntaxError for whatever Python cannot read as one expression."""
    if len(text) > LONGEST:
        raise SyntaxError
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(f"({text}\n)", mode="eval").body
        except (ValueError, RecursionError, MemoryError):
            raise SyntaxError from None


_MISREAD: list[tuple[str, Problem]] = [
    (r"[“”‘’]", Problem("full-width quotes do not quote", 'write "…"')),
    (r"[（），＝＜＞！]", Problem("full-width signs are not operators", "write half-width ones")),
    (r"&&", Problem("`&&` is not an operator", "write `and`")),
    (r"\|\|", Problem("`||` is not an operator", "write `or`")),
    (r"<>", Problem("`<>` is not an operator", "write `!=`")),
    (r"[≤≥≠]", Problem("≤, ≥ and ≠ are not operators", "write `<=`, `>=` or `!=`")),
    (r"(?<![=!<>])=(?!=)", Problem("`=` does not compare", "write `==`")),
    (r"!(?!=)", Problem("`!` does not negate", "write `not`")),
]


def unreadable(text: str) -> Problem:
    if len(text) > LONGEST:
        return Problem(f"the condition has {len(text):,} characters", f"use at most {LONGEST:,}")
    bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", text)
    for pattern, problem in _MISREAD:
        if re.search(pattern, bare):
            return problem
    return Problem(
        "the condition cannot be read", "write one such as `overall <= 6 and answered(phone)`"
    )


class Binder:
    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.problems: list[Problem] = []
        self.guessing = False
        """A question that could not be read is named."""

    def truth(self, node: ast.expr) -> Condition:
        """What may stand between ``and`` and ``or``."""
        return _TRUTHS.get(type(node), Binder._other)(self, node)

    def _joined(self, node: ast.BoolOp) -> Condition:
        word = "and" if isinstance(node.op, ast.And) else "or"
        return [word, *(self.truth(part) for part in node.values)]

    def _negated(self, node: ast.UnaryOp) -> Condition:
        if isinstance(node.op, ast.Not):
            return ["not", self.truth(node.operand)]
        return self._other(node)

    def _called(self, node: ast.Call) -> Condition:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in _ROWS:
            said = f"`{ast.unparse(node)}` is compared with a value"
            return self.refuse(said, f"write one such as `{name}(ratings) <= 2`")
        if name != "answered" or len(node.args) != 1 or node.keywords:
            said = f"`{ast.unparse(node)}` cannot be called"
            remedy = "the functions are `answered(question)`, `any(matrix)` and `all(matrix)`"
            return self.refuse(said, remedy)
        inner = node.args[0]
        if not isinstance(inner, ast.Name):
            return self.refuse("`answered` asks about one question", "write `answered(question)`")
        field = self.field(inner.id)
        return ["answered", field.id] if field else []

    def _compared(self, node: ast.Compare) -> Condition:
        sides = [node.left, *node.comparators]
        for at, side in enumerate(sides):
            if isinstance(side, ast.Call):
                return self._over_rows(node, side, at)
        parts = [
            self._pair(left, operator, right)
            for left, operator, right in zip(sides, node.ops, sides[1:], strict=False)
        ]
        return parts[0] if len(parts) == 1 else ["and", *parts]

    def _over_rows(self, node: ast.Compare, call: ast.Call, at: int) -> Condition:
        """``any(ratings) <= 2``: the comparison of each row, joined with ``or``."""
        function = call.func.id if isinstance(call.func, ast.Name) else ""
        inner = call.args[0] if len(call.args) == 1 and not call.keywords else None
        if function not in _ROWS or not isinstance(inner, ast.Name):
            return self._other(call)
        if inner.id not in self._scope.groups:
            if self.field(inner.id):
                remedy = f"write `{inner.id}` alone"
                return self.refuse(f"`{inner.id}` is no matrix of ratings", remedy)
            return []
        parts: list[Condition] = []
        for row in self._scope.groups[inner.id]:
            sides = [node.left, *node.comparators]
            sides[at] = ast.Name(row)
            parts.append(self._compared(ast.Compare(sides[0], node.ops, sides[1:])))
            if self.problems:  # the same for every row
                return []
        return [_ROWS[function], *parts]

    def _named(self, node: ast.Name) -> Condition:
        field = self.field(node.id)
        if field is None:
            return []
        example = example_of(field)
        return self.refuse(
            f"`{node.id}` is an answer, not yes or no",
            f"compare it, such as `{example}`, or ask `answered({node.id})`",
        )

    def _other(self, node: ast.expr) -> Condition:
        return self.refuse(
            f"`{ast.unparse(node)[:60]}` is not a comparison",
            "compare a question with a value, such as `overall <= 6`",
        )

    def _pair(self, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Condition:
        symbol = SYMBOLS.get(type(operator))
        if symbol is None:
            return self.refuse("`is` does not compare answers", "write `==` or `!=`")
        first, second = value_of(left), value_of(right)
        if first is not VARIABLE and second is not VARIABLE:
            said = f"`{ast.unparse(left)}` and `{ast.unparse(right)}` are both values"
            return self.refuse(said, "name a question on one side")
        if first is VARIABLE and second is VARIABLE:
            return self._two(left, right)
        turned = second is VARIABLE
        asked, value = (right, first) if turned else (left, second)
        if not isinstance(asked, ast.Name):
            return self._other(asked)
        if turned:
            symbol = (_TURNED | _HELD)[symbol]
        return self._comparison(asked.id, symbol, value)

    def _two(self, left: ast.expr, right: ast.expr) -> Condition:
        for one, other in ((left, right), (right, left)):
            if not (isinstance(one, ast.Name) and isinstance(other, ast.Name)):
                return self._other(right if isinstance(left, ast.Name) else left)
            if one.id in self._scope.fields and not self._known(other.id):
                if other.id in codes_of(self._scope.fields[one.id].rule or []):
                    said = f"`{other.id}` is a choice of `{one.id}`, not a question"
                    return self.refuse(said, f'put it in quotes: "{other.id}"')
                self.field(other.id)
                return []
        return self.refuse(
            f"`{ast.unparse(left)}` and `{ast.unparse(right)}` are both questions",
            "compare each with a value and join them with `and`",
        )

    def _comparison(self, name: str, symbol: str, value: Any) -> Condition:
        field = self.field(name)
        if field is None:
            return []
        kind = KINDS[field.kind]
        if symbol not in kind.operators:
            said = f"`{name}` cannot be asked with `{WRITTEN.get(symbol, symbol)}`"
            return self.refuse(said, f"write `{example_of(field)}`")
        if (symbol in ("in", "!in")) != isinstance(value, list):
            example = f'{name} {WRITTEN.get(symbol, symbol)} ["a", "b"]'
            if isinstance(value, list):
                return self.refuse(f"`{name}` is compared with a list", "write `in [...]`")
            return self.refuse("`in` wants a list", f"write `{example}`")
        for part in value if isinstance(value, list) else [value]:
            problem = kind.operand(field, symbol, part)
            if problem:
                self.problems.append(problem)
        if isinstance(value, list) and not value:
            return self.refuse("the list is empty", "name at least one value")
        return [symbol, field.id, value]

    def _known(self, name: str) -> bool:
        scope = self._scope
        return name in {*scope.fields, *scope.later, *scope.attributes, *scope.unread}

    def field(self, name: str) -> Field | None:
        """The field of a name, or None after saying why it cannot be named."""
        scope = self._scope
        if name in scope.unread:
            self.guessing = True
            return None
        if name in scope.groups:
            example = f"`{scope.groups[name][0]}`, or ask `any({name})` or `all({name})`"
            self.refuse(f"`{name}` is a matrix", f"name a row, such as {example}")
            return None
        field = scope.fields.get(name)
        if field is not None and field.rule is not None:
            return field
        if field is not None:
            self.refuse(f"`{name}` takes no answer", "name a question that does")
        elif name in scope.owner and name in scope.later:
            self.refuse("a question cannot depend on itself", "name an earlier question")
        elif name in scope.later and scope.later[name] & scope.owner:
            said = f"this and `{name}` depend on each other"
            self.refuse(said, "let only the later one depend on the earlier one")
        elif name in scope.later:
            self.refuse(f"`{name}` is asked later", "name an earlier question, or move it up")
        elif name in scope.attributes:
            self.refuse(
                f"`{name}` is an attribute, which the page does not know",
                "ask it in `when` of follow_ups only",
            )
        elif name in _TRUTH:
            self.refuse(f"`{name}` alone is no condition", "name a question")
        else:
            self.refuse(f"there is no question `{name}`", meant(name, scope.fields))
        return None

    def refuse(self, what: str, remedy: str) -> Condition:
        self.problems.append(Problem(what, remedy))
        return []


_TRUTHS: dict[type[ast.expr], Callable[[Binder, Any], Condition]] = {
    ast.BoolOp: Binder._joined,
    ast.UnaryOp: Binder._negated,
    ast.Call: Binder._called,
    ast.Compare: Binder._compared,
    ast.Name: Binder._named,
}


def value_of(node: ast.expr) -> Any:
    """The value that is written, or VARIABLE."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | bool):
        return node.value
    if isinstance(node, ast.Name) and node.id in _TRUTH:
        return _TRUTH[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = value_of(node.operand)
        return -inner if type(inner) in (int, float) else VARIABLE
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        values = [value_of(item) for item in node.elts]
        return VARIABLE if any(value is VARIABLE for value in values) else values
    return VARIABLE
