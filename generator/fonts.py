"""What PDF writes with.

No machine can be counted on to have a Chinese font, and one in the package would weigh megabytes.
PDF names Adobe's East Asian fonts, and every reader that shows Chinese at all puts its own in for
them. Who sends something to a print shop embeds a font of their own with ``--font``.
"""

from __future__ import annotations

from collections.abc import Sequence
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


class NoFont(EchoformError):
    """The text cannot be written with what PDF knows by itself."""


def font_for(language: str, text: str, file: Path | None = None) -> str:
    """The name of a registered font for a long text in one language. Raises NoFont."""
    if file is not None:
        return _embedded(file)
    for start, (name, _) in _FONTS.items():
        if language.startswith(start):
            pdfmetrics.registerFont(UnicodeCIDFont(name))
            return name
    try:
        text.encode(_CORE_LETTERS)
    except UnicodeEncodeError as error:
        letter = error.object[error.start]
        raise NoFont(
            f"PDF has no letter {letter!r} by itself: give a TrueType font that has it "
            f"(--font FILE), or write HTML and print that (--output form.html)"
        ) from None
    return CORE


def font_of(text: str, languages: Sequence[str], file: Path | None = None) -> str:
    """The name of a registered font that has every letter of a line. Raises NoFont.

    The fonts of ``languages`` are tried in that order, then that of Chinese.
    """
    if file is not None:
        name = _embedded(file)
        known = pdfmetrics.getFont(name).face.charToGlyph
        if strange := [letter for letter in text if ord(letter) not in known]:
            raise NoFont(f"{file} has no letter {strange[0]!r}; give a font that has it")
        return name
    starts = [
        start
        for language in [*languages, "zh"]
        for start in _FONTS
        if language.startswith(start)
    ]
    for name, letters in [(CORE, _CORE_LETTERS), *(_FONTS[start] for start in starts)]:
        try:
            text.encode(letters)
        except UnicodeEncodeError as error:
            strange = [error.object[error.start]]
            continue
        if name != CORE:
            pdfmetrics.registerFont(UnicodeCIDFont(name))
        return name
    raise NoFont(
        f"PDF has no letter {strange[0]!r} by itself: leave it out, or give a TrueType font that "
        f"has it (--font FILE)"
    )


def _embedded(file: Path) -> str:
    try:
        if file.stem not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(file.stem, str(file)))
    except (TTFError, OSError) as error:
        raise NoFont(
            f"{file}: not a font that PDF takes: {error}; give a TrueType font (.ttf, .ttc)"
        ) from None
    return file.stem
