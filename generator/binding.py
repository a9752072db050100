"""The conditions of a whole survey: which names each may use, and whether it can ever hold.

A condition sees what was asked before it. An ``end_if`` also sees the question or section it
stands on; a rule's ``when`` sees every question, what the link knows, and the index.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from chalicelib.survey import AnyQuestion, Contract, Field
from chalicelib.survey.questions import Matrix

from .calculating import bind_formula
from .expressions import Scope, bind, names
from .findings import Level, Problem
from .forms import Written, WrittenFormula
from .notes import Notes, Path
from .reachability import Asked, Verdict, judge

INDEX = "index"


class Draft(Struct, frozen=True):
    """A question as it was read; ``question`` is None where it has problems of its own."""

    path: Path
    data: dict[str, Any]
    question: AnyQuestion | None

    @property
    def names(self) -> frozenset[str]:
        fields = self.question.fields() if self.question else ()
        return frozenset({str(self.data.get("id")), *(field.id for field in fields)})


def drafts(data: dict[str, Any]) -> list[Draft]:
    """Every question in the order asked."""
    return [
        Draft(("sections", s, "questions", q), question, _converted(question))
        for s, section in enumerate(data.get("sections", []))
        for q, question in enumerate(section.get("questions", []))
    ]


def _converted(data: dict[str, Any]) -> AnyQuestion | None:
    try:
        question: AnyQuestion = msgspec.convert(data, AnyQuestion)
    except msgspec.ValidationError:
        return None
    return question


def knowable(attributes: list[str]) -> list[Field]:
    """What only rules may ask about, as fields."""
    known: list[Field] = [Field(name, ["text", 0, 200]) for name in attributes]
    return [*known, Field(INDEX, ["number", 0, 100, 6])]


def bind_all(data: dict[str, Any], questions: list[Draft], notes: Notes) -> None:
    """Bind every condition in place; one that cannot be bound is taken out and said why."""
    attributes = data.get("attributes", [])
    earlier: dict[str, Field] = {}
    groups: dict[str, list[str]] = {}
    asked = {name: _mentions(draft.data) for draft in questions for name in draft.names}
    unread = {str(draft.data.get("id")) for draft in questions if draft.question is None}

    def scope(owner: frozenset[str] = frozenset()) -> Scope:
        return Scope(
            fields=dict(earlier),
            later=asked,
            attributes=frozenset([*attributes, INDEX]),
            groups=dict(groups),
            unread=frozenset(unread),
            owner=owner,
        )

    by_section: dict[int, list[Draft]] = {}
    for draft in questions:
        by_section.setdefault(int(draft.path[1]), []).append(draft)
    for s, section in enumerate(data.get("sections", [])):
        _bind(section, "show_if", ("sections", s), scope(), notes)
        for draft in by_section.get(s, []):
            before = scope(draft.names)
            for holder, key, path in _written(draft.data, draft.path):
                if path != (*draft.path, "end_if"):
                    _bind(holder, key, path[:-1], before, notes)
            if isinstance(draft.question, Matrix):
                groups[draft.question.id] = [field.id for field in draft.question.fields()]
            for field in draft.question.fields() if draft.question else ():
                earlier.setdefault(field.id, field)
            _bind(draft.data, "end_if", draft.path, scope(), notes)
        _bind(section, "end_if", ("sections", s), scope(), notes)
    everything = Scope(
        fields=earlier | {field.id: field for field in knowable(attributes)},
        groups=groups,
        unread=frozenset(unread),
    )
    for r, rule in enumerate(data.get("follow_ups", [])):
        _bind(rule, "when", ("follow_ups", r), everything, notes)


def _bind(holder: dict[str, Any], key: str, path: Path, scope: Scope, notes: Notes) -> None:
    written = holder.get(key)
    if not isinstance(written, Written):
        return
    bound = (bind_formula if isinstance(written, WrittenFormula) else bind)(written[0], scope)
    for problem in bound.problems:
        notes.say((*path, key), problem.what, problem.remedy)
    if bound.condition is None:
        del holder[key]
        notes.whole = False
    else:
        holder[key] = bound.condition


def _written(value: Any, path: Path) -> Iterator[tuple[dict[str, Any], str, Path]]:
    """Every condition inside a question, with what holds it."""
    if isinstance(value, dict):
        for key, inner in list(value.items()):
            if isinstance(inner, Written):
                yield value, key, (*path, key)
            else:
                yield from _written(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _written(inner, (*path, index))


def _mentions(question: dict[str, Any]) -> frozenset[str]:
    found = [names(holder[key][0]) for holder, key, _ in _written(question, ())]
    return frozenset().union(*found)


class Unreachable(Struct, frozen=True):
    """What a condition can never do, or always does."""

    path: Path
    level: Level
    problem: Problem


def reach(contract: Contract) -> Iterator[Unreachable]:
    """Conditions that never or always hold, and what comes after the survey has always ended."""
    fields = contract.fields
    position = 0
    for s, section in enumerate(contract.sections):
        path: Path = ("sections", s)
        verdict = judge(fields, Asked(section.show_if, position))
        if not verdict.asked:
            yield _lost(path, "section")
            return
        if section.show_if:
            yield from _said((*path, "show_if"), verdict, "this section is never shown")
        for q, question in enumerate(section.questions):
            here: Path = (*path, "questions", q)
            first, count = fields[position], len(question.fields())
            if verdict.holds:
                shown = judge(fields, Asked(question.show_if, position, section.show_if))
                if not shown.asked:
                    yield _lost(here, "question")
                    return
                if question.show_if:
                    yield from _said((*here, "show_if"), shown, "this question is never shown")
                if shown.holds:
                    yield from _choices(fields, position, first, here)
            position += count
            if question.end_if:
                end = _ending(fields, position, question.end_if)
                yield from _said((*here, "end_if"), end, "the survey never ends here")
        if section.end_if:
            end = _ending(fields, position, section.end_if)
            yield from _said((*path, "end_if"), end, "the survey never ends here")
    everything = [*fields, *knowable(contract.attributes)]
    for r, rule in enumerate(contract.follow_ups):
        verdict = judge(everything, Asked(rule.when, len(everything), ended=True))
        yield from _said(("follow_ups", r, "when"), verdict, "this rule never opens a follow-up")


def _choices(
    fields: tuple[Field, ...], position: int, field: Field, path: Path
) -> Iterator[Unreachable]:
    codes = field.rule[1] if field.choice_if and field.rule else []
    for index, code in enumerate(codes):
        if code in field.choice_if:
            verdict = judge(fields, Asked(field.choice_if[code], position, field.show_if))
            place = (*path, "choices", index, "show_if")
            yield from _said(place, verdict, f"the choice `{code}` is never offered")


def _ending(fields: tuple[Field, ...], position: int, condition: list[Any]) -> Verdict:
    """The verdict on an end after a field, whose own end is the one that is asked."""
    *earlier, last = fields[:position]
    without = [*earlier, msgspec.structs.replace(last, end_if=None)]
    return judge(without, Asked(condition, position))


def _said(path: Path, verdict: Verdict, consequence: str) -> Iterator[Unreachable]:
    if verdict.asked and not verdict.holds:
        what = f"the condition can never hold, so {consequence}"
        remedy = "mind what earlier answers hide, or take it out"
        yield Unreachable(path, "error", Problem(what, remedy))
    elif verdict.asked and not verdict.fails:
        yield Unreachable(
            path, "warning", Problem("the condition always holds", f"leave `{path[-1]}` out")
        )


def _lost(path: Path, thing: str) -> Unreachable:
    what = f"this {thing} can never be reached: the survey has always ended before it"
    return Unreachable(path, "error", Problem(what, "change the `end_if` before it"))
