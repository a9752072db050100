"""A brand's logo as a page carries it: inside the page, small, and nothing that could run.

Pages load nothing, so a logo is part of each: 4,000 bytes of it and a page of 9,000 still arrive
together in the first flight of a connection (14,600 bytes).
"""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from xml.etree import ElementTree

from generator.plain import BadFile

LARGEST = 4_000
_SVG = "http://www.w3.org/2000/svg"
_DRAWN = frozenset(
    [
        "svg",
        "g",
        "defs",
        "title",
        "path",
        "circle",
        "ellipse",
        "rect",
        "line",
        "polyline",
        "polygon",
        "text",
        "tspan",
        "linearGradient",
        "radialGradient",
        "stop",
        "clipPath",
        "mask",
        "use",
        "symbol",
    ]
)
"""What an SVG may draw with; anything else in it, such as a script, is left out."""
_ELSEWHERE = re.compile(r"url\(\s*['\"]?(?!#)|javascript:|data:|https?:", re.IGNORECASE)


class Logo(NamedTuple):
    """An address that holds the picture itself, and its size in pixels of its own."""

    uri: str
    width: int
    height: int


def read_logo(path: Path) -> Logo:
    """The logo of a file: SVG, PNG or WebP. Raises BadFile."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path}: the logo cannot be read: {error.strerror}") from None
    kind = path.suffix.lower()
    if kind == ".svg":
        data, size = _svg(data, path)
    elif kind in (".png", ".webp"):
        size = (_png if kind == ".png" else _webp)(data)
    else:
        raise BadFile(f"{path}: a logo is an SVG, PNG or WebP file; save it as one")
    if not (size and min(size) > 0):
        raise BadFile(f"{path}: not the {kind[1:].upper()} its name says; save it again")
    if len(data) > LARGEST:
        raise BadFile(
            f"{path}: the logo has {len(data):,} bytes, and every page carries it; at most "
            f"{LARGEST:,}: simplify the SVG, or save 200 pixels wide as WebP"
        )
    if kind == ".svg":
        return Logo("data:image/svg+xml," + quote(data, safe=" '()*,-./:;=@_~!$"), *size)
    return Logo(f"data:image/{kind[1:]};base64,{b64encode(data).decode()}", *size)


def _svg(data: bytes, path: Path) -> tuple[bytes, tuple[int, int] | None]:
    """Only what is drawn of an SVG, and its size."""
    if b"<!DOCTYPE" in data[:1000] and b"<!ENTITY" in data:
        raise BadFile(f"{path}: a logo declares no entities; save it as plain SVG")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314  the author's own file, without entities
    except ElementTree.ParseError as error:
        raise BadFile(f"{path}: not SVG: {error}") from None
    if root.tag != f"{{{_SVG}}}svg":
        return data, None
    _keep_drawn(root)
    ElementTree.register_namespace("", _SVG)
    clean = ElementTree.tostring(root).replace(b'"', b"'")
    box = root.get("viewBox", "").replace(",", " ").split()
    sides = box[2:] if len(box) == 4 else [root.get("width", ""), root.get("height", "")]
    try:
        width, height = (float(side.removesuffix("px")) for side in sides)
    except ValueError:
        return clean, None
    return clean, (max(1, round(width)), max(1, round(height)))


def _keep_drawn(element: ElementTree.Element) -> None:
    for name, value in list(element.attrib.items()):
        local = name.rpartition("}")[2].lower()
        foreign = name.startswith("{") and local != "href"
        leads_away = local == "href" and not value.startswith("#")
        if foreign or leads_away or local.startswith("on") or _ELSEWHERE.search(value):
            del element.attrib[name]
    for child in list(element):
        namespace, _, local = str(child.tag).rpartition("}")
        if namespace == f"{{{_SVG}" and local in _DRAWN:
            _keep_drawn(child)
        else:
            element.remove(child)


def _png(data: bytes) -> tuple[int, int] | None:
    if data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR":
        return None
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def _webp(data: bytes) -> tuple[int, int] | None:
    """Width and height of any of WebP's three kinds."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return None
    if data[12:16] == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if data[12:16] == b"VP8 ":
        sides = int.from_bytes(data[26:28], "little"), int.from_bytes(data[28:30], "little")
        return sides[0] & 0x3FFF, sides[1] & 0x3FFF
    return None
