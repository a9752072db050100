"""Cells that spreadsheets open: a text stays a text."""

from __future__ import annotations

FORMULA = "=+-@\t\r\n＝＋－＠"
"""How a formula begins, also as a Chinese keyboard writes it (OWASP, CSV injection)."""


def harmless(cell: object) -> object:
    """A text that a spreadsheet would take for a formula, kept a text."""
    starts = isinstance(cell, str) and cell.startswith(tuple(FORMULA))
    return f"'{cell}" if starts else cell
