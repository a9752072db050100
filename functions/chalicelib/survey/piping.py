"""Piping: earlier answers, and what a link knows, put into texts.

``{kind}`` in a text stands for the answer to ``kind``, ``{agent|our colleague}`` for an attribute,
with what to say where it is not known. ``{{kind}}`` is no pipe: it reads ``{kind}``. The generator
binds every name; the page fills texts in as answers are given, and everybody else says the words
for what is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

UNKNOWN = "…"
"""Said where a pipe brings no words of its own."""

_PIPE = re.compile(r"\{(\{)?([a-z][a-z0-9_]{0,62})(\|[^{}|\n]*)?\}(?(1)\})")
_TEXTS = frozenset({"title", "intro", "thanks", "text", "hint"})


class Pipe(NamedTuple):
    name: str
    fallback: str


def pieces(text: str) -> Iterator[str | Pipe]:
    """A text taken apart, in order."""
    at = 0
    for found in _PIPE.finditer(text):
        yield text[at : found.start()]
        at = found.end()
        doubled, name, fallback = found.groups()
        yield found[0][1:-1] if doubled else Pipe(name, (fallback or "|")[1:].strip() or UNKNOWN)
    yield text[at:]


def filled(text: str, known: Callable[[str], str | None] = lambda name: None) -> str:
    """The text with what is known of each name, else with its fallback."""
    if "{" not in text:
        return text
    return "".join(
        piece if isinstance(piece, str) else known(piece.name) or piece.fallback
        for piece in pieces(text)
    )


def named(part: object) -> Iterator[str]:
    """Every name that the texts in some part of a contract put in; the part as plain data."""
    if isinstance(part, dict):
        for key, inner in part.items():
            if key in _TEXTS and isinstance(inner, dict):
                for text in inner.values():
                    yield from (piece.name for piece in pieces(text) if isinstance(piece, Pipe))
            else:
                yield from named(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from named(inner)
