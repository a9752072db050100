"""The paper form as PDF, by ReportLab: pure Python, and the one library that needs no font file."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    Image,
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
)

from generator.colours import palette
from generator.fonts import CORE, font_for
from generator.paper import SIZES, Form, Item, Mark

_SOFT, _EDGE = HexColor("#445566"), HexColor("#666666")
_GAP = 1.5 * mm


def pdf(form: Form, size: str, font: Path | None = None) -> bytes:
    """The form's PDF, the same bytes for the same form. Raises NoFont."""
    out = BytesIO()
    width, height = (side * mm for side in SIZES[size])
    margin = 14 * mm
    document = SimpleDocTemplate(
        out,
        pagesize=(width, height),
        leftMargin=margin,
        rightMargin=margin,
        topMargin=11 * mm,
        bottomMargin=13 * mm,
        title=form.title,
        author=form.site.called(form.language),
        lang=form.language,
        invariant=1,
    )
    drawing = _Drawing(
        form, font_for(form.language, form.html("A4"), font), width - 2 * margin - 12
    )
    document.build(drawing.story(), canvasmaker=drawing.canvas)
    return out.getvalue()


class _Marks(Flowable):  # type: ignore[misc]  # ReportLab has no types
    """Boxes and circles with their texts, in as many rows as they need."""

    def __init__(self, marks: list[Mark], font: str, size: float = 9) -> None:
        super().__init__()
        self._marks, self._font, self._size = marks, font, size

    def wrap(self, width: float, _: float) -> tuple[float, float]:
        self._places: list[tuple[float, float]] = []
        self._room = width
        x = y = 0.0
        row = self._size * 1.65
        for mark in self._marks:
            wide = self._wide(mark)
            if x and x + wide > width:
                x, y = 0.0, y + row
            self._places.append((x, y))
            x += wide
        self._tall = y + row
        return width, self._tall

    def _wide(self, mark: Mark) -> float:
        said = pdfmetrics.stringWidth(mark.text, self._font, self._size)
        return float(said + 4.7 * mm + (50 * mm if mark.write else 5 * mm))

    def draw(self) -> None:
        side = 3.2 * mm
        canvas = self.canv
        canvas.setLineWidth(0.7)
        for mark, (x, y) in zip(self._marks, self._places, strict=True):
            base = self._tall - y - self._size * 1.2
            if mark.round:
                canvas.circle(x + side / 2, base + side / 2 - 1, side / 2)
            else:
                canvas.rect(x, base - 1, side, side)
            canvas.setFont(self._font, self._size)
            canvas.drawString(x + side + 1.5 * mm, base, mark.text)
            if mark.write:
                begin = x + self._wide(mark) - 48 * mm
                canvas.setLineWidth(0.4)
                canvas.line(begin, base - 2, max(begin + 45 * mm, self._room), base - 2)
                canvas.setLineWidth(0.7)


class _Scale(Flowable):  # type: ignore[misc]
    """Numbers in circles, as wide as they need."""

    def __init__(self, numbers: list[str], font: str) -> None:
        super().__init__()
        self._numbers, self._font = numbers, font
        self._step = max(6.9, min(9.4, 56 / len(numbers))) * mm

    def wrap(self, *_: float) -> tuple[float, float]:
        return self._step * len(self._numbers), 6 * mm

    def draw(self) -> None:
        radius = 2.7 * mm
        for at, number in enumerate(self._numbers):
            x = at * self._step + radius
            self.canv.setLineWidth(0.7)
            self.canv.circle(x, 3 * mm, radius)
            self.canv.setFillColor(_SOFT)
            self.canv.setFont("Helvetica", 8)
            self.canv.drawCentredString(x, 3 * mm - 2.8, number)


