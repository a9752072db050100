"""What somebody answered, in words: each question's text and answer in the survey's languages.

Light, for the staff API: the contract knows all of it, and no Parquet is read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from ..columns import na
from ..survey import Contract, Field, Question
from ..survey.piping import filled
from ..survey.questions import NA, OTHER, Choosing, Consent, Offering, Text, YesNo

WORDS: dict[str, dict[str, str]] = {
    "zh-CN": {"yes": "是", "no": "否", OTHER: "其他", NA: "不适用", "agreed": "同意"},
    "en": {"yes": "Yes", "no": "No", OTHER: "Other", NA: "Not applicable", "agreed": "Agreed"},
}
"""Answers that no author words."""

Row: TypeAlias = Mapping[str, Any]


class Said(Struct, frozen=True):
    """One answer. ``value`` is as it is stored; ``said`` is how it reads, by language."""

    question: str
    text: Text
    value: Any
    said: Text


def answers(contract: Contract, row: Row, *, personal: bool = False) -> list[Said]:
    """What a row of ``responses`` answers, in the order asked; or one of ``contacts``."""
    return [
        Said(field.id, _spoken(question.text, contract.languages), value, said)
        for question, field in _asked(contract, personal)
        for value, said in _said(contract, question, field, row)
    ]


def _asked(contract: Contract, personal: bool) -> Iterator[tuple[Question, Field]]:
    for question in contract.questions:
        for field in question.fields():
            if field.rule and field.personal is personal and field.kind != "files":
                yield question, field


def _said(
    contract: Contract, question: Question, field: Field, row: Row
) -> Iterator[tuple[Any, Text]]:
    value = NA if row.get(na(field.id)) else row.get(field.id)
    if value is None or value is False or value == []:
        return
    codes = value if isinstance(value, list) else [value]
    mark = ", " if field.kind != "order" else " > "
    yield (
        value,
        {
            language: mark.join(_label(question, field, code, language) for code in codes)
            for language in contract.languages
        },
    )


def _label(question: Question, field: Field, code: object, language: str) -> str:
    words = WORDS.get(language, WORDS["en"])
    if isinstance(question, Offering) and field.id == question.id:
        for choice in question.choices:
            if choice.code == code:
                return filled(choice.text.get(language) or next(iter(choice.text.values())))
    if isinstance(question, Consent) and code is True:
        return words["agreed"]
    own = isinstance(question, YesNo | Choosing) and field.id == question.id
    return words.get(str(code), str(code)) if own or code == NA else str(code)


def _spoken(text: Text, languages: Iterable[str]) -> Text:
    return {language: filled(text[language]) for language in languages if language in text}
