"""Text for a terminal: names in a row go on below one another, behind what they are names of."""

from __future__ import annotations

import textwrap

WIDE = 100
"""Columns of a terminal."""


def wrapped(head: str, text: str) -> list[str]:
    """A text behind its head, in as many lines as it needs."""
    below = " " * len(head)
    return textwrap.wrap(
        text, WIDE, initial_indent=head, subsequent_indent=below, break_on_hyphens=False
    )
