"""How long a text message is as networks count it, and in how many segments it goes out.

3GPP TS 23.038: with every character in the GSM 7-bit alphabet, 160 units fit one message and 153
each of several, and those of the extension table take two; else UCS-2, of which 70 and 67 fit. Two
units that belong together are never parted between two segments.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")
_ROOM = {"GSM-7": (160, 153), "UCS-2": (70, 67)}


class Segments(NamedTuple):
    alphabet: Literal["GSM-7", "UCS-2"]
    units: int
    """Septets, or 16-bit units."""
    segments: int
    room: int
    """Units that still fit the last segment."""

    def __str__(self) -> str:
        plural = "" if self.segments == 1 else "s"
        return f"{self.alphabet}, {self.units} units, {self.segments} segment{plural}"


def segmented(text: str) -> Segments:
    """How a text goes out; an empty one is one segment."""
    alphabet: Literal["GSM-7", "UCS-2"]
    if all(char in _BASIC or char in _EXTENSION for char in text):
        alphabet, sizes = "GSM-7", [2 if char in _EXTENSION else 1 for char in text]
    else:
        alphabet, sizes = "UCS-2", [2 if ord(char) > 0xFFFF else 1 for char in text]
    alone, each = _ROOM[alphabet]
    units = sum(sizes)
    if units <= alone:
        return Segments(alphabet, units, 1, alone - units)
    segments, filled = _packed(sizes, each)
    return Segments(alphabet, units, segments, each - filled)


def _packed(sizes: Iterable[int], each: int) -> tuple[int, int]:
    """How many segments, and how full the last one is."""
    segments, filled = 1, 0
    for size in sizes:
        if filled + size > each:
            segments, filled = segments + 1, 0
        filled += size
    return segments, filled
