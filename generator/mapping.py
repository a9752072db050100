"""Which column of a table fills which part of a response: ``MAP.yaml``, for ``echoform load``.

    source_id: Ticket                  # names the row for ever: loading it again adds nothing
    time: {column: Answered, format: "%d/%m/%Y %H:%M"}   # in the survey's time zone
    channel: paper                     # or {column: …}
    language: zh-CN                    # or {column: …}; the survey's first if left out
    attributes:
      agent: Agent_name
    answers:
      overall: Score
      improve: {column: What, split: ";", values: {快: speed}}

A column's name alone is short for ``{column: name}``. ``values`` turns what the table says into
codes; a choice's own text is understood without.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from chalicelib.survey import Contract, EchoformError, Field
from chalicelib.survey.questions import Offering
from chalicelib.survey.rules import Raw, coerce, is_blank
from generator.plain import read_plain
from generator.tables import Cell, Row


class BadMapping(EchoformError):
    """A mapping names what is not there. The message lists every such name."""


class Column(Struct, frozen=True, forbid_unknown_fields=True):
    column: str
    format: str | None = None
    split: str | None = None
    values: dict[str, str] = {}


class Mapping(Struct, frozen=True, forbid_unknown_fields=True):
    source_id: str
    time: str | Column
    answers: dict[str, str | Column]
    attributes: dict[str, str | Column] = {}
    channel: str | Column = "loaded"
    language: str | Column | None = None


class BadRow(EchoformError):
    """A row cannot become a response; the text says which column and why."""


class Draft(Struct, frozen=True):
    """What a row says, before it is checked like any other submission."""

    source_id: str
    ms: int
    channel: str
    language: str
    attributes: dict[str, str]
    answers: dict[str, Raw]


def read_mapping(path: Path, contract: Contract) -> Mapping:
    """Raises BadFile where it is no mapping, BadMapping with everything in it that cannot be."""
    mapping = read_plain(path, Mapping)
    kinds = {field.id: field.kind for field in contract.fields if field.rule}
    problems = [
        f"{path}: attributes: {name}: not among the attributes of {contract.id}: "
        + ", ".join(contract.attributes)
        for name in mapping.attributes
        if name not in contract.attributes
    ]
    for name, part in mapping.answers.items():
        here, column = f"{path}: answers: {name}", _column(part)
        if name not in kinds:
            problems.append(f"{here}: {contract.id} has no such question")
        elif kinds[name] == "value":
            problems.append(f"{here}: it is calculated; leave it out")
        elif column.split and kinds[name] not in ("codes", "order"):
            problems.append(f"{here}: split is for questions with several answers")
        elif column.format and kinds[name] != "date":
            problems.append(f"{here}: format is for times and dates")
    if problems:
        raise BadMapping("\n".join(problems))
    return mapping


def missing_columns(mapping: Mapping, columns: Sequence[str]) -> list[str]:
    """Columns the mapping names and the table has not."""
    parts = [mapping.time, *mapping.attributes.values(), *mapping.answers.values()]
    named = [mapping.source_id, *(_column(part).column for part in parts)]
    named += [p.column for p in (mapping.channel, mapping.language) if isinstance(p, Column)]
    return [name for name in dict.fromkeys(named) if name not in columns]


def draft(mapping: Mapping, contract: Contract, row: Row) -> Draft:
    """What a row says. Raises BadRow where it has no id or no time."""
    source_id = str(row[mapping.source_id]).strip()
    if not source_id:
        raise BadRow(f"{mapping.source_id}: empty, so the row cannot be told from others")
    answers = {
        field.id: _answer(contract, field, _column(mapping.answers[field.id]), row)
        for field in contract.fields
        if field.id in mapping.answers
    }
    attributes = {name: _text(_column(part), row) for name, part in mapping.attributes.items()}
    return Draft(
        source_id,
        _moment(_column(mapping.time), contract.timezone, row),
        channel=_constant(mapping.channel, row),
        language=_constant(mapping.language or contract.languages[0], row),
        attributes={name: value for name, value in attributes.items() if value},
        answers={name: answer for name, answer in answers.items() if not is_blank(answer)},
    )


def _column(part: str | Column) -> Column:
    return Column(part) if isinstance(part, str) else part


def _constant(part: str | Column, row: Row) -> str:
    return part if isinstance(part, str) else _text(part, row)


def _text(part: Column, row: Row) -> str:
    text = str(row[part.column]).strip()
    return part.values.get(text, text)


def _moment(part: Column, timezone: str, row: Row) -> int:
    """Milliseconds since 1970 of the row's time, on the survey's clocks where it names no zone."""
    moment = _parsed(part, row, "a time")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(timezone))
    if moment.year < 1971:
        raise BadRow(f"{part.column}: {moment:%Y-%m-%d} is too long ago")
    return round(moment.timestamp() * 1000)


def _parsed(part: Column, row: Row, what: str) -> datetime:
    cell: Cell = row[part.column]
    if isinstance(cell, datetime):
        return cell
    text = str(cell).strip()
    try:
        return datetime.strptime(text, part.format) if part.format else datetime.fromisoformat(text)
    except ValueError:
        wanted = part.format or "2026-05-17 or 2026-05-17 09:30"
        raise BadRow(f"{part.column}: {text!r} is not {what} of the form {wanted}") from None


def _answer(contract: Contract, field: Field, part: Column, row: Row) -> Raw:
    """What the cell says, as a page would send it. Raises BadRow where that is anybody's guess."""
    rule, cell = field.rule or [], row[part.column]
    if field.kind == "date" and cell != "" and (part.format or isinstance(cell, datetime)):
        return _parsed(part, row, "a day").date().isoformat()
    if isinstance(cell, list):
        texts = cell
    else:
        text = str(cell).strip()
        texts = [each.strip() for each in text.split(part.split)] if part.split else [text]
    known = _codes(contract, field.id) | part.values
    texts = [known.get(each, each) for each in texts if each]
    if field.kind == "true" and texts:
        if texts[0].lower() not in _TICKS:
            raise BadRow(f"{part.column}: {texts[0]!r} is neither yes nor no; use values")
        return _TICKS[texts[0].lower()]
    return coerce(rule, texts)


_TICKS = dict.fromkeys(("true", "yes", "y", "1", "是", "同意"), True) | dict.fromkeys(
    ("false", "no", "n", "0", "否", "不同意"), False
)
"""What tables write in the column of a consent."""


def _codes(contract: Contract, name: str) -> dict[str, Any]:
    """A choice question's texts, in every language, with their codes."""
    return {
        text: choice.code
        for question in contract.questions
        if question.id == name and isinstance(question, Offering)
        for choice in question.choices
        for text in choice.text.values()
    }
