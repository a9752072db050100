"""The operator's page, infra/README.md, taken apart: its tables, its code, its text on one line."""

from __future__ import annotations

import re

from generator.places import INFRA

MARK = "**not verified without an account**"
"""Stands in whatever AWS alone could tell."""
README = (INFRA / "README.md").read_text("utf-8")
FLAT = " ".join(README.split())
"""However its lines are broken."""
_FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
BLOCKS = [" ".join(each.split("\n")[1:-1]) for each in _FENCE.findall(README)]
PROSE = _FENCE.sub("", README)
SPANS = [" ".join(each.split()) for each in re.findall(r"`([^`]+)`", PROSE)]


def sections(text: str, level: str) -> dict[str, str]:
    """Texts by their headings."""
    parts = re.split(rf"^{level} (.+)$", text, flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def headings(level: str) -> list[str]:
    return re.findall(rf"^{level} (.+)$", PROSE, re.M)


def table(first: str) -> list[list[str]]:
    """The rows below the header whose first cell that is."""
    [found] = re.findall(rf"^\| {re.escape(first)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PROSE, re.M)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found.splitlines()]


def coded(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)
