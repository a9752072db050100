"""Advice on writing a survey that people finish and that measures what it asks.

Only reasons on the contract, only warns, and rather says nothing than something wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import TypeAlias

from chalicelib.follow_ups import calendars
from chalicelib.survey import AnyQuestion, Contract, Scaled
from chalicelib.survey.questions import (
    Calculated,
    Ces,
    Dropdown,
    Hidden,
    LongText,
    Matrix,
    Nps,
    Offering,
    Rating,
)

from .findings import Problem, listed
from .notes import Path

MOST_QUESTIONS = 30
MOST_MINUTES = 3.0
ENOUGH_RATINGS = 3
SOON_DAYS = 40

Advice: TypeAlias = tuple[Path, Problem]

_ANSWERING = {
    "": 0.0,
    "value": 0.0,
    "true": 1.5,
    "code": 2.0,
    "scale": 2.0,
    "codes": 4.0,
    "order": 8.0,
    "number": 4.0,
    "date": 5.0,
    "phone": 8.0,
    "email": 10.0,
    "text": 12.0,
    "files": 20.0,
}
"""Seconds to answer, by the kind of a field's rule."""
_OPTIONAL_TEXT = 0.5
_CONDITIONAL = 0.4
"""How often an optional text is written, and a conditional question seen."""
_CHARACTERS_A_SECOND = {"zh": 9.0, "ja": 9.0, "ko": 9.0}
_LETTERS_A_SECOND = 25.0


def advise(contract: Contract) -> list[Advice]:
    """Everything worth a second thought, with the path of what it is about."""
    return [advice for ask in _ADVISERS for advice in ask(contract)]


def minutes(contract: Contract, language: str) -> float:
    """Estimated time to answer: reading each text and giving each answer."""
    speed = _CHARACTERS_A_SECOND.get(language.split("-")[0], _LETTERS_A_SECOND)
    seconds = len((contract.intro or {}).get(language, "")) / speed
    for section in contract.sections:
        seconds += len((section.title or {}).get(language, "")) / speed
        for question in section.questions:
            seen = section.show_if is None and question.show_if is None
            seconds += _seconds(question, language, speed) * (1.0 if seen else _CONDITIONAL)
    return seconds / 60


def _seconds(question: AnyQuestion, language: str, speed: float) -> float:
    if isinstance(question, Hidden | Calculated):
        return 0.0
    texts = [question.text, question.hint or {}]
    if isinstance(question, Matrix):
        read = sum(len(text.get(language, "")) for text in texts) / speed
        return read + sum(_seconds(rating, language, speed) for rating in question.ratings())
    if isinstance(question, Offering) and not isinstance(question, Dropdown):
        texts += [choice.text for choice in question.choices]
    field = question.fields()[0]
    answering = _ANSWERING.get(field.kind, 5.0)
    if field.kind == "text" and not field.required:
        answering *= _OPTIONAL_TEXT
    return sum(len(text.get(language, "")) for text in texts) / speed + answering


def _each(contract: Contract) -> Iterator[tuple[Path, AnyQuestion, bool]]:
    """Every question with its path, and whether everybody is asked it."""
    for s, section in enumerate(contract.sections):
        for q, question in enumerate(section.questions):
            always = section.show_if is None and question.show_if is None
            path: Path = ("sections", s, "questions", q)
            if isinstance(question, Matrix):
                for r, rating in enumerate(question.ratings()):
                    yield (*path, "rows", r), rating, always
            else:
                yield path, question, always


def _length(contract: Contract) -> Iterator[Advice]:
    asked = [q for q in contract.questions if q.rule and not isinstance(q, Hidden | Calculated)]
    if len(asked) > MOST_QUESTIONS:
        what = f"the survey asks {len(asked)} questions"
        yield ("sections",), Problem(what, f"people finish at most {MOST_QUESTIONS}; cut some")
    longest = max(minutes(contract, language) for language in contract.languages)
    if longest > MOST_MINUTES:
        what = f"answering takes about {longest:.1f} minutes"
        yield ("sections",), Problem(what, f"stay under {MOST_MINUTES:g}; cut what nobody uses")


_TWO = {
    "zh": re.compile(
        r"(?<![您你我])([\u4e00-\u9fff]{2,})(以及|和|与|及|、)(?![您你我他])[\u4e00-\u9fff]{2,}"
    ),
    "en": re.compile(r"[A-Za-z]{3,} (and|or) [A-Za-z]{3,}|[A-Za-z]{3,}/[A-Za-z]{3,}"),
}
_NO_TWO = re.compile(r"您(与|和)|你(与|和)|overall|及时|普及|涉及|以及时|和谐|温和|参与|与否")


