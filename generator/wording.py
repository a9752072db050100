"""Conditions in words: what a page without script, and paper, tell instead of hiding a question.

Works on the condition as the contract holds it, so every operator at any depth has words, in every
language there are words for. Kept short: a page says it for each conditional question.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from unicodedata import east_asian_width

from chalicelib.survey import AnyQuestion, Contract, Field
from chalicelib.survey.conditions import Condition
from chalicelib.survey.questions import NA, OTHER, Choosing
from generator.wordlist import Words

_PHRASES = {
    "==": "equal",
    "!=": "unequal",
    "in": "equal",
    "!in": "unequal",
    "<": "below",
    "<=": "at_most",
    ">": "above",
    ">=": "at_least",
    "has": "chosen",
    "!has": "not_chosen",
}
_DATES = {"<": "before", "<=": "until", ">": "after", ">=": "since"}
_VALUES = {"scale": "points", "number": "amount"}
NONE: Mapping[str, str] = {}
_MOST = 40
"""How wide a text may be in a condition, in Latin letters; a Chinese one is two wide."""


class Wording:
    """The conditions of one survey in one language."""

    def __init__(
        self, contract: Contract, language: str, words: Words, names: Mapping[str, str] = NONE
    ) -> None:
        """``names``: what questions are called instead of by their texts, such as their numbers."""
        self._names = names
        self._language = language
        self._words = words
        self._said: Mapping[str, str] = words["conditions"]
        self._fields: dict[str, tuple[Field, AnyQuestion]] = {
            field.id: (field, question)
            for question in contract.questions
            for field in question.fields()
        }

    def label(self, condition: Condition | None) -> str:
        """As it stands behind a question's text: `` (if …)``; nothing for no condition."""
        return self._say("if", what=self.sentence(condition)) if condition else ""

    def sentence(self, condition: Condition) -> str:
        """The condition alone, to stand in a sentence."""
        return re.sub(" +", " ", self._condition(condition)).strip()

    def _say(self, phrase: str, **facts: str) -> str:
        return self._said[phrase].format(**facts)

    def _condition(self, condition: Condition, inside: str = "") -> str:
        operator, *operands = condition
        if operator in ("and", "or"):
            parts = _alike(operands) if operator == "or" else [[part] for part in operands]
            said = [self._alternatives(part, operator) for part in parts]
            text = self._said["and" if operator == "and" else "either"].join(said)
            mixed = inside and inside != operator and len(said) > 1
            return self._say("group", what=text) if mixed else text
        if operator == "not":
            inner = operands[0]
            if inner[0] == "answered":
                return self._say("empty", question=self._subjects([inner]))
            return self._say("not", what=self._condition(inner))
        return self._alternatives([condition], inside)

    def _alternatives(self, alike: Sequence[Condition], inside: str) -> str:
        """Comparisons that differ in their question only, said as one."""
        operator, *operands = alike[0]
        if operator in ("and", "or", "not"):
            return self._condition(alike[0], inside)
        names = self._subjects(alike)
        if operator == "answered":
            return self._say("answered", question=names)
        name, operand = operands
        if operand is True or operand is False:
            ticked = operand is (operator == "==")
            return self._say("ticked" if ticked else "unticked", question=names)
        phrase = _PHRASES[operator]
        if self._kind(name) == "date":
            phrase = _DATES.get(operator, phrase)
        values = operand if isinstance(operand, list) else [operand]
        said = self._listed([self._value(name, value) for value in values])
        return self._say(phrase, question=names, value=said)

    def _subjects(self, alike: Sequence[Condition]) -> str:
        return self._listed([self._called(part[1]) for part in alike])

    def _listed(self, said: Sequence[str]) -> str:
        """Alternatives: ``a, b or c``."""
        *more, last = said or [""]
        return self._said["or"].join([self._said["comma"].join(more), last] if more else [last])

    def _kind(self, name: str) -> str:
        return self._fields[name][0].kind if name in self._fields else ""

    def _called(self, name: str) -> str:
        """What a question is called; what is none of this survey, by its own name."""
        if name in self._names or name not in self._fields:
            return self._names.get(name, name)
        return self._quoted(self._translated(self._fields[name][1].text) or name)

    def _value(self, name: str, value: object) -> str:
        question = self._fields[name][1] if name in self._fields else None
        kind = self._kind(name)
        if kind in ("code", "codes", "scale") and isinstance(value, str):
            choices = question.choices if isinstance(question, Choosing) else ()
            texts = {choice.code: self._translated(choice.text) for choice in choices}
            own = {OTHER: "other", NA: "na", "yes": "yes", "no": "no"}
            return self._quoted(texts.get(value) or str(self._words.get(own.get(value, ""), value)))
        if kind == "date":
            return str(value)
        if isinstance(value, str):
            return self._quoted(value)
        return self._say(_VALUES.get(kind, "amount"), value=f"{value:g}")

    def _translated(self, text: Mapping[str, str]) -> str:
        return text.get(self._language) or next(iter(text.values()), "")

    def _quoted(self, text: str) -> str:
        return self._say("quote", text=shortened(text))


def _alike(conditions: Sequence[Condition]) -> list[list[Condition]]:
    """Neighbours of one operator and operand together: ``a <= 2 or b <= 2``."""
    groups: list[list[Condition]] = []
    for condition in conditions:
        simple = condition[0] not in ("and", "or", "not")
        last = groups[-1][0] if groups else None
        if simple and last and last[0] == condition[0] and last[2:] == condition[2:]:
            groups[-1].append(condition)
        else:
            groups.append([condition])
    return groups


def shortened(text: str, most: int = _MOST) -> str:
    """The text without its closing mark, cut where it is long."""
    text = " ".join(text.split()).rstrip("?？。.:：!！ ")
    width = 0
    for at, letter in enumerate(text):
        width += 2 if east_asian_width(letter) in "WF" else 1
        if width > most:
            cut = text[: at - 1]
            head, _, tail = cut.rpartition(" ")
            return (head if head and len(tail) < 12 else cut).rstrip(" ,，、") + "…"
    return text
