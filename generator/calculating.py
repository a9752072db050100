"""Calculated values: from the arithmetic an author writes to data that page and server evaluate.

``mean(speed, skill) * 20 if answered(skill) else 0`` is parsed like a condition and never run.
Whatever has a number can be named: ratings, scores, numbers, values calculated before. A matrix
stands for its rows.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from chalicelib.survey.formulas import FUNCTIONS, Operand

from .expressions import Binder, Bound, Scope, parsed, unreadable, value_of
from .findings import Problem, listed, meant
from .operands import LARGEST

_SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
_NUMERIC = ("scale", "number", "value")


def bind_formula(text: str, scope: Scope) -> Bound:
    """Parse a formula and bind it to the questions of its scope."""
    try:
        tree = parsed(text)
    except SyntaxError:
        problem = unreadable(text)
        return Bound(None, [Problem(problem.what.replace("condition", "formula"), _REMEDY)])
    calculator = _Calculator(scope)
    formula = calculator.figure(tree)
    if calculator.problems or calculator.guessing:
        return Bound(None, calculator.problems)
    # A number or a name alone is a formula too.
    return Bound(formula if isinstance(formula, list) else ["sum", formula], [])


_REMEDY = "write one such as `mean(speed, skill) * 20`"


class _Calculator(Binder):
    def figure(self, node: ast.expr) -> Operand:
        """What may stand where a number is wanted."""
        return _FIGURES.get(type(node), _Calculator._no_figure)(self, node)

    def _number(self, node: ast.expr) -> Operand:
        number = value_of(node)
        if type(number) in (int, float) and abs(number) <= LARGEST:
            return number
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return ["-", 0, self.figure(node.operand)]
        return self._no_figure(node)

    def _between(self, node: ast.BinOp) -> Operand:
        sign = _SIGNS.get(type(node.op))
        if sign is None:
            said = f"`{ast.unparse(node)[:60]}` cannot be calculated"
            return self.refuse(said, f"the signs are {listed([*_SIGNS.values()], 'and')}")
        return [sign, self.figure(node.left), self.figure(node.right)]

    def _either(self, node: ast.IfExp) -> Operand:
        return ["if", self.truth(node.test), self.figure(node.body), self.figure(node.orelse)]

    def _function(self, node: ast.Call) -> Operand:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS or node.keywords or not node.args:
            said = f"`{ast.unparse(node)[:60]}` cannot be calculated"
            return self.refuse(said, meant(name, FUNCTIONS))
        operands: list[Operand] = []
        for argument in node.args:
            rows = self._scope.groups.get(argument.id) if isinstance(argument, ast.Name) else None
            if rows:
                operands += rows
            elif name != "count":
                operands.append(self.figure(argument))
            elif isinstance(argument, ast.Name):
                field = self.field(argument.id)
                operands.append(field.id if field else "")
            else:
                self.refuse("`count` counts questions", "write `count(speed, skill)`")
        return [name, *operands]

    def _question(self, node: ast.Name) -> Operand:
        if node.id in self._scope.groups:
            remedy = f"write `mean({node.id})`, or another of {listed(list(FUNCTIONS), 'and')}"
            return self.refuse(f"`{node.id}` is a matrix", remedy)
        field = self.field(node.id)
        if field and field.kind not in _NUMERIC:
            said = f"`{node.id}` is no number"
            return self.refuse(said, f"write `1 if … else 0` with a condition on `{node.id}`")
        return field.id if field else ""

    def _no_figure(self, node: ast.expr) -> Operand:
        return self.refuse(f"`{ast.unparse(node)[:60]}` is not a number", _REMEDY)


_FIGURES: dict[type[ast.expr], Callable[[_Calculator, Any], Operand]] = {
    ast.Constant: _Calculator._number,
    ast.UnaryOp: _Calculator._number,
    ast.BinOp: _Calculator._between,
    ast.IfExp: _Calculator._either,
    ast.Call: _Calculator._function,
    ast.Name: _Calculator._question,
}
