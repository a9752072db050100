"""Text that fits its box: broken between words or Chinese letters, and smaller where it must be.

ReportLab's paragraphs break either words or Chinese; a poster's lines hold both.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

Wide: TypeAlias = Callable[[str, float], float]
"""How wide a text is in a size, both in points."""

LEADING = 1.25
_EAST = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef"
_OPENING, _CLOSING = "（《“‘「『【〈(", "，。！？、；：）》”’」』】〉,.!?;:)"
_PIECE = re.compile(
    rf"[{_OPENING}]*(?:[{_EAST}]|[^\s{_EAST}{_OPENING}]+)[{_CLOSING}]*\s*|[{_OPENING}]+\s*|\s+"
)
"""What stays on one line: a word or a Chinese letter, with the signs that belong to it."""
_STEP = 0.95


class Set(NamedTuple):
    """Lines of one size, in points."""

    lines: list[str]
    size: float

    @property
    def height(self) -> float:
        return len(self.lines) * self.size * LEADING


def fitted(text: str, wide: Wide, largest: float, least: float, width: float, height: float) -> Set:
    """The text as large as fits with its words whole, its lines even.

    In the least size words are broken, and what does not fit ends in "…".
    """
    words = [piece.rstrip() for piece in _PIECE.findall(text)]
    size = largest
    while size > least:
        longest = max(wide(word, size) for word in words)
        found = Set(broken(text, wide, size, width), size)
        if longest <= width and found.height <= height:
            return Set(_even(text, found.lines, wide, size, longest), size)
        size *= _STEP
    lines = broken(text, wide, least, width)
    room = max(1, int(height / (least * LEADING)))
    if len(lines) > room:
        lines = [*lines[: room - 1], _cut(" ".join(lines[room - 1 : room + 1]), wide, least, width)]
    return Set(lines, least)


def broken(text: str, wide: Wide, size: float, width: float) -> list[str]:
    """Lines no wider than ``width``; a word wider than that is broken inside."""
    lines = [""]
    for piece in _PIECE.findall(" ".join(text.split())):
        if wide(lines[-1] + piece.rstrip(), size) <= width:
            lines[-1] += piece
            continue
        if wide(piece.rstrip(), size) <= width:
            lines.append(piece)
            continue
        for letter in piece:
            if wide(lines[-1] + letter, size) > width:
                lines.append("")
            lines[-1] += letter
    return [line.strip() for line in lines if line.strip()]


def _even(text: str, lines: list[str], wide: Wide, size: float, longest: float) -> list[str]:
    """As many lines, but none much shorter than the others."""
    width = max(wide(line, size) for line in lines)
    even = lines
    while len(even) == len(lines) > 1 and width > longest:
        lines, width = even, width - size / 2
        even = broken(text, wide, size, max(width, longest))
    return lines


def _cut(line: str, wide: Wide, size: float, width: float) -> str:
    while line and wide(line + "…", size) > width:
        line = line[:-1]
    return line.rstrip() + "…"
