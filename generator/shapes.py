"""The kernel's classes as an author writes them: which keys there are, and what stands under each.

Walks the annotations of ``msgspec`` classes, so a new question type is readable and described to
editors as soon as its class is in the registry. Only what authors write differently from the
contract has an entry in ``FORMS``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from chalicelib.survey.conditions import Condition
from chalicelib.survey.contract import Days, Hours, Language, Minutes, Origin
from chalicelib.survey.formulas import Formula
from chalicelib.survey.questions import Choice, Code, Day, Name, Picture, Row, Share, Slug, Text

from .findings import listed, meant
from .forms import (
    COMMA,
    DAY,
    DAYS,
    MINUTES,
    NUMBER,
    SHARE,
    STRING,
    TRUTH,
    WHOLE,
    ConditionForm,
    Form,
    FormulaForm,
    Limited,
    OneOf,
    Schema,
    TextForm,
    split_by_comma,
)
from .notes import UNREAD, Place
from .pictures import PictureForm
from .source import Mapping, Node, Scalar, Sequence


class Keyed:
    """A class of the kernel: a mapping with its fields as keys."""

    def __init__(self, cls: type[Struct]) -> None:
        self._cls = cls
        self._fields = {field.name: field for field in msgspec.structs.fields(cls)}

    def read(self, node: Node, at: Place) -> Any:
        if not isinstance(node, Mapping):
            what = f"`{at.key}` must be a mapping"
            return at.error(what, f"write keys such as {listed(list(self._fields)[:3], 'and')}")
        tag = self._cls.__struct_config__.tag
        found: dict[str, Any] = {} if tag is None else {"type": tag}
        known = set(self._fields) | set(found)
        split = split_by_comma(node, known)
        if split:
            at.error(COMMA.what, COMMA.remedy)
        for key, entry in node.entries.items():
            if key in self._fields:
                form = form_of(self._fields[key].type)
                found[key] = form.read(entry.node, at.step(key, entry.line))
            elif key not in known and not split:
                what = f"`{key}` is not a key of {self._title}"
                at.error(what, meant(key, known), entry.line)
        for field in self._fields.values():
            if field.required and field.name not in node.entries:
                found[field.name] = at.error(f"`{field.name}` is missing", "add it")
        if UNREAD in found.values():
            at.notes.whole = False
        return {key: value for key, value in found.items() if value is not UNREAD}

    @property
    def _title(self) -> str:
        tag = self._cls.__struct_config__.tag
        return f"a `{tag}` question" if tag else f"a {self._cls.__name__.lower()}"

    def schema(self, defs: dict[str, Schema]) -> Schema:
        tag = self._cls.__struct_config__.tag
        name = str(tag or self._cls.__name__.lower())
        if name not in defs:
            defs[name] = {}
            keys = {key: form_of(field.type).schema(defs) for key, field in self._fields.items()}
            defs[name] = {
                "description": (self._cls.__doc__ or "").split("\n\n")[0],
                "type": "object",
                "properties": ({"type": {"const": tag}} if tag else {}) | keys,
                "required": [key for key, field in self._fields.items() if field.required],
                "additionalProperties": False,
            }
        return {"$ref": f"#/$defs/{name}"}


class Tagged:
    """One of several classes, told apart by ``type``."""

    def __init__(self, classes: tuple[type[Struct], ...]) -> None:
        self._forms = {str(cls.__struct_config__.tag): Keyed(cls) for cls in classes}

    def read(self, node: Node, at: Place) -> Any:
        if not isinstance(node, Mapping):
            return at.error("a question must be a mapping", "write keys such as `id` and `type`")
        tag = node.text("type")
        if tag in self._forms:
            return self._forms[tag].read(node, at)
        at.notes.whole = False
        if tag is None:
            at.error("`type` is missing", f"use {listed(sorted(self._forms))}")
        else:
            line = node.entries["type"].line
            at.error(f"there is no question type `{tag}`", meant(tag, self._forms), line)
        return {"id": node.text("id")}

    def schema(self, defs: dict[str, Schema]) -> Schema:
        return {
            "type": "object",
            "properties": {"type": {"enum": list(self._forms)}},
            "required": ["type"],
            "allOf": [
                {"if": {"properties": {"type": {"const": tag}}}, "then": form.schema(defs)}
                for tag, form in self._forms.items()
            ],
        }


class Listed:
    """A list of one form."""

    def __init__(self, form: Form) -> None:
        self._form = form

    def read(self, node: Node, at: Place) -> Any:
        if not isinstance(node, Sequence):
            return at.error(f"`{at.key}` must be a list", "start each entry with `- `")
        found: list[Any] = []
        for number, item in enumerate(node.items, 1):
            value = self._form.read(item, at.step(len(found), item.line, _called(at, number, item)))
            if value is UNREAD:
                at.notes.whole = False
            else:
                found.append(value)
        return found if found or not node.items else UNREAD

    def schema(self, defs: dict[str, Schema]) -> Schema:
        return {"type": "array", "items": self._form.schema(defs)}


def _called(at: Place, number: int, item: Node) -> str | None:
    """How problems name an entry of a list: a question by its id, others with their list."""
    if not isinstance(item, Mapping):
        return None
    name = item.text("id") or str(number)
    return name if at.key == "questions" and item.text("id") else f"{at.key} {name}"


class Mapped:
    """A mapping of names to one form."""

    def __init__(self, form: Form) -> None:
        self._form = form

    def read(self, node: Node, at: Place) -> Any:
        if not isinstance(node, Mapping):
            return at.error(f"`{at.key}` must be a mapping", "write `name: …` on each line")
        found = {
            key: self._form.read(entry.node, at.step(key, entry.line))
            for key, entry in node.entries.items()
        }
        if UNREAD in found.values():
            at.notes.whole = False
        return {key: value for key, value in found.items() if value is not UNREAD}

    def schema(self, defs: dict[str, Schema]) -> Schema:
        return {"type": "object", "additionalProperties": self._form.schema(defs)}


class Coded:
    """Choices, or rows: a mapping of code to text, or to a mapping with ``text`` and more."""

    def __init__(self, cls: type[Struct]) -> None:
        self._detailed = _Details(cls)

    def read(self, node: Node, at: Place) -> Any:
        if not isinstance(node, Mapping):
            what = f"`{at.key}` must be a mapping"
            return at.error(what, "write `code: text` on each line")
        if split_by_comma(node, set()):
            at.error(COMMA.what, COMMA.remedy)
            return UNREAD
        return [
            self._one(code, entry.node, at.step(index, entry.line))
            for index, (code, entry) in enumerate(node.entries.items())
        ]

    def _one(self, code: str, node: Node, at: Place) -> Any:
        scalar = Scalar(at.notes.spots[at.path].line, code, False)
        checked = form_of(self._detailed.code).read(scalar, at)
        if checked is UNREAD:
            at.notes.whole = False
        details = isinstance(node, Mapping) and any(map(node.entries.__contains__, self._detailed))
        if details:
            read: dict[str, Any] = self._detailed.read(node, at)
        else:
            read = {"text": form_of(Text).read(node, at.step("text", at.notes.spots[at.path].line))}
        if read.get("text") is UNREAD:
            at.notes.whole = False
            del read["text"]
        return {"code": code} | read

    def schema(self, defs: dict[str, Schema]) -> Schema:
        choice = {"anyOf": [form_of(Text).schema(defs), self._detailed.schema(defs)]}
        return {"type": "object", "additionalProperties": choice}


class _Details(Keyed):
    """A choice or row without its code, which is its key."""

    def __init__(self, cls: type[Struct]) -> None:
        super().__init__(cls)
        self.code = self._fields.pop("code").type

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)


_PATTERNS: dict[Any, str] = {
    Code: "lower-case letters, digits, - and _, such as `repair`",
    Name: "lower-case letters, digits and _, starting with a letter, such as `why_low`",
    Slug: "lower-case letters, digits and -, starting with a letter, such as `after-sales`",
    Origin: "the beginning of an address, such as `https://www.example.com`",
    Hours: "two times of day, such as `09:00-18:00`",
    Language: "a language tag such as `zh-CN` or `en`",
}
FORMS: dict[Any, Form] = {
    Text: TextForm(),
    Condition: ConditionForm(),
    Share: SHARE,
    Minutes: MINUTES,
    Days: DAYS,
    Day: DAY,
    Formula: FormulaForm(),
    Picture: PictureForm(),
    list[Choice]: Coded(Choice),
    list[Row]: Coded(Row),
    str: STRING,
    bool: TRUTH,
    int: WHOLE,
    float: NUMBER,
}
"""By the type of a field in the kernel; what is not here follows from the type itself."""


@cache
def form_of(kind: Any) -> Form:
    """The form of a type of the kernel."""
    if kind in FORMS:
        return FORMS[kind]
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return Limited(form_of(inner[0]), inner[1], _PATTERNS.get(kind, ""))
    if origin in (Union, UnionType):
        kinds = tuple(part for part in inner if part is not NoneType)
        return form_of(kinds[0]) if len(kinds) == 1 else Tagged(kinds)
    if origin is Literal:
        return OneOf(inner)
    if origin is list:
        return Listed(form_of(inner[0]))
    if origin is dict:
        return Mapped(form_of(inner[1]))
    return Keyed(kind)
