"""How an author may write each kind of value: read it, and describe it to an editor.

A form reads a node of the survey file into the contract's own form, and says the same as JSON
Schema, so that what the editor accepts is what the compiler accepts. Here are the forms of single
values; ``shapes`` puts them together along the kernel's classes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any, Protocol, TypeAlias

from msgspec import Meta

from .findings import Problem, listed, meant
from .notes import UNREAD, Place
from .source import Mapping, Node, Scalar

Schema: TypeAlias = dict[str, Any]

LONGEST_TEXT = 5000


class Form(Protocol):
    def read(self, node: Node, at: Place) -> Any:
        """The value in the contract's form, or UNREAD."""
        ...

    def schema(self, defs: dict[str, Schema]) -> Schema:
        """JSON Schema of what an author may write; shared parts go to ``defs``."""
        ...


def split_by_comma(node: Mapping, known: set[str]) -> bool:
    """Whether ``{zh-CN: 您好,请问?}`` was taken apart at a comma inside a text."""
    return node.flow and any(
        key not in known and isinstance(entry.node, Scalar) and entry.node.empty
        for key, entry in node.entries.items()
    )


COMMA = Problem(
    "a half-width comma inside { } separates entries, so the text was cut there",
    "use ， or put the text in quotes",
)


class Word:
    """One scalar, turned into a value by a function that refuses with ValueError."""

    def __init__(
        self, convert: Callable[[str], Any], wanted: str, example: str, schema: Schema
    ) -> None:
        self._convert, self._wanted, self._example, self._schema = convert, wanted, example, schema

    def read(self, node: Node, at: Place) -> Any:
        if not isinstance(node, Scalar):
            return at.error(f"`{at.key}` must be {self._wanted}", f"write {self._example}")
        if node.empty:
            return at.error(f"`{at.key}` is empty", f"write {self._example} or leave it out")
        try:
            return self._convert(node.text)
        except ValueError:
            what = f"`{at.key}` must be {self._wanted}, not `{node.text}`"
            return at.error(what, f"write {self._example}")

    def schema(self, defs: dict[str, Schema]) -> Schema:
        return self._schema


