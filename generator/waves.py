"""Waves and segments compared: which figures are higher, lower, or show no evidence of either.

All figures of a comparison are tested together (Holm), so that reading many of them raises no
false alarms (``chalicelib.survey.comparing``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from msgspec import Struct

from chalicelib import counting, periods
from chalicelib.periods import NoPeriod
from chalicelib.storage import Store
from chalicelib.survey import Question, Scaled
from chalicelib.survey.comparing import (
    Comparison,
    Group,
    compare,
    holm,
    of_counts,
    of_share,
)
from chalicelib.survey.questions import NA, Ces, Nps, Text, YesNo
from generator.grids import Cell, Counted
from generator.scores import Fields, fields_of, index_of_points
from generator.tallied import EVERYBODY, Unscorable, Window, contracts_of, read

SHARES = ("top2", "ces", "yes", "fcr")
"""The figures that are shares; the others are means."""


class Line(Struct, frozen=True):
    """One figure on both sides."""

    item: str
    figure: str
    """``mean``, ``nps`` or one of SHARES."""
    text: Text
    test: Comparison
    segment: str = ""


class Compared(Struct, frozen=True):
    """``after`` beside ``before``; or, ``by`` a segment key, each segment beside the rest."""

    survey: str
    title: Text
    language: str
    before: str
    after: str
    by: str | None
    lines: list[Line]


def window(text: str) -> Window:
    """The days of a wave (``chalicelib.periods``). Raises Unscorable."""
    try:
        return periods.window(text)
    except NoPeriod as wrong:
        raise Unscorable(str(wrong)) from None


def compare_waves(
    store: Store,
    survey: str,
    waves: tuple[str, str],
    without_flagged: bool = False,
    segment: tuple[str, str] | None = None,
) -> Compared:
    """Every figure in the second wave beside the first; ``segment`` is a key and a value.

    Raises Unscorable: there is no such survey, wave or segment.
    """
    contracts = contracts_of(store, survey)
    windows = sorted(window(wave) for wave in waves)
    if any((last or "") >= (first or "") for (_, last), (first, _) in pairwise(windows)):
        raise Unscorable(f"{' and '.join(waves)} share days; compare waves that do not")
    fields = fields_of(contracts)
    by = [segment[0]] if segment else []
    sides = [
        dict(
            _figures(
                read(store, contracts, by, window(wave), without_flagged).kept.get(
                    (segment[1] if segment else "",), {}
                ),
                fields,
            )
        )
        for wave in waves
    ]
    before, after = sides
    named = [
        (item, figure, compare(before[item, figure], group, shares=figure in SHARES))
        for (item, figure), group in after.items()
        if (item, figure) in before
    ]
    tests = holm([test for *_, test in named])
    lines = [
        Line(item, figure, _text(item, fields), test)
        for (item, figure, _), test in zip(named, tests, strict=True)
    ]
    latest = contracts[-1]
    of = "=".join(segment) if segment else None
    return Compared(survey, latest.title, latest.languages[0], waves[0], waves[1], of, lines)


def compare_segments(
    store: Store,
    survey: str,
    by: str,
    on: str | None = None,
    days: Window = (None, None),
    without_flagged: bool = False,
) -> Compared:
    """Each segment beside all other responses in one item's figures, those below first.

    Raises Unscorable: there is no such survey, key or item.
    """
    contracts = contracts_of(store, survey)
    fields = fields_of(contracts)
    segments = read(store, contracts, [by], days, without_flagged).kept
    whole = read(store, contracts, [], days, without_flagged).kept.get(EVERYBODY, {})
    possible = list(dict.fromkeys(item for item, _ in _groups(whole, fields)))
    item = on or (possible[0] if possible else "")
    if item not in possible:
        raise Unscorable(f"{survey} has no figure of {item!r}; it has: {', '.join(possible)}")
    named = []
    for (segment,), items in segments.items():
        mine = dict(_figures(items, fields))
        others = dict(_figures(without(whole, items), fields))
        named += [
            (segment, figure, compare(others[item, figure], group, shares=figure in SHARES))
            for (name, figure), group in mine.items()
            if name == item and (item, figure) in others
        ]
    tests = holm([test for *_, test in named])
    lines = [
        Line(item, figure, _text(item, fields), test, segment)
        for (segment, figure, _), test in zip(named, tests, strict=True)
    ]
    lines.sort(key=lambda line: (line.figure, line.test.difference))
    latest = contracts[-1]
    return Compared(survey, latest.title, latest.languages[0], "rest", by, by, lines)


def without(whole: Counted, some: Counted) -> dict[str, dict[str, Cell]]:
    """The counts of everybody else: by subtraction."""
    return {
        item: {
            value: (n - some.get(item, {}).get(value, (0, 0))[0],
                    total - some.get(item, {}).get(value, (0, 0))[1])
            for value, (n, total) in values.items()
        }
        for item, values in whole.items()
    }  # fmt: skip


def _figures(items: Counted, fields: Fields) -> Iterator[tuple[tuple[str, str], Group]]:
    for key, group in _groups(items, fields).items():
        if group is not None:
            yield key, group


def _groups(items: Counted, fields: Fields) -> dict[tuple[str, str], Group | None]:
    """What can be compared, by item and figure."""
    found: dict[tuple[str, str], Group | None] = {}
    index = index_of_points(items)
    if index and index.sd is not None:
        found[counting.INDEX, "mean"] = Group(index.n, index.mean, index.sd**2)
    once = {value: n for value, (n, _) in items.get(counting.FCR, {}).items()}
    if once:
        found[counting.FCR, "fcr"] = of_share(once.get("yes", 0), sum(once.values()))
    for name, (question, _) in fields.items():
        counts = {value: n for value, (n, _) in items.get(name, {}).items() if value != NA}
        if counts and isinstance(question, YesNo):
            found[name, "yes"] = of_share(counts.get("yes", 0), sum(counts.values()))
        elif counts and isinstance(question, Scaled):
            points = {int(value): n for value, n in counts.items()}
            found |= {(name, figure): group for figure, group in _scaled(question, points)}
    return found


def _scaled(question: Question, points: Mapping[int, int]) -> Iterator[tuple[str, Group | None]]:
    n = sum(points.values())
    if isinstance(question, Nps):
        classes = {100: 0, 0: 0, -100: 0}
        for point, people in points.items():
            classes[100 if point >= 9 else -100 if point <= 6 else 0] += people
        yield "nps", of_counts(classes)
        return
    yield "mean", of_counts(points)
    if isinstance(question, Ces):
        yield "ces", of_share(sum(k for point, k in points.items() if point >= 5), n)
    elif isinstance(question, Scaled):
        top = question.ends[1] - 1
        yield "top2", of_share(sum(k for point, k in points.items() if point >= top), n)


def _text(item: str, fields: Fields) -> Text:
    return fields[item][0].text if item in fields else {}
