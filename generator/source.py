"""A survey file as a tree of nodes that remember their lines.

Only YAML's events are read, and by libyaml (PyYAML's binding, 20 times faster than a parser in
Python). What a word means is decided by who reads the node, so ``no``, ``on`` and ``1`` stay what
the author wrote, as YAML 1.2 has it. Mistakes that YAML words badly are explained here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

import yaml
from msgspec import Struct

from .findings import Problem

_DEEPEST = 40
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Scalar(Struct, frozen=True):
    """A word, number or text, as written."""

    line: int
    text: str
    plain: bool
    """Not in quotes and not a block."""

    @property
    def empty(self) -> bool:
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


class Sequence(Struct, frozen=True):
    line: int
    items: list[Node]


class Entry(Struct, frozen=True):
    """A value in a mapping, and the line its key stands on."""

    line: int
    node: Node


class Mapping(Struct, frozen=True):
    line: int
    flow: bool
    """Written in ``{ }``."""
    entries: dict[str, Entry]

    def text(self, key: str) -> str | None:
        """The scalar under a key, where there is one."""
        entry = self.entries.get(key)
        return entry.node.text if entry and isinstance(entry.node, Scalar) else None


Node: TypeAlias = Scalar | Sequence | Mapping


class Unparsable(Exception):
    """The text is not YAML, or not what a survey may use of it."""

    def __init__(self, line: int, what: str, remedy: str) -> None:
        super().__init__(what)
        self.line = line
        self.problem = Problem(what, remedy)


def compose(text: str) -> tuple[Node | None, list[tuple[int, Problem]]]:
    """The tree (None where the text says nothing), and problems that do not stop the reading.

    Raises:
        Unparsable: where the reading stops.
    """
    composer = _Composer(text)
    try:
        return composer.document(), composer.problems
    except yaml.YAMLError as error:
        raise _explained(text, error) from None


class _Composer:
    """From events to nodes."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)
        self._anchors: dict[str, Node] = {}
        self.problems: list[tuple[int, Problem]] = []

    def document(self) -> Node | None:
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    raise Unparsable(
                        _line(event), "a second document starts here", "keep one survey in a file"
                    )
                root = self._node(next(self._events), 0)
        return None if isinstance(root, Scalar) and root.empty else root

    def _node(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise Unparsable(
                    _line(event),
                    f"`*{event.anchor}` names nothing before it",
                    f"define `&{event.anchor}` first, or put the text in quotes",
                )
            return self._anchors[event.anchor]
        if event.tag is not None:
            raise Unparsable(
                _line(event),
                f"`{event.tag}` is a tag, which surveys do not use",
                "put a text that starts with ! in quotes; in a condition write `not`",
            )
        if depth > _DEEPEST:
            raise Unparsable(_line(event), "nested too deep", "no survey needs this many levels")
        node = self._built(event, depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _built(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(_line(event), event.value, event.style is None or event.style == "")
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Node] = []
            while not isinstance(inner := next(self._events), yaml.SequenceEndEvent):
                items.append(self._node(inner, depth + 1))
            return Sequence(_line(event), items)
        entries: dict[str, Entry] = {}
        while not isinstance(inner := next(self._events), yaml.MappingEndEvent):
            key, line = self._node(inner, depth + 1), _line(inner)
            value = self._node(next(self._events), depth + 1)
            if not isinstance(key, Scalar):
                problem = Problem("a key must be a word", "put the text in quotes")
                self.problems.append((line, problem))
            elif key.text in entries:
                what = f"`{key.text}` is written twice, first on line {entries[key.text].line}"
                self.problems.append((line, Problem(what, "keep one")))
            else:
                entries[key.text] = Entry(line, value)
        return Mapping(_line(event), bool(event.flow_style), entries)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


_QUOTES = "put the text in quotes"
_COMMA = Problem(
    "a full-width ， does not separate entries inside { }",
    f"write a half-width comma between entries, or {_QUOTES} if it belongs to the text",
)
_COLON = Problem(
    "a half-width colon and a space inside a text start a new entry",
    f"use ： or {_QUOTES}",
)
_COMMENT = Problem("` #` starts a comment, so the rest of the line is lost", _QUOTES)
_WIDE_COLON = Problem("a full-width ： does not end a key", "write a half-width colon and a space")
_TAB = Problem("a tab stands where only spaces may", "indent with spaces")
_MARK = Problem("a half-width ? cannot start a text inside { }", f"use ？ or {_QUOTES}")
_QUOTED = Problem(
    "something follows a text in quotes",
    "put the whole value in single quotes, such as '\"speed\" in improve'",
)
_OPEN_QUOTE = Problem("a quote is opened and never closed", "close it")
_ESCAPE = Problem("no character has this escape code", "type the character itself")
_START = Problem("a text cannot start with this character", _QUOTES)
_UNPRINTABLE = Problem("the file holds a character that YAML does not allow", "remove it")
_INDENT = Problem(
    "the indentation does not fit the lines above",
    "start all entries of one mapping or list in the same column",
)


def _explained(text: str, error: yaml.YAMLError) -> Unparsable:
    """YAML's complaint in words an author can act on, at the line where the mistake is."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        at = text[: getattr(error, "position", 0)]
        return Unparsable(at.count("\n") + 1, _UNPRINTABLE.what, _UNPRINTABLE.remedy)
    lines = [*text.split("\n"), "", ""]
    start = getattr(error, "context_mark", None) or mark
    problem = str(getattr(error, "problem", ""))
    context = str(getattr(error, "context", ""))
    row, said = _cause(lines, problem, context, (start.line, start.column), mark)
    return Unparsable(row + 1, said.what, said.remedy)


def _cause(
    lines: list[str], problem: str, context: str, start: tuple[int, int], mark: Any
) -> tuple[int, Problem]:
    line: str = lines[mark.line]
    at, before = line[mark.column : mark.column + 1], line[: mark.column]
    opening = lines[start[0]][start[1] :]
    if at == "\t" or re.match(r" *\t", line):
        return mark.line, _TAB
    if "escape" in problem:
        return mark.line, _ESCAPE
    if "quoted scalar" in context:
        return start[0], _OPEN_QUOTE
    if "flow mapping" in context or "flow sequence" in context:
        if re.search(r"\s#", opening):
            return start[0], _COMMENT
        if mark.line > start[0]:
            bracket = opening[:1]
            return start[0], Problem(f"`{bracket}` is never closed", "close it on the same line")
        if at == ":":
            return mark.line, _COMMA if "，" in re.split(r"[{,]", before)[-1] else _COLON
        return mark.line, _QUOTED if re.search(r"[\"']\s*$", before) else _COMMA
    if "node content" in problem:
        return mark.line, _MARK if at == "?" else _START
    if "cannot start" in problem:
        return mark.line, _START
    if "not allowed" in problem:
        for row in (mark.line, mark.line - 1):
            if re.match(r"[\s-]*[A-Za-z_-]+：", lines[max(row, 0)]):
                return max(row, 0), _WIDE_COLON
        return mark.line, _COLON if ": " in before else _INDENT
    if re.search(r":\s+(\"[^\"]*\"|'[^']*')\s*$", before):
        return mark.line, _QUOTED
    return mark.line, _INDENT