class _Lines(Flowable):  # type: ignore[misc]
    """Lines to write on."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count

    def wrap(self, width: float, _: float) -> tuple[float, float]:
        self._room = width
        return width, self._count * 7 * mm

    def draw(self) -> None:
        self.canv.setLineWidth(0.4)
        self.canv.setStrokeColor(_EDGE)
        for line in range(self._count):
            self.canv.line(0, line * 7 * mm + 1, self._room, line * 7 * mm + 1)


class _Code(Flowable):  # type: ignore[misc]
    """The QR code, as squares."""

    def __init__(self, form: Form, side: float) -> None:
        super().__init__()
        self._rows = [bytes(row) for row in form.qr.matrix]
        self._side = side
        self.hAlign = "RIGHT"

    def wrap(self, *_: float) -> tuple[float, float]:
        return self._side, self._side

    def draw(self) -> None:
        cell = self._side / len(self._rows)
        for y, row in enumerate(self._rows):
            for x, dark in enumerate(row):
                if dark:
                    top = self._side - (y + 1) * cell
                    self.canv.rect(x * cell, top, cell, cell, stroke=0, fill=1)


class _Drawing:
    """Turns a form into what ReportLab lays out."""

    def __init__(self, form: Form, font: str, width: float) -> None:
        self._form, self._font, self._width = form, font, width
        self._brand = HexColor(palette(form.site.colour)["brand"][0])
        scales = [item for part in form.parts for item in part.items if item.scale]
        self._na = 24 * mm if any(item.marks for item in scales) else 0.1
        east = form.language.split("-")[0] in ("zh", "ja", "ko")
        bold = f"{CORE}-Bold" if font == CORE else font

        def style(size: float, name: str = font, **more: Any) -> ParagraphStyle:
            wrap = {"wordWrap": "CJK"} if east else {}
            facts = {"fontSize": size, "leading": size * 1.35, **wrap, **more}
            return ParagraphStyle("", fontName=name, **facts)

        self._styles = {
            "title": style(16, bold, textColor=self._brand, spaceBefore=2, spaceAfter=3),
            "heading": style(10.5, bold, textColor=self._brand, spaceBefore=7, spaceAfter=1),
            "text": style(9.5),
            "question": style(9.5, bold),
            "hint": style(8, textColor=_SOFT),
            "right": style(8, textColor=_SOFT, alignment=TA_RIGHT),
            "centre": style(7.5, alignment=TA_CENTER),
        }

    def story(self) -> list[Any]:
        story: list[Any] = [self._head()]
        for part in self._form.parts:
            blocks = [self._block(item) for item in part.items]
            if part.title:
                blocks[0] = [self._say(part.title, "heading"), *blocks[0]]
            if part.end:
                blocks[-1].append(self._say(part.end, "hint"))
            story += [KeepTogether(block) for block in blocks]
        return [*story, KeepTogether([Spacer(1, 3 * mm), *self._foot()])]

    @property
    def canvas(self) -> type[Canvas]:
        """Pages that say which of how many they are: known when all are drawn."""
        said, font, office = self._form.said["page"], self._font, self._form.office

        class Numbered(Canvas):  # type: ignore[misc]
            def __init__(self, *given: Any, **more: Any) -> None:
                super().__init__(*given, **more)
                self._pages: list[dict[str, Any]] = []

            def showPage(self) -> None:
                self._pages.append(dict(self.__dict__))
                self._startPage()

            def save(self) -> None:
                for number, page in enumerate(self._pages, 1):
                    self.__dict__.update(page)
                    self.setFont(font, 8)
                    self.setFillColor(_SOFT)
                    right = self._pagesize[0] - 14 * mm - 6
                    text = said.format(n=number, of=len(self._pages))
                    self.drawRightString(right, 7 * mm, text)
                    self.drawString(14 * mm + 6, 7 * mm, office)
                    super().showPage()
                super().save()

        return Numbered

    def _say(self, text: str, style: str) -> Paragraph:
        return Paragraph(escape(text).replace("\n", "<br/>"), self._styles[style])

    def _table(self, rows: list[list[Any]], widths: list[float], *styles: Any) -> Table:
        plain = [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 0),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
        ]
        return Table(rows, widths, style=[*plain, *styles], hAlign="LEFT")

    def _head(self) -> Table:
        form = self._form
        side = 21 * mm
        words = [
            self._logo() or self._say(form.site.called(form.language), "hint"),
            self._say(form.title, "title"),
            *([self._say(form.intro, "text")] if form.intro else []),
            self._say(form.said["how"], "hint"),
        ]
        code = [_Code(form, side), Spacer(1, 2), self._say(form.said["online"], "centre")]
        code_wide = 30 * mm
        line = ("LINEBELOW", (0, 0), (-1, -1), 1.5, self._brand)
        room = ("BOTTOMPADDING", (0, 0), (-1, -1), 4)
        inner = self._table([[c] for c in code], [code_wide], ("ALIGN", (0, 0), (-1, -1), "CENTER"))
        return self._table([[words, inner]], [self._width - code_wide, code_wide], line, room)

    def _logo(self) -> Image | None:
        """The logo where PDF can show it; an SVG stays a name."""
        picture = self._form.site.picture
        if picture is None or ";base64," not in picture.uri:
            return None
        data = BytesIO(b64decode(picture.uri.partition(",")[2]))
        tall = 9 * mm
        ImageReader(data)
        data.seek(0)
        return Image(data, tall * picture.width / picture.height, tall, hAlign="LEFT")

    def _block(self, item: Item) -> list[Any]:
        number = self._say(str(item.number or ""), "question")
        inside: list[Any] = [self._say(item.condition, "hint")] if item.condition else []
        wide = self._width - 6 * mm
        if item.scale:
            inside.append(self._scale(item, wide))
        else:
            note = " ".join(filter(None, [item.pattern, item.hint]))
            look = f'name="{self._font}" size="8" color="#445566"'
            text = escape(item.text) + (f" <font {look}>{escape(note)}</font>" if note else "")
            inside.append(Paragraph(text.replace("\n", "<br/>"), self._styles["question"]))
            if item.marks:
                inside.append(_Marks(item.marks, self._font))
            if item.lines:
                inside.append(_Lines(item.lines))
        if item.end:
            inside.append(self._say(item.end, "hint"))
        return [self._table([[number, inside]], [6 * mm, wide]), Spacer(1, _GAP)]

    def _scale(self, item: Item, wide: float) -> Table:
        """The text on the left, circles on the right with their ends above."""
        scale = _Scale(item.scale, self._font)
        circles = scale.wrap()[0]
        na = [_Marks(item.marks, self._font, 8)] if item.marks else ""
        na_wide = self._na if len(item.scale) <= 7 or item.marks else 0.1
        ends = self._table(
            [[self._say(item.low, "hint"), self._say(item.high, "right")]],
            [circles / 2] * 2,
        )
        right = circles + na_wide + 2 * mm
        text = [self._say(item.text, "question")]
        text += [self._say(item.hint, "hint")] if item.hint else []
        row = self._table(
            [[scale, na]], [circles + 2 * mm, na_wide], ("VALIGN", (0, 0), (-1, -1), "MIDDLE")
        )
        both = [[text, [ends, row]]]
        return self._table(both, [wide - right, right])

    def _foot(self) -> list[Any]:
        form, said = self._form, self._form.said
        blanks = [said[name] for name in ("received", "channel", "entered")]
        rows = [
            [self._say(f"{said['office']}: {form.office}", "hint"), "", ""],
            [self._say(f"{blank} {'_' * 24}", "hint") for blank in blanks],
        ]
        edge = ("BOX", (0, 0), (-1, -1), 0.5, _EDGE), ("SPAN", (0, 0), (-1, 0))
        pad = [(f"{where}PADDING", (0, 0), (-1, -1), 4) for where in ("TOP", "BOTTOM", "LEFT")]
        return [
            self._say(form.thanks, "text"),
            Spacer(1, 2 * mm),
            self._table(rows, [self._width / 3] * 3, *edge, *pad),
        ]
