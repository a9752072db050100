"""The site: brand and addresses that all surveys share, from ``site.yaml``. All of it optional.

The brand's colour is checked where it is read: what cannot be read on a button is refused, and its
shade for dark mode is computed rather than asked for.
"""

from __future__ import annotations

from colorsys import hls_to_rgb, rgb_to_hls
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from generator.plain import BadFile, read_plain

_LEAST_CONTRAST = 4.5
"""WCAG 2.2, 1.4.3: text against its background."""
_DARK_PAPER = "#181d24"
_DARK_INK = "#0b0f14"


class Site(Struct, frozen=True, forbid_unknown_fields=True):
    """What ``site.yaml`` may say."""

    name: dict[str, str] = {}
    """The brand's name by language, above every survey."""
    colour: Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$")] = "#0f6b62"
    """The brand's colour. White text stands on it."""
    api: Annotated[str, Meta(pattern=r"^/[^\s;,'\"?#]*$")] = "/api"
    """Where answers are posted to: a path on the same site."""
    uploads: Annotated[str, Meta(pattern=r"^(https?://[^/\s;,'\"?#]+)?$")] = ""
    """Where customers' files go to, if not to this site: scheme and host of the bucket."""
    url: Annotated[str, Meta(pattern=r"^https?://[^/\s;,'\"?#]+(/[^\s;,'\"?#]*)?$")] = (
        "http://127.0.0.1:8000"
    )
    """Where customers find the site: links begin with it. Else `echoform serve` on this machine."""


def load_site(path: Path | None) -> Site:
    """The site of a file, or the plain one. Raises BadFile."""
    if path is None:
        return Site()
    site = read_plain(path, Site)
    ratio = contrast(site.colour, "#ffffff")
    if ratio < _LEAST_CONTRAST:
        raise BadFile(
            f"{path}: colour {site.colour} has a contrast of {ratio:.1f} to white; text on it "
            f"needs {_LEAST_CONTRAST} or more: take a darker shade"
        )
    return site


def palette(colour: str) -> dict[str, tuple[str, str]]:
    """What the style takes from the brand's colour: CSS variables, for light and for dark mode."""
    dark = colour
    while contrast(dark, _DARK_PAPER) < 6:
        dark = _lighter(dark)
    return {
        "brand": (colour, dark),
        "on": ("#ffffff", _DARK_INK),
        "tint": (_mix("#ffffff", colour, 0.07), _mix(_DARK_PAPER, dark, 0.12)),
    }


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
