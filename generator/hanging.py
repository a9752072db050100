"""Posters as PDF, by ReportLab: one page for each sheet of a batch.

Drawn in the millimetres of A4 and scaled to the sheet. What all sheets share is drawn once and
named on every page, so a thousand of them are made in seconds and weigh little.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable
from functools import partial
from io import BytesIO
from urllib.parse import unquote_to_bytes

import resvg_py
from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from generator.colours import palette
from generator.fonts import Face
from generator.logo import Logo
from generator.poster import PANEL, SIZES, Poster, Sheet, code_side
from generator.qr import Code
from generator.typesetting import LEADING, fitted

_WIDE = 210 * mm
_INK, _SOFT = HexColor("#181d24"), HexColor("#445566")
_BLEED_MM = 3
_PANEL_TOP = 77 * mm
_LEAST = 6.0
"""The smallest print in points, on any sheet."""
_SHARED = "poster"
_DOTS = 1600
"""Along an SVG logo: more than a printer shows."""


def pdf(poster: Poster, sheets: Iterable[Sheet]) -> bytes:
    """The same bytes for the same posters. Raises NoFont."""
    out = BytesIO()
    drawing = _Drawing(poster, out)
    for sheet in sheets:
        drawing.add(sheet)
    return drawing.finished(out)


class _Drawing:
    def __init__(self, poster: Poster, out: BytesIO) -> None:
        self._poster = poster
        wide, tall = (side * mm for side in SIZES[poster.size])
        self._scale = wide / _WIDE
        self._tall = tall / self._scale
        self._bleed = (_BLEED_MM * mm if poster.bleed else 0) / self._scale
        self._brand = HexColor(palette(poster.site.colour)["brand"][0])
        self._face = Face(poster.languages, poster.font)
        self._panel = _WIDE * PANEL
        edge = self._bleed * self._scale
        self._canvas = Canvas(out, (wide + 2 * edge, tall + 2 * edge), invariant=1)
        self._canvas.setTitle(" · ".join([*poster.brands[:1], *poster.titles[:1]]))
        self._trim = (edge, edge, wide + edge, tall + edge)
        bleed = self._bleed
        self._canvas.beginForm(_SHARED, -bleed, -bleed, _WIDE + bleed, self._tall + bleed)
        self._draw_shared()
        self._canvas.endForm()

    def add(self, sheet: Sheet) -> None:
        canvas = self._canvas
        if self._poster.bleed:
            canvas.setTrimBox(self._trim)
        canvas.translate(self._bleed * self._scale, self._bleed * self._scale)
        canvas.scale(self._scale, self._scale)
        canvas.doForm(_SHARED)
        self._draw_code(sheet.code)
        self._write_small(sheet)
        canvas.showPage()

    def finished(self, out: BytesIO) -> bytes:
        self._canvas.save()
        return out.getvalue()

    def _draw_shared(self) -> None:
        """All but the code, its address and its label."""
        poster, canvas, bleed = self._poster, self._canvas, self._bleed
        self._draw_brand(10, 15)
        canvas.setFillColor(self._brand)
        top, bottom = 34 * mm, 240 * mm
        canvas.rect(-bleed, self._tall - bottom, _WIDE + 2 * bleed, bottom - top, stroke=0, fill=1)
        boxes = [(40, 20, 46), (60, 12, 24)] if len(poster.calls) > 1 else [(42, 28, 46)]
        for call, (down, high, size) in zip(poster.calls, boxes, strict=True):
            self._write(call, down, high, size, 12, white, bold=True)
        canvas.setFillColor(white)
        side = self._panel
        low = self._tall - _PANEL_TOP - side
        canvas.roundRect((_WIDE - side) / 2, low, side, side, 3 * mm, stroke=0, fill=1)
        self._write(_said_once(poster.times), 227, 10, 18, 8, white)
        for title, (down, high, size) in zip(
            poster.titles, [(242, 10, 20), (252, 9, 13)], strict=False
        ):
            self._write(title, down, high, size, 8, _INK, bold=size > 13)

    def _draw_brand(self, down: float, high: float) -> None:
        """The logo, else the brand's name, in both languages where they differ."""
        picture = self._poster.site.picture
        if picture is None:
            self._write(_said_once(self._poster.brands), down, high, 26, 12, self._brand, bold=True)
            return
        tall = min(high * mm, 120 * mm * picture.height / picture.width)
        wide = tall * picture.width / picture.height
        y = self._tall - down * mm - (high * mm + tall) / 2
        self._canvas.drawImage(_pixels(picture), (_WIDE - wide) / 2, y, wide, tall, mask="auto")

    def _draw_code(self, code: Code) -> None:
        """All modules as one path: between two of them a viewer would show a hair of white."""
        side = code_side(code, self._poster.size) * mm / self._scale
        path = self._canvas.beginPath()
        for down, row in enumerate(code.rows, 1):
            for start, length in _runs(row):
                path.rect(start, -down, length, 1)
        self._canvas.saveState()
        self._canvas.translate(
            (_WIDE - side) / 2, self._tall - _PANEL_TOP - (self._panel - side) / 2
        )
        self._canvas.scale(side / code.modules, side / code.modules)
        self._canvas.setFillColor(_INK)
        self._canvas.drawPath(path, stroke=0, fill=1)
        self._canvas.restoreState()

    def _write_small(self, sheet: Sheet) -> None:
        """The address for who cannot scan; below it, for whoever hangs it, label and reach."""
        poster = self._poster
        typed = f"{' / '.join(poster.typed)} {sheet.code.url.partition('://')[2]}"
        self._write(typed, 262, 13, 11, 5, _SOFT)
        self._write(sheet.label, 276, 6, 9, 5, _INK)
        self._write(_said_once(poster.reach(sheet.code)), 283, 6, 8, 5, _SOFT)

    def _write(
        self,
        text: str,
        down: float,
        high: float,
        largest: float,
        least: float,
        colour: Color,
        bold: bool = False,
    ) -> None:
        """Centred in a box that begins so many millimetres down; as large as fits, in points."""
        if not text.strip():
            return
        least = max(least, _LEAST / self._scale)
        wide = partial(self._face.wide, bold=bold)
        found = fitted(text, wide, max(largest, least), least, _WIDE - 28 * mm, high * mm)
        y = self._tall - down * mm - (high * mm - found.height) / 2 - found.size * 0.95
        for line in found.lines:
            at = self._canvas.beginText((_WIDE - wide(line, found.size)) / 2, y)
            at.setFillColor(colour)
            at.setStrokeColor(colour)
            self._canvas.setLineWidth(found.size / 45)
            for font, run, thin in self._face.runs(line, bold):
                at.setFont(font, found.size)
                at.setTextRenderMode(2 if thin else 0)  # a line around each letter makes it bold
                at.textOut(run)
            at.setTextRenderMode(0)
            self._canvas.drawText(at)
            y -= found.size * LEADING


def _said_once(texts: list[str]) -> str:
    return " · ".join(dict.fromkeys(texts))


def _runs(row: bytes) -> Iterable[tuple[int, int]]:
    """Where dark modules follow each other: from which one, and how many."""
    start = row.find(1)
    while start >= 0:
        end = row.find(0, start)
        end = len(row) if end < 0 else end
        yield start, end - start
        start = row.find(1, end)


def _pixels(logo: Logo) -> ImageReader:
    """The logo as PDF shows pictures: an SVG is drawn in more dots than a printer has."""
    kind, _, data = logo.uri.partition(",")
    if kind.endswith(";base64"):
        return ImageReader(BytesIO(b64decode(data)))
    drawing, wide = unquote_to_bytes(data).decode(), logo.width >= logo.height
    drawn = resvg_py.svg_to_bytes(
        svg_string=drawing, width=_DOTS if wide else None, height=None if wide else _DOTS
    )
    return ImageReader(BytesIO(drawn))
