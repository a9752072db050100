"""The paper form: the same survey as a questionnaire to print, with a pen in mind.

Nothing hides on paper, so a condition stands in words above its question. What a form consists of
is worked out here once; it is drawn as HTML, which a browser prints, or as PDF by ``printing``.
The office line names survey and version, which is what `echoform enter` and `load` want to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import segno
from msgspec import Struct

from chalicelib.survey import AnyQuestion, Contract, Field
from chalicelib.survey.piping import filled
from chalicelib.survey.questions import (
    Calculated,
    Choosing,
    Consent,
    Hidden,
    LongText,
    Matrix,
    Multiple,
    Offering,
    Ranking,
    Scaled,
    Upload,
    YesNo,
)
from generator import site_templates
from generator.colours import palette
from generator.site import Site
from generator.wording import Wording
from generator.wordlist import direction, words_of

SIZES = {"A4": (210, 297), "A5": (148, 210), "Letter": (216, 279)}
"""In millimetres."""

OFF_PAPER = (Hidden, Upload, Calculated)
"""What nobody can write down."""


class Mark(Struct, frozen=True):
    """Something to tick: a circle where it is one of many, else a box."""

    text: str
    round: bool
    write: bool = False
    """With room to write beside it."""


class Item(Struct, frozen=True, kw_only=True):
    """One question as paper asks it. At most one of marks, scale and lines."""

    number: int | None
    text: str
    hint: str = ""
    condition: str = ""
    """In words, where not everybody is asked."""
    end: str = ""
    """Whoever this holds for is done."""
    marks: list[Mark] = []
    scale: list[str] = []
    low: str = ""
    high: str = ""
    lines: int = 0
    pattern: str = ""
    """What a line is to hold, such as a day."""


class Part(Struct, frozen=True):
    """A section."""

    title: str
    items: list[Item]
    end: str = ""


class Form:
    """A survey's paper form in one language."""

    def __init__(self, contract: Contract, site: Site, language: str) -> None:
        self.contract, self.site, self.language = contract, site, language
        self.words = words_of(language, site.words)
        self.said: dict[str, str] = self.words["paper"]
        asked = [q for q in contract.questions if q.rule and not isinstance(q, OFF_PAPER)]
        self._numbers = {question.id: number for number, question in enumerate(asked, 1)}
        names = {
            field.id: self.said["number"].format(n=self._numbers[question.id])
            for question in asked
            for field in question.fields()
        }
        self._wording = Wording(contract, language, self.words, names)

    @property
    def title(self) -> str:
        return self.text(self.contract.title)

    @property
    def intro(self) -> str:
        return self.text(self.contract.intro)

    @property
    def thanks(self) -> str:
        """The software's own: the author's speaks of what a phone has just sent."""
        return str(self.words["thanks"])

    @property
    def url(self) -> str:
        """Where the same is answered online."""
        first = self.language == self.contract.languages[0]
        place = self.contract.id if first else f"{self.contract.id}/{self.language}"
        return f"{self.site.url.rstrip('/')}/{place}/"

    @cached_property
    def qr(self) -> segno.QRCode:
        return segno.make(self.url, error="m", micro=False)

    @property
    def office(self) -> str:
        """What the one who types it in needs to know."""
        return f"{self.contract.id} · {self.contract.version} · {self.language}"

    @cached_property
    def parts(self) -> list[Part]:
        return [
            Part(
                self.text(section.title),
                [item for question in section.questions for item in self._items(question)],
                self._sentence(section.end_if, "end"),
            )
            for section in self.contract.sections
        ]

    @cached_property
    def _fields(self) -> dict[str, Field]:
        return {field.id: field for field in self.contract.fields}

    def text(self, text: dict[str, str] | None) -> str:
        return filled((text or {}).get(self.language) or next(iter((text or {}).values()), ""))

    def html(self, size: str) -> str:
        """One file that a browser prints."""
        facts = {
            "form": self,
            "size": size,
            "brand": palette(self.site.colour)["brand"][0],
            "direction": direction(self.language),
            "qr": self.qr.svg_inline(border=0, omitsize=True, svgclass=None, lineclass=None),
        }
        return site_templates.of("paper").get_template("form.html").render(facts)

    def _sentence(self, condition: list[Any] | None, phrase: str) -> str:
        if condition is None:
            return ""
        return self.said[phrase].format(what=self._wording.sentence(condition))

    def _items(self, question: AnyQuestion) -> Iterator[Item]:
        """A question as it is asked; of a matrix first what all its rows share."""
        if isinstance(question, Matrix):
            rows = question.ratings()
            yield self._item(question, self._condition(rows[0]), {})
            for row in rows:
                yield self._item(row, "", self._answer(row, self._fields[row.id]))
        elif not isinstance(question, OFF_PAPER):
            answer = self._answer(question, self._fields[question.id])
            yield self._item(question, self._condition(question), answer)

    def _condition(self, question: AnyQuestion) -> str:
        condition = self._fields[question.id].show_if
        return self._wording.label(condition).strip() if condition else ""

    def _item(self, question: AnyQuestion, condition: str, answer: dict[str, Any]) -> Item:
        return Item(
            number=self._numbers.get(question.id),
            text=self.text(question.text),
            hint=self.text(question.hint),
            condition=condition,
            end=self._sentence(question.end_if, "end"),
            **answer,
        )

    def _answer(self, question: AnyQuestion, field: Field) -> dict[str, Any]:
        """What there is to tick or to write on."""
        words = self.words
        if isinstance(question, Scaled):
            low, high = question.ends
            kind = str(question.__struct_config__.tag)
            return {
                "scale": [str(n) for n in range(low, high + 1)],
                "marks": [Mark(str(words["na"]), True)] if question.na else [],
                "low": self.text(question.low_label) or words["low"][kind],
                "high": self.text(question.high_label) or words["high"][kind],
            }
        if isinstance(question, Offering):
            one = not isinstance(question, Multiple | Ranking)
            marks = [
                Mark(self.text(choice.text) + self._wording.label(choice.show_if), one)
                for choice in question.choices
            ]
            if isinstance(question, Choosing) and question.other:
                marks.append(Mark(str(words["other"]), one, write=True))
            return {
                "marks": marks,
                "pattern": "" if one or question.hint else self._several(question),
            }
        if isinstance(question, YesNo):
            return {"marks": [Mark(str(words[code]), True) for code in ("yes", "no")]}
        if isinstance(question, Consent):
            return {"marks": [Mark(str(words["yes"]), False)]}
        if field.rule is None:
            return {}
        pattern = self.said["date"] if field.kind == "date" else ""
        return {"lines": 3 if isinstance(question, LongText) else 1, "pattern": pattern}

    def _several(self, question: Offering) -> str:
        if isinstance(question, Ranking):
            return self.said["rank"].format(most=question.rule[3])
        most = question.most if isinstance(question, Multiple) else None
        return self.said["most"].format(most=most) if most else self.said["several"]