class OneOf:
    """One of a few words."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self._words = words

    def read(self, node: Node, at: Place) -> Any:
        if isinstance(node, Scalar) and node.text in self._words:
            return node.text
        said = node.text if isinstance(node, Scalar) else "…"
        return at.error(f"`{at.key}` cannot be `{said}`", meant(said, self._words))

    def schema(self, defs: dict[str, Schema]) -> Schema:
        return {"enum": list(self._words)}


_TRUTH = {word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False")}


def _truth(text: str) -> bool:
    if text not in _TRUTH:
        raise ValueError(text)
    return _TRUTH[text]


def _whole(text: str) -> int:
    if not re.fullmatch(r"[-+]?[0-9]{1,15}", text):
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    if not re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]{1,15}(\.[0-9]*)?)", text):
        raise ValueError(text)
    return float(text)


def _share(text: str) -> float:
    share = _number(text[:-1]) / 100 if text.endswith("%") else _number(text)
    if not 0 <= share <= 1:
        raise ValueError(text)
    return share


def _minutes(text: str) -> int:
    parts = re.fullmatch(r"(?:([0-9]+)d)? ?(?:([0-9]+)h)? ?(?:([0-9]+)m)?", text)
    days, hours, minutes = (int(part or 0) for part in parts.groups()) if parts else (0, 0, 0)
    total = (days * 24 + hours) * 60 + minutes
    if not 1 <= total <= 60 * 24 * 366:
        raise ValueError(text)
    return total


def _days(text: str) -> int:
    parts = re.fullmatch(r"([0-9]{1,6})d", text)
    if not parts or not 7 <= int(parts[1]) <= 36_525:
        raise ValueError(text)
    return int(parts[1])


def _day(text: str) -> str:
    if not re.fullmatch(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(text)
    return date.fromisoformat(text).isoformat()


STRING = Word(str, "a text", "a text", {"type": "string"})
TRUTH = Word(_truth, "true or false", "`true`", {"type": "boolean"})
WHOLE = Word(_whole, "a whole number", "a number such as 5", {"type": "integer"})
NUMBER = Word(_number, "a number", "a number such as 0.5", {"type": "number"})
SHARE = Word(
    _share,
    "a share from 0% to 100%",
    "`30%` or `0.3`",
    {
        "anyOf": [
            {"type": "number", "minimum": 0, "maximum": 1},
            {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?%$"},
        ]
    },
)
MINUTES = Word(
    _minutes,
    "a time up to 366 days",
    "a time such as `30m`, `24h` or `5d`",
    {"type": "string", "pattern": "^([0-9]+d)? ?([0-9]+h)? ?([0-9]+m)?$", "minLength": 2},
)
DAYS = Word(
    _days,
    "a number of days, a week at least",
    "a time such as `90d` or `400d`",
    {"type": "string", "pattern": "^[0-9]{1,6}d$"},
)
DAY = Word(_day, "a day", "a real day such as `2026-05-17`", {"type": "string", "format": "date"})


class TextForm:
    """A text: a mapping of language to text, or a plain text where there is one language."""

    def read(self, node: Node, at: Place) -> Any:
        languages = at.notes.languages
        if isinstance(node, Mapping):
            return self._translated(node, at, languages)
        if not isinstance(node, Scalar) or node.empty:
            return at.error(f"`{at.key}` has no text", self._example(languages))
        if len(languages) > 1:
            what = f"`{at.key}` is one text, but the survey has {listed(languages, 'and')}"
            at.error(what, self._example(languages))
        return {language: self._checked(node, at) for language in languages[:1] or ["en"]}

    def _translated(self, node: Mapping, at: Place, languages: list[str]) -> Any:
        known = set(languages)
        if split_by_comma(node, known):
            at.error(COMMA.what, COMMA.remedy)
        elif known:
            for key, entry in node.entries.items():
                if key not in known:
                    what = f"`{key}` is not one of the survey's languages"
                    at.error(what, f"add it to `languages`, or {meant(key, known)}", entry.line)
            for language in languages:
                if language not in node.entries:
                    at.error(f"`{at.key}` has no text in `{language}`", "translate it")
        texts: dict[str, str] = {}
        for language, entry in node.entries.items():
            if language in known or not known:
                inner = entry.node
                if isinstance(inner, Scalar) and not inner.empty:
                    texts[language] = self._checked(inner, at)
                else:
                    what = f"`{at.key}` has no text in `{language}`"
                    at.error(what, "write a text; put one with `: ` or ` #` in quotes", entry.line)
        return texts

    def _checked(self, node: Scalar, at: Place) -> str:
        if not node.text.strip():
            at.error(f"`{at.key}` is blank", "write a text", node.line)
        if len(node.text) > LONGEST_TEXT:
            what = f"`{at.key}` has {len(node.text):,} characters"
            at.error(what, f"use at most {LONGEST_TEXT:,}", node.line)
        return node.text.strip()

    def _example(self, languages: list[str]) -> str:
        if len(languages) < 2:
            return "write a text"
        return f"write {{{', '.join(f'{language}: …' for language in languages)}}}"

    def schema(self, defs: dict[str, Schema]) -> Schema:
        text = {"type": ["string", "number"]}
        defs["text"] = {
            "description": "A text: one for each language, or plain where there is one language.",
            "anyOf": [text, {"type": "object", "minProperties": 1, "additionalProperties": text}],
        }
        return {"$ref": "#/$defs/text"}


class Written(list[str]):
    """A condition as the author wrote it, ``[text]``, until it is bound to the questions."""


class ConditionForm:
    """A condition: read as written."""

    def read(self, node: Node, at: Place) -> Any:
        if not isinstance(node, Scalar) or node.empty:
            what = f"`{at.key}` must be a condition"
            return at.error(what, "write one such as `overall <= 6`, or leave it out")
        return Written([node.text])

    def schema(self, defs: dict[str, Schema]) -> Schema:
        defs["condition"] = {
            "description": 'A condition, such as: overall <= 6 or "speed" in improve',
            "type": "string",
        }
        return {"$ref": "#/$defs/condition"}


class WrittenFormula(Written):
    """A formula as the author wrote it, until it is bound."""


class FormulaForm:
    """A formula: read as written."""

    def read(self, node: Node, at: Place) -> Any:
        if not isinstance(node, Scalar) or node.empty:
            return at.error(f"`{at.key}` must be a formula", "write one such as `mean(a, b)`")
        return WrittenFormula([node.text])

    def schema(self, defs: dict[str, Schema]) -> Schema:
        defs["formula"] = {
            "description": "A formula, such as: mean(speed, skill) * 20",
            "type": ["string", "number"],
        }
        return {"$ref": "#/$defs/formula"}


class Limited:
    """Another form, within the limits of the kernel's ``Meta``."""

    def __init__(self, form: Form, meta: Meta, pattern: str = "") -> None:
        self._form, self._meta, self._pattern = form, meta, pattern

    def read(self, node: Node, at: Place) -> Any:
        value = self._form.read(node, at)
        return value if value is UNREAD else self._within(value, at)

    def _within(self, value: Any, at: Place) -> Any:
        meta = self._meta
        if meta.pattern and not re.search(meta.pattern, value):
            return at.error(f"`{value}` cannot be `{at.key}`", f"use {self._pattern}")
        if meta.ge is not None and value < meta.ge or meta.le is not None and value > meta.le:
            bounds = f"from {meta.ge} to {meta.le}"
            return at.error(f"`{at.key}` is {value}", f"use a number {bounds}")
        if meta.min_length and len(value) < meta.min_length:
            if not len(value):
                return at.error(f"`{at.key}` is empty", "add at least one")
            return at.error(f"`{at.key}` has {len(value)}", f"use at least {meta.min_length}")
        if meta.max_length and len(value) > meta.max_length:
            return at.error(f"`{at.key}` has {len(value)}", f"use at most {meta.max_length}")
        return value

    def schema(self, defs: dict[str, Schema]) -> Schema:
        meta, inner = self._meta, self._form.schema(defs)
        length = "Items" if inner.get("type") == "array" else "Properties"
        limits = {
            "pattern": meta.pattern,
            "minimum": meta.ge,
            "maximum": meta.le,
            f"min{length}": meta.min_length,
            f"max{length}": meta.max_length,
        }
        return inner | {key: value for key, value in limits.items() if value is not None}