def _double(contract: Contract) -> Iterator[Advice]:
    """One rating of two things cannot be acted on."""
    for path, question, _ in _each(contract):
        if not isinstance(question, Scaled) or isinstance(question, Nps | Ces):
            continue
        for language, text in question.text.items():
            pattern = _TWO.get(language.split("-")[0])
            found = pattern.search(_NO_TWO.sub("", text)) if pattern else None
            if found:
                what = f"`{text}` may ask about two things at once"
                yield (*path, "text"), Problem(what, "ask each in a question of its own")
                break


_GOOD = re.compile(
    r"满意|很好|较好|优秀|容易|愿意|\b(satisfied|good|great|excellent|easy|likely|happy)\b", re.I
)
_BAD = re.compile(
    r"不|差|难|失望|糟"
    r"|\b(not|no|dis\w+|un\w+|bad|poor|terrible|awful|difficult|hard|never)\b",
    re.I,
)


def _leaning(text: str) -> int:
    """1 for a word of praise, −1 for one of blame, 0 where it is neither."""
    if _BAD.search(text):
        return -1
    return 1 if _GOOD.search(text) else 0


def _balance(contract: Contract) -> Iterator[Advice]:
    """A scale that leans gives the answer its author hoped for."""
    language = contract.languages[0]
    for path, question, _ in _each(contract):
        if isinstance(question, Scaled):
            low, high = question.low_label, question.high_label
            if (low is None) != (high is None):
                what = "only one end of the scale has a label"
                yield path[:4], Problem(what, "label `low_label` and `high_label`, or neither")
            elif low and high and _leaning(low[language]) == _leaning(high[language]) != 0:
                what = f"both ends of the scale lean one way: `{low[language]}`, `{high[language]}`"
                yield (*path[:4], "low_label"), Problem(what, "make the low end the opposite")
        elif isinstance(question, Offering):
            leanings = [_leaning(choice.text[language]) for choice in question.choices]
            good, bad = leanings.count(1), leanings.count(-1)
            if good and bad and good + bad >= 3 and leanings.count(0) <= 1 and good != bad:
                what = f"the choices lean: {good} praise, {bad} blame"
                yield (*path, "choices"), Problem(what, "offer as many of each")


def _applicable(contract: Contract) -> Iterator[Advice]:
    """Somebody who must rate what did not happen to them makes an answer up."""
    ratings = [(path, q) for path, q, _ in _each(contract) if isinstance(q, Rating) and q.required]
    if len(ratings) >= ENOUGH_RATINGS and not any(q.na for _, q in ratings):
        what = f"none of the {len(ratings)} required ratings can be answered with not applicable"
        yield ratings[0][0], Problem(what, "add `na: true` where it may not apply to everybody")


def _order(contract: Contract) -> Iterator[Advice]:
    """First the basics, then ratings, open questions last: writing tires, and people leave."""
    asked = [(path, q) for path, q, always in _each(contract) if always]
    rated = [i for i, (_, q) in enumerate(asked) if isinstance(q, Scaled)]
    for index, (path, question) in enumerate(asked):
        if isinstance(question, LongText) and rated and index < rated[-1]:
            what = "an open question stands before ratings"
            yield path, Problem(what, f"move it behind `{asked[rated[-1]][1].id}`")
            return


def _personal(contract: Contract) -> Iterator[Advice]:
    for path, question, always in _each(contract):
        for field in question.fields():
            if field.kind not in ("phone", "email"):
                continue
            if not field.personal:
                what = f"`{field.id}` identifies people but is kept with the answers"
                yield path, Problem(what, "add `personal: true`")
            if field.required and always:
                what = f"everybody must leave `{field.id}`, so many will leave the survey"
                yield path, Problem(what, "ask only who wants a call, with `show_if`")


def _translated(contract: Contract) -> Iterator[Advice]:
    """Chinese in an English text is a translation that was forgotten."""
    for path, question, _ in _each(contract):
        for language, text in question.text.items():
            if language.startswith("en") and re.search("[\u4e00-\u9fff]{4}", text):
                said = listed([language])
                yield (*path, "text"), Problem(f"the {said} text is Chinese", "translate it")


def _holidays(contract: Contract) -> Iterator[Advice]:
    """Holidays are announced a year at a time: soon due is what nobody knows yet."""
    soon = date.today() + timedelta(days=SOON_DAYS)
    if contract.calendar and contract.calendar.holidays and soon.year not in calendars.covered():
        what = f"the holidays of {soon.year} are not known here: its weekdays will count as worked"
        remedy = "update once they are announced: `pip install -U chinesecalendar`"
        yield ("calendar", "holidays"), Problem(what, remedy)


_ADVISERS: tuple[Callable[[Contract], Iterator[Advice]], ...] = (
    _length,
    _double,
    _balance,
    _applicable,
    _order,
    _personal,
    _translated,
    _holidays,
)
