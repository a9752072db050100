"""Pictures of choices: found beside the survey, told by their bytes, named by their content.

A picture is told by its first bytes, not by what its file is called. SVG is refused: it is a
document that can carry scripts and load other things, where a picture of pixels only shows.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from struct import error as StructError
from struct import unpack_from
from typing import Any

from .forms import Schema
from .notes import Place
from .source import Node, Scalar

LARGEST = 200_000
"""Bytes: on a bad network a picture of more comes too late."""
_SIDES = 4000
KINDS = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
"""What pictures are served as, by the ending of their name."""


class PictureForm:
    """A path beside the survey file, read into the picture's name and size."""

    def read(self, node: Node, at: Place) -> Any:
        if not isinstance(node, Scalar) or node.empty:
            return at.error(f"`{at.key}` must be a file", "write one such as `photos/repair.jpg`")
        folder = at.notes.folder.resolve()
        path = (folder / node.text).resolve()
        if not path.is_relative_to(folder) or not path.is_file():
            what = f"there is no file `{node.text}` beside the survey"
            return at.error(what, f"put it into {folder.name or folder} and name it from there")
        size = path.stat().st_size
        if size > LARGEST:
            what = f"`{node.text}` has {size:,} bytes"
            return at.error(what, f"use at most {LARGEST:,}: make it smaller, or use webp")
        data = path.read_bytes()
        kind, measure = _kind(data)
        if measure is None:
            remedy = "use png, jpeg or webp"
            if kind == "svg":
                remedy += ": an SVG can carry scripts"
            return at.error(f"`{node.text}` is no picture a page may show", remedy)
        try:
            width, height = measure(data)
        except (StructError, IndexError):
            width = height = 0
        if not (0 < width <= _SIDES and 0 < height <= _SIDES):
            what = f"`{node.text}` has no size that can be read, or is over {_SIDES} pixels"
            return at.error(what, "save it again, smaller")
        name = f"{sha256(data).hexdigest()[:16]}.{kind}"
        at.notes.pictures[name] = data
        return {"name": name, "width": width, "height": height}

    def schema(self, defs: dict[str, Schema]) -> Schema:
        return {"type": "string"}


Measure = Callable[[bytes], tuple[int, int]]


def _kind(data: bytes) -> tuple[str, Measure | None]:
    """What the bytes are, and how their size is read."""
    for kind, begins, measure in _MAGIC:
        if begins(data):
            return kind, measure
    return ("svg" if b"<svg" in data[:2000].lower() else ""), None


def _png(data: bytes) -> tuple[int, int]:
    width, height = unpack_from(">II", data, 16)
    return width, height


def _jpeg(data: bytes) -> tuple[int, int]:
    """Segment by segment, up to the one that starts a frame (ITU-T T.81, B.1.1.3)."""
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = unpack_from(">HH", data, at + 5)
            return width, height
        else:
            at += 2 + max(2, unpack_from(">H", data, at + 2)[0])
    return 0, 0


def _webp(data: bytes) -> tuple[int, int]:
    """The three forms of RFC 9649: lossy, lossless, extended."""
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        return (
            int.from_bytes(data[24:27], "little") + 1,
            int.from_bytes(data[27:30], "little") + 1,
        )
    return 0, 0


_MAGIC: list[tuple[str, Callable[[bytes], bool], Measure]] = [
    ("png", lambda data: data[:16] == b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", _png),
    ("jpg", lambda data: data[:3] == b"\xff\xd8\xff", _jpeg),
    ("webp", lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", _webp),
]
