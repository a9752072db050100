"""What stands on a poster: whose it is, what to do, the code, and how far it reads.

Worked out here once for a whole batch; ``hanging`` draws it. All sheets have the proportions of
paper (1 to the root of 2), so there is one drawing, scaled.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from chalicelib.survey import Contract, EchoformError
from chalicelib.survey.piping import filled
from generator.advice import minutes
from generator.qr import QUIET, Code
from generator.site import Site
from generator.wordlist import words_of

SIZES = {"card": (105, 148), "A5": (148, 210), "A4": (210, 297), "A3": (297, 420)}
"""In millimetres, smallest first. ``card`` stands on a table."""
PANEL = 149 / 210
"""The width of the white panel that a code stands in, quiet zone and all, by that of the sheet."""
_ROOM = 1.1
"""The panel's white is a little more than the code must have, for its corners are round."""


class Unprintable(EchoformError):
    """No poster can be made as asked."""


class Sheet(Struct, frozen=True):
    """One of a batch."""

    code: Code
    label: str = ""


class Poster(Struct, frozen=True, kw_only=True):
    """What the sheets of a batch share. Texts are one for each language, the survey's first."""

    site: Site
    languages: list[str]
    calls: list[str]
    titles: list[str]
    times: list[str]
    typed: list[str]
    reaches: list[str]
    """With ``{side}`` and ``{distance}`` in them."""
    size: str
    font: Path | None = None
    bleed: bool = False

    @property
    def brands(self) -> list[str]:
        return list(dict.fromkeys(filter(None, map(self.site.called, self.languages))))

    def reach(self, code: Code) -> list[str]:
        """How large the code is and how far it reads, for whoever hangs it."""
        side = code_side(code, self.size)
        facts = {"side": f"{side:.0f}", "distance": f"{int(code.reach(side) * 10) / 10:.1f}"}
        return [text.format(**facts) for text in self.reaches]


def poster(
    contract: Contract,
    site: Site,
    size: str = "A4",
    languages: list[str] | None = None,
    calls: Mapping[str, str] | None = None,
    font: Path | None = None,
    bleed: bool = False,
) -> Poster:
    """A poster for a survey, in its first two languages or those named. Raises Unprintable."""
    languages = languages or contract.languages[:2]
    calls = calls or {}
    if strange := [each for each in [*languages, *calls] if each not in contract.languages]:
        raise Unprintable(
            f"{contract.id} does not speak {strange[0]!r}; it has {', '.join(contract.languages)}"
        )
    if len(languages) > 2:
        raise Unprintable("a poster says all in one language or in two; name two at most")
    every = [words_of(language, site.words) for language in languages]
    said = [words["poster"] for words in every]
    times = [int(minutes(contract, language) + 0.5) for language in languages]
    return Poster(
        site=site,
        languages=languages,
        calls=[
            calls.get(language, own["call"]) for language, own in zip(languages, said, strict=True)
        ],
        titles=[filled(contract.title.get(language, contract.id)) for language in languages],
        times=[
            words["minutes"].format(n=time) if time > 1 else words["minute"]
            for words, time in zip(every, times, strict=True)
        ],
        typed=[own["typed"] for own in said],
        reaches=[own["reach"] for own in said],
        size=size,
        font=font,
        bleed=bleed,
    )


def code_side(code: Code, size: str) -> float:
    """The side of a code on a sheet, in millimetres: the largest there is room for."""
    quiet = 2 * QUIET * _ROOM
    return SIZES[size][0] * PANEL * code.modules / (code.modules + quiet)


def size_for(code: Code, metres: float) -> str:
    """The smallest sheet whose code is read from there. Raises Unprintable."""
    for size in SIZES:
        if code.reach(code_side(code, size)) >= metres:
            return size
    furthest = code.reach(code_side(code, size))
    raise Unprintable(
        f"the code on {size} is read from {furthest:.1f} m; for {metres:g} m it must be "
        f"{code.side(metres):.0f} mm wide: give a print shop the code alone (--output code.svg)"
    )
