"""What fits into a terminal: names go on below one another, figures stand on two lines."""

from __future__ import annotations

import textwrap

from rich.console import Console

WIDE = 100
"""Columns in which everything fits side by side."""


def narrow() -> bool:
    """Whether this terminal has fewer."""
    return Console().width < WIDE


def beneath(figure: str, narrow: bool) -> str:
    """A figure, and on a narrow terminal beneath it what it is told with."""
    return figure.replace(" ", "\n", 1) if narrow else figure


def wrapped(head: str, text: str) -> list[str]:
    """A text behind its head, in as many lines as it needs."""
    below = " " * len(head)
    return textwrap.wrap(
        text, WIDE, initial_indent=head, subsequent_indent=below, break_on_hyphens=False
    )
