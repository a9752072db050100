"""The codebook: what was asked, in which words, as two tables that label what analysts query.

``questions`` has a row for each column of answers, ``labels`` one for each code it may hold; both
once for every version and language. Rows of plain cells, not maps nor a column per language:
Athena, DuckDB and BI tools alike join and filter them (``language = 'en'``), and a survey with one
language more changes no table. They are written where a version goes live and never change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TypeAlias

import pyarrow as pa

from chalicelib import columns, keys, parquet
from chalicelib.columns import Column, consent_hash
from chalicelib.storage import Exists, Store
from chalicelib.survey import Contract, Field, Question, Scaled, Section
from chalicelib.survey.piping import filled
from chalicelib.survey.questions import NA, OTHER, Choosing, Consent, Offering, Text, YesNo
from generator.asking import WORDS

Row: TypeAlias = dict[str, object]

QUESTIONS = tuple(
    Column(*each)
    for each in (
        ("survey", "string"),
        ("version", "string"),
        ("field", "string"),
        ("language", "string"),
        ("position", "int32"),
        ("section", "string"),
        ("section_title", "string"),
        ("question", "string"),
        ("type", "string"),
        ("text", "string"),
        ("hint", "string"),
        ("dimension", "string"),
        ("dimension_title", "string"),
        ("weight", "double"),
        ("low", "int32"),
        ("high", "int32"),
        ("low_label", "string"),
        ("high_label", "string"),
        ("required", "bool"),
        ("personal", "bool"),
        ("text_hash", "string"),
    )
)
LABELS = tuple(
    Column(*each)
    for each in (
        ("survey", "string"),
        ("version", "string"),
        ("field", "string"),
        ("language", "string"),
        ("position", "int32"),
        ("code", "string"),
        ("label", "string"),
    )
)


def questions(contract: Contract) -> Iterator[Row]:
    """A row for each field that takes an answer, in the order asked, and each language."""
    position = 0
    for section in contract.sections:
        for question in section.asked:
            for field in question.fields():
                position += 1
                for language in contract.languages if field.rule else ():
                    yield _question(contract, section, question, field, position, language)


def labels(contract: Contract) -> Iterator[Row]:
    """A row for each code a field may hold and each language."""
    for question in contract.questions:
        field = question.fields()[0]
        for language in contract.languages:
            named = enumerate(_codes(question, field, language), start=1)
            for position, (code, label) in named:
                yield {
                    "survey": contract.id,
                    "version": contract.version,
                    "field": field.id,
                    "language": language,
                    "position": position,
                    "code": code,
                    "label": label,
                }


def write(store: Store, contracts: Iterable[Contract]) -> None:
    """Write the codebook of each version that has none yet."""
    for contract in contracts:
        for prefix, wanted, rows in (
            (keys.QUESTIONS, QUESTIONS, questions(contract)),
            (keys.LABELS, LABELS, labels(contract)),
        ):
            with suppress(Exists):
                data = parquet.encode(table(wanted, list(rows)))
                store.create(keys.codebook(prefix, contract.id, contract.version), data)


def table(wanted: Sequence[Column], rows: Sequence[Row]) -> pa.Table:
    """Rows as Arrow; what a row does not name is null."""
    return parquet.table(wanted, {c.name: [row.get(c.name) for row in rows] for c in wanted})


def spoken(text: Text | None, language: str) -> str | None:
    """The text as somebody reads it in that language."""
    said = (text.get(language) or next(iter(text.values()), None)) if text else None
    return filled(said) if said else None


def _question(
    contract: Contract,
    section: Section,
    question: Question,
    field: Field,
    position: int,
    language: str,
) -> Row:
    row: Row = {
        "survey": contract.id,
        "version": contract.version,
        "field": field.id,
        "language": language,
        "position": position,
        "section": section.id,
        "section_title": spoken(section.title, language),
        "question": question.id,
        "type": "other" if field.id != question.id else str(question.__struct_config__.tag),
        "text": spoken(question.text, language),
        "hint": spoken(question.hint, language),
        "required": field.required,
        "personal": field.personal,
    }
    if isinstance(question, Consent):
        row["text_hash"] = consent_hash(question, language)
    if isinstance(question, Scaled):
        title = contract.dimensions.get(question.dimension or "")
        row |= {
            "dimension": question.dimension,
            "dimension_title": spoken(title, language) or question.dimension,
            "weight": question.weight,
            "low": question.ends[0],
            "high": question.ends[1],
            "low_label": spoken(question.low_label, language),
            "high_label": spoken(question.high_label, language),
        }
    return row


def _codes(question: Question, field: Field, language: str) -> Iterator[tuple[str, str | None]]:
    words = WORDS.get(language, WORDS["en"])
    if isinstance(question, Offering):
        yield from ((choice.code, spoken(choice.text, language)) for choice in question.choices)
    if isinstance(question, Choosing) and question.other:
        yield OTHER, words[OTHER]
    if isinstance(question, YesNo):
        yield from ((code, words[code]) for code in ("yes", "no"))
    if columns.has_na(field):
        yield NA, words[NA]
