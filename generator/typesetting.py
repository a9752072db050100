"""Text that fits its box: broken between words or Chinese letters, and smaller where it must be.

ReportLab's paragraphs break either words or Chinese; a poster's lines hold both.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from reportlab.pdfbase.pdfmetrics import stringWidth

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


def fitted(
    text: str, font: str, largest: float, least: float, width: float, height: float
) -> Set:
    """The text as large as fits; what does not fit in the least size ends in "…"."""
    size = largest
    while size > least:
        found = Set(broken(text, font, size, width), size)
        if found.height <= height:
            return found
        size *= _STEP
    lines = broken(text, font, least, width)
    room = max(1, int(height / (least * LEADING)))
    if len(lines) > room:
        lines = [*lines[: room - 1], _cut(" ".join(lines[room - 1 : room + 1]), font, least, width)]
    return Set(lines, least)


def broken(text: str, font: str, size: float, width: float) -> list[str]:
    """Lines no wider than ``width``; a word wider than that is broken inside."""
    lines = [""]
    for piece in _PIECE.findall(" ".join(text.split())):
        if stringWidth(lines[-1] + piece.rstrip(), font, size) <= width:
            lines[-1] += piece
            continue
        if stringWidth(piece.rstrip(), font, size) <= width:
            lines.append(piece)
            continue
        for letter in piece:
            if stringWidth(lines[-1] + letter, font, size) > width:
                lines.append("")
            lines[-1] += letter
    return [line.strip() for line in lines if line.strip()]


def _cut(line: str, font: str, size: float, width: float) -> str:
    while line and stringWidth(line + "…", font, size) > width:
        line = line[:-1]
    return line.rstrip() + "…"
