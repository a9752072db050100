"""Made-up answers that look like people's: for the demo, and for trying a survey's scores.

A person has a mood between 0 and 1. Ratings follow it with some noise, unhappy people say why, and
nobody answers what is not shown. The same seed gives the same people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

from chalicelib.survey import Answer, Contract, Field, holds
from chalicelib.survey.formulas import value
from chalicelib.survey.questions import NA, OTHER
from chalicelib.survey.rules import Rule

_COMMENTS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "zh-CN": (
        (
            "等了很久才有人联系我，希望快一点",
            "同样的问题反复说了三次，每次都换人",
            "收费没有提前说清楚",
            "态度有点不耐烦",
            "修好两天又坏了",
        ),
        (
            "师傅很专业，讲解也清楚",
            "响应很快，当天就解决了",
            "服务态度很好，谢谢",
            "很满意，继续保持",
        ),
    ),
    "en": (
        (
            "It took far too long before anyone called",
            "I had to explain the same thing three times",
            "The price was not clear beforehand",
            "It broke again after two days",
        ),
        ("Quick and friendly, thank you", "Solved on the same day", "Very clear explanation"),
    ),
}
_OTHER = {"zh-CN": ("预约时间", "配件", "安装"), "en": ("Booking", "Spare parts", "Installation")}
_SKIPS = 0.25
_COMMENTERS = 0.35


def draw(contract: Contract, random: Random, mood: float, language: str) -> dict[str, Answer]:
    """One person's answers: valid, and only to what is shown."""
    answers: dict[str, Answer] = {}
    ended = False
    for field in contract.fields:
        if ended:
            break
        shown = field.show_if is None or holds(field.show_if, answers)
        if shown and field.rule and field.kind == "value":
            figure = value(field.rule[1], answers)
            answers |= {} if figure is None else {field.id: figure}
        elif shown and field.rule and not _skips(field, random):
            drawn = _DRAWS[field.kind](_offered(field, answers), random, mood, language)
            if field.id.endswith(f"_{OTHER}"):
                drawn = random.choice(_OTHER.get(language, _OTHER["en"]))
            answers[field.id] = drawn
        ended = field.end_if is not None and holds(field.end_if, answers)
    return answers


def _skips(field: Field, random: Random) -> bool:
    if field.kind == "files":  # nobody here has any
        return True
    if field.required:
        return False
    return random.random() > _COMMENTERS if field.kind == "text" else random.random() < _SKIPS


def _offered(field: Field, answers: Mapping[str, Answer]) -> Rule:
    rule = list(field.rule or [])
    if field.choice_if:
        gone = {code for code, when in field.choice_if.items() if not holds(when, answers)}
        rule[1] = [code for code in rule[1] if code not in gone]
    return rule


def _code(rule: Rule, random: Random, mood: float, language: str) -> Answer:
    """Earlier choices more often; of two, the first with the mood."""
    codes = rule[1]
    if len(codes) == 2:
        return str(codes[0] if random.random() < 0.25 + 0.75 * mood else codes[1])
    return str(random.choices(codes, [1 / (place + 1) for place in range(len(codes))])[0])


def _codes(rule: Rule, random: Random, mood: float, language: str) -> Answer:
    _, codes, least, most = rule
    chosen = set(random.sample(codes, min(most, max(least, random.choice((1, 1, 2, 3))))))
    return [code for code in codes if code in chosen]


def _order(rule: Rule, random: Random, mood: float, language: str) -> Answer:
    """Earlier choices more often first."""
    _, codes, _, most = rule
    drawn = {code: place + random.gauss(0, len(codes) / 2) for place, code in enumerate(codes)}
    return sorted(codes, key=drawn.__getitem__)[:most]


def _scale(rule: Rule, random: Random, mood: float, language: str) -> Answer:
    low, high = rule[1], rule[2]
    if len(rule) > 3 and random.random() < 0.04:
        return NA
    drawn = low + (high - low) * (mood + random.gauss(0.05, 0.14))
    return int(min(high, max(low, round(drawn))))


def _number(rule: Rule, random: Random, mood: float, language: str) -> Answer:
    low, high, decimals = max(rule[1], 0), min(rule[2], 1000), rule[3]
    drawn = round(random.uniform(low, high), decimals)
    return drawn if decimals else int(drawn)


def _date(rule: Rule, random: Random, mood: float, language: str) -> Answer:
    first = date.fromisoformat(rule[1] or "2026-01-01")
    last = date.fromisoformat(rule[2]) if rule[2] else first + timedelta(days=90)
    return (first + timedelta(days=random.randint(0, (last - first).days))).isoformat()


def _text(rule: Rule, random: Random, mood: float, language: str) -> Answer:
    unhappy, happy = _COMMENTS.get(language, _COMMENTS["en"])
    said = random.choice(happy if mood > 0.62 else unhappy)
    return said[: rule[2]].ljust(rule[1], "…")


_DRAWS: dict[str, Callable[[Rule, Random, float, str], Any]] = {
    "code": _code,
    "codes": _codes,
    "order": _order,
    "scale": _scale,
    "number": _number,
    "date": _date,
    "text": _text,
    "phone": lambda rule, random, mood, language: f"1380013{random.randrange(10_000):04d}",
    "email": lambda rule, random, mood, language: f"c{random.randrange(10_000)}@example.com",
    "true": lambda rule, random, mood, language: True,
}
