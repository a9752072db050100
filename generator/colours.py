"""Colours: what can be read on what (WCAG 2.2), and the shades a brand's colour needs.

The style says which colours a page has; every pair of them that a customer must tell apart is
checked here, for light and for dark, so that a brand cannot make a page that nobody can read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from colorsys import hls_to_rgb, rgb_to_hls
from typing import NamedTuple, TypeAlias

Shades: TypeAlias = Mapping[str, tuple[str, str]]
"""A colour by its name in the style, for light and for dark."""

TEXT = 4.5
"""1.4.3: text against its background."""
CONTROL = 3.0
"""1.4.11: what shows that there is a control, and its state."""
_COMFORT = 6.0
"""What a computed dark shade is given: more than the least."""
_DARK_PAPER = "#181d24"
_DARK_INK = "#0b0f14"

PAIRS = (
    ("ink", "paper", TEXT),
    ("soft", "paper", TEXT),
    ("wrong", "paper", TEXT),
    ("brand", "paper", TEXT),
    ("on", "brand", TEXT),
    ("ink", "tint", TEXT),
    ("edge", "paper", CONTROL),
    ("brand", "tint", CONTROL),
)
"""What stands on what in the page, and the least contrast of the two."""

_NAMES = {
    "brand": "the brand's colour",
    "on": "a button's text",
    "tint": "a chosen answer",
    "paper": "the page",
    "ink": "text",
    "soft": "a hint",
    "wrong": "a problem",
    "edge": "a control's edge",
}


class Illegible(NamedTuple):
    """Two colours too near each other."""

    front: str
    back: str
    mode: str
    ratio: float
    least: float

    def __str__(self) -> str:
        return (
            f"{_NAMES[self.front]} on {_NAMES[self.back]} in {self.mode} mode has a contrast of "
            f"{self.ratio:.1f}, and needs {self.least}"
        )


def palette(colour: str, dark: str = "") -> dict[str, tuple[str, str]]:
    """What the style takes from the brand: for light and for dark, which is computed if not given.

    White text stands on the brand in light mode, and on a dark shade of its own that needs it.
    """
    if not dark:
        dark = colour
        while contrast(dark, _DARK_PAPER) < _COMFORT:
            dark = _lighter(dark)
    on = max("#ffffff", _DARK_INK, key=lambda text: contrast(text, dark))
    return {
        "brand": (colour, dark),
        "on": ("#ffffff", on),
        "tint": (_mix("#ffffff", colour, 0.07), _mix(_DARK_PAPER, dark, 0.12)),
    }


def shades_of(style: str) -> dict[str, tuple[str, str]]:
    """The colours a style names (``--ink: #181d24``), first for light, then for dark."""
    found: dict[str, tuple[str, str]] = {}
    for name, value in re.findall(r"--(\w+):\s*(#[0-9a-fA-F]{3,6})\b", style):
        full = value if len(value) > 4 else "#" + "".join(digit * 2 for digit in value[1:])
        found[name] = (found[name][0] if name in found else full, full)
    return found


def illegible(shades: Shades) -> Iterator[Illegible]:
    """Every pair that is too near, in the order of ``PAIRS``, light before dark."""
    for front, back, least in PAIRS:
        for at, mode in enumerate(("light", "dark")):
            ratio = contrast(shades[front][at], shades[back][at])
            if ratio < least:
                yield Illegible(front, back, mode, ratio, least)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1–21 (WCAG 2.2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _channels(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def _luminance(colour: str) -> float:
    """Relative luminance, 0–1 (WCAG 2.2)."""
    parts = [c / 255 for c in _channels(colour)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _lighter(colour: str) -> str:
    """The same hue, a little lighter."""
    hue, light, saturation = rgb_to_hls(*(channel / 255 for channel in _channels(colour)))
    channels = hls_to_rgb(hue, light + 0.02, saturation)
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)


def _mix(one: str, other: str, share: float) -> str:
    """``one`` with a share of ``other`` in it."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)
