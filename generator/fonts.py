"""What PDF writes with.

No machine can be counted on to have a Chinese font, and one in the package would weigh megabytes.
PDF names Adobe's East Asian fonts, and every reader that shows Chinese at all puts its own in for
them. Who sends something to a print shop embeds a font of their own with ``--font``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont

from chalicelib.survey import EchoformError

CORE = "Helvetica"
_CORE_LETTERS = "cp1252"
_FONTS = {
    "zh-TW": ("MSung-Light", "big5hkscs"),
    "zh-HK": ("MSung-Light", "big5hkscs"),
    "zh-Hant": ("MSung-Light", "big5hkscs"),
    "zh": ("STSong-Light", "gbk"),
    "ja": ("HeiseiMin-W3", "cp932"),
    "ko": ("HYSMyeongJo-Medium", "cp949"),
}
"""What a reader draws with a font of its own, and the letters that has, by language."""
_FIRST_SIGN = "\u2000"
"""From here on signs and letters are the East's where its font has them, such as its quotes."""


class NoFont(EchoformError):
    """The text cannot be written with what PDF knows by itself."""


def font_for(language: str, text: str, file: Path | None = None) -> str:
    """The name of a registered font for a long text in one language. Raises NoFont."""
    if file is not None:
        return _embedded(file)
    for start, (name, _) in _FONTS.items():
        if language.startswith(start):
            return _known(name)
    try:
        text.encode(_CORE_LETTERS)
    except UnicodeEncodeError as error:
        letter = error.object[error.start]
        raise NoFont(
            f"PDF has no letter {letter!r} by itself: give a TrueType font that has it "
            f"(--font FILE), or write HTML and print that (--output form.html)"
        ) from None
    return CORE


class Face:
    """What a line is set with: Latin letters in one font and those of the East in another."""

    def __init__(self, languages: Sequence[str], file: Path | None = None) -> None:
        """The East's font is the first that one of ``languages`` has, else Chinese."""
        self._file = _embedded(file) if file else ""
        self._fonts: dict[str, str] = {}
        starts = [start for each in languages for start in _FONTS if each.startswith(start)]
        self._east, self._letters = _FONTS[starts[0] if starts else "zh"]

    def runs(self, text: str, bold: bool = False) -> list[tuple[str, str, bool]]:
        """Fonts, what each sets, and whether it has to be made bold. Raises NoFont."""
        for letter in set(text) - self._fonts.keys():
            self._fonts[letter] = self._font(letter)
        found = [("".join(run), font) for font, run in groupby(text, self._fonts.__getitem__)]
        core = f"{CORE}-Bold" if bold else CORE
        return [(core, run, False) if font == CORE else (font, run, bold) for run, font in found]

    def wide(self, text: str, size: float, bold: bool = False) -> float:
        """In points."""
        runs = self.runs(text, bold)
        return float(sum(pdfmetrics.stringWidth(run, font, size) for font, run, _ in runs))

    def _font(self, letter: str) -> str:
        if self._file:
            if ord(letter) not in pdfmetrics.getFont(self._file).face.charToGlyph:
                raise NoFont(f"the font {self._file} has no letter {letter!r}; give one that has")
            return self._file
        own, core = (self._east, self._letters), (CORE, _CORE_LETTERS)
        for name, letters in (core, own) if letter < _FIRST_SIGN else (own, core):
            with suppress(UnicodeEncodeError):
                letter.encode(letters)
                return _known(name)
        raise NoFont(
            f"PDF has no letter {letter!r} by itself: leave it out, or give a TrueType font that "
            f"has it (--font FILE)"
        )


def _known(name: str) -> str:
    if name not in pdfmetrics.getRegisteredFontNames() and name != CORE:
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    return name


def _embedded(file: Path) -> str:
    try:
        if file.stem not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(file.stem, str(file)))
    except (TTFError, OSError) as error:
        raise NoFont(
            f"{file}: not a font that PDF takes: {error}; give a TrueType font (.ttf, .ttc)"
        ) from None
    return file.stem
