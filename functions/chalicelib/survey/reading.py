"""Reading a submission: what was visible, answered and wrong. ``conditions.js`` is the twin.

Fields are walked in the order asked. A condition sees the valid answers of visible fields before
it, so what is hidden is absent for all that follows, and chains of hidden questions need no rule of
their own. An invalid answer is a problem, and absent.

A calculated value is worked out here, of the answers before it. One that is sent along is neither
kept nor refused: nobody's answers are lost over a figure that we have ourselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from .conditions import Answer, holds
from .errors import Invalid, Problem
from .formulas import value
from .questions import Field
from .rules import Raw, Rule, check, coerce, is_blank


class Reading(Struct, frozen=True):
    """``answers`` by field id; ``shown`` ids in order; every problem."""

    answers: dict[str, Answer]
    shown: list[str]
    problems: list[Problem]


def read(fields: Iterable[Field], raw: Mapping[str, object]) -> Reading:
    """Walk the fields over raw answers by field id. Answers to hidden fields are left out."""
    answers: dict[str, Answer] = {}
    shown: list[str] = []
    problems: list[Problem] = []
    ended = False
    for field in fields:
        if not ended and (field.show_if is None or holds(field.show_if, answers)):
            shown.append(field.id)
            if field.rule:
                try:
                    answer = _answer(field, raw, answers)
                except Invalid as invalid:
                    problems.append(Problem(field.id, invalid.code, invalid.facts))
                else:
                    if answer is not None:
                        answers[field.id] = answer
                    elif field.required:
                        problems.append(Problem(field.id, "required"))
        ended = ended or field.end_if is not None and holds(field.end_if, answers)
    return Reading(answers, shown, problems)


def _answer(
    field: Field, raw: Mapping[str, object], answers: Mapping[str, Answer]
) -> Answer | None:
    """Raises Invalid."""
    if field.rule and field.rule[0] == "value":
        return value(field.rule[1], answers)
    return check(_offered(field, answers), raw.get(field.id))


def _offered(field: Field, answers: Mapping[str, Answer]) -> Rule:
    """The field's rule, without the choices that are hidden."""
    rule = field.rule or []
    if not field.choice_if:
        return rule
    hidden = {code for code, when in field.choice_if.items() if not holds(when, answers)}
    return (
        [rule[0], [code for code in rule[1] if code not in hidden], *rule[2:]] if hidden else rule
    )


def strangers(
    fields: Sequence[Field], raw: Mapping[str, object], shown: Iterable[str]
) -> list[Problem]:
    """Answers that no page sends: to unknown questions, and to hidden ones."""
    asked = {field.id for field in fields if field.rule}
    visible = {*shown, *(field.id for field in fields if field.kind == "value")}
    return [
        Problem(name, "hidden" if name in asked else "unknown")
        for name, value in raw.items()
        if name not in asked or (name not in visible and not is_blank(value))
    ]


def from_form(fields: Iterable[Field], form: Mapping[str, list[str]]) -> dict[str, Raw]:
    """A posted form as a script would send it; unknown names are kept, to be refused."""
    rules = {field.id: field.rule for field in fields if field.rule}
    return {
        name: coerce(rules[name], texts) if name in rules else texts for name, texts in form.items()
    }
