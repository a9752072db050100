"""Figures fit to be published: small cells told to nobody, whatever tables stand side by side.

What is told follows ``chalicelib.survey.disclosure``: fewer than 10 people are no cell; fewer than
30 answers get no percentage; and nothing small follows by subtracting. It holds across every table
of one wave: in all, by each key, and by pairs of keys (which tell only how many). Distributions and
flags are not told at all.

Days published twice in different company would undo that (a quarter less two of its months is the
third), so what was published is noted in the data, and a wave that shares days with another one is
refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import msgspec
from msgspec import Struct

from chalicelib import audit, counting, keys
from chalicelib.storage import Exists, Store
from chalicelib.survey.disclosure import FEW, LEAST, MARKED, told, told_pairs
from chalicelib.survey.figures import Share
from chalicelib.survey.questions import Text
from generator.completion import RATE, WEB
from generator.scores import Item, Scores, Segment, scores
from generator.tallied import Unscorable
from generator.waves import window


class Told(Struct, frozen=True):
    """One figure of one segment. ``few``: fewer than 100 answers, so read it with care."""

    segment: list[str]
    item: str
    figure: str
    """``n``, ``mean``, ``nps``, ``top2``, ``ces``, ``yes``, ``fcr`` or ``completion``."""
    n: int
    value: float
    low: float | None = None
    high: float | None = None
    few: bool = False


class Cut(Struct, frozen=True):
    survey: str
    title: Text
    language: str
    wave: str
    by: list[str]
    rows: list[Told]
    texts: dict[str, Text]
    values: dict[str, Text]


class _Layer(Struct, frozen=True):
    """A number that adds up over segments, and who may be told it."""

    cells: dict[str, int]
    total: int


def cut(
    store: Store, survey: str, wave: str, by: Sequence[str], without_flagged: bool, now: int
) -> Cut:
    """What may be published of a wave, by at most two segment keys; noted as published.

    Raises Unscorable: no such survey, key or wave, or it shares days with a published one.
    """
    first, last = window(wave)
    _refuse_overlap(store, survey, f"{first}..{last}", without_flagged)
    whole = scores(store, survey, None, first, last, without_flagged)
    found = scores(store, survey, by, first, last, without_flagged) if by else whole
    if {"day", "week", "month"} & set(by):
        raise Unscorable("publish each wave by itself: days, weeks and months would be waves, too")
    rows = list(_rows(whole, found, by, lambda key: _people(
        scores(store, survey, key, first, last, without_flagged)
    )))  # fmt: skip
    with suppress(Exists):
        noted = msgspec.json.encode({"without_flagged": without_flagged})
        store.create(keys.cut(survey, f"{first}..{last}"), noted)
    who = audit.operator()
    audit.record(store, who, "export", now, survey, wave=wave, by=",".join(by), rows=len(rows))
    texts = {item.id: item.text for segment in whole.segments for item in segment.items}
    return Cut(
        survey, found.title, found.language, wave, list(by), rows, texts, found.values
    )  # fmt: skip


def _refuse_overlap(store: Store, survey: str, days: str, without_flagged: bool) -> None:
    first, last = days.split("..")
    for entry in store.list(f"{keys.CUTS}{survey}/"):
        other = entry.key.rpartition("/")[2].removesuffix(".json")
        before, after = other.split("..")
        if other == days:
            same = msgspec.json.decode(store.get(entry.key).data)
            if same["without_flagged"] != without_flagged:
                raise Unscorable(
                    f"{days} is published with another choice about flagged answers; subtracting "
                    "one from the other would tell of single people"
                )
        elif before <= last and first <= after:
            raise Unscorable(
                f"{days} shares days with {other}, which is published; subtracting one from the "
                "other would tell of single people. Publish a wave that shares no day with it"
            )


def _rows(
    whole: Scores, found: Scores, by: Sequence[str], people_by: Callable[[str], dict[str, int]]
) -> list[Told]:
    if not whole.segments:
        return []
    everybody = whole.segments[0]
    told_of: list[Told] = []
    if len(by) == 2:
        cells = {(s.values[0], s.values[1]): s.n for s in found.segments}
        may = told_pairs(cells, people_by(by[0]), people_by(by[1]), everybody.n)
        return [
            Told([*cell], counting.RESPONSES, "n", cells[cell], cells[cell])
            for cell in cells
            if cell in may
        ]
    segments = {s.value: s for s in found.segments} if by else {"": everybody}
    names = told({name: s.n for name, s in segments.items()}, everybody.n)
    for name in names:
        n = segments[name].n
        told_of.append(Told([name] * bool(by), counting.RESPONSES, "n", n, n, few=n < MARKED))
    for item in (counting.INDEX, counting.FCR, *(item.id for item in everybody.items)):
        told_of += _item(item, segments, everybody, names, bool(by))
    if not by:
        told_of += _completion(whole, people_by)
    order = {name: place for place, name in enumerate(segments)}
    return sorted(told_of, key=lambda row: order[row.segment[0]] if row.segment else 0)


def _item(
    item: str, segments: Mapping[str, Segment], everybody: Segment, names: set[str], cut: bool
) -> list[Told]:
    figures = {name: _figures(segment, item) for name, segment in segments.items()}
    cells = {name: found[0].n for name, found in figures.items() if found}
    total = _figures(everybody, item)
    if not total:
        return []
    may = {name for name in told(cells, total[0].n, names) if cells[name] >= FEW}
    # Who stands on which side of a share is a cell, too.
    classes = [_classes(everybody, item), *(_classes(segments[name], item) for name in segments)]
    layers = [
        _Layer({name: counts[at] for name, counts in zip(segments, classes[1:], strict=True)
                if at < len(counts)}, classes[0][at])
        for at in range(len(classes[0]))
    ]  # fmt: skip
    safe = may
    for layer in layers:
        filled = {name: n for name, n in layer.cells.items() if n}
        safe = told(filled, layer.total, safe) | (safe - set(filled))
    return [
        msgspec.structs.replace(figure, segment=[name] * cut, few=figure.n < MARKED)
        for name in may
        for figure in figures[name]
        if figure.figure == "mean" or name in safe
    ]


def _completion(whole: Scores, people_by: Callable[[str], dict[str, int]]) -> list[Told]:
    """It tells how many came over the web: so it is told where a table by channel tells that, and
    of all days of the wave, of which others may be told."""
    found = whole.completion
    if found is None or found.since or found.rate.n < FEW:
        return []
    left = found.rate.n - found.rate.hits
    if left < LEAST or WEB not in told(people_by("channel"), whole.segments[0].n):
        return []
    return [
        msgspec.structs.replace(_share(RATE, "completion", found.rate), few=found.rate.n < MARKED)
    ]


def _figures(segment: Segment, item: str) -> list[Told]:
    """What there is to tell of an item."""
    if item == counting.INDEX:
        index = segment.index
        return [Told([], item, "mean", index.n, index.mean, index.low, index.high)] if index else []
    if item == counting.FCR:
        return [_share(item, "fcr", segment.fcr)] if segment.fcr else []
    found = next((each for each in segment.items if each.id == item), None)
    if found is None:
        return []
    told_of = []
    if found.mean and not found.nps:
        mean = found.mean
        told_of.append(Told([], item, "mean", mean.n, mean.mean, mean.low, mean.high))
    if found.nps:
        nps, margin = found.nps.nps, found.nps.margin
        told_of.append(Told([], item, "nps", found.n, nps, nps - margin, nps + margin))
    for name, share in (("ces", found.ces), ("yes", found.yes), ("top2", found.top2)):
        if share and not (name == "top2" and found.ces):
            told_of.append(_share(item, name, share))
    return told_of


def _share(item: str, figure: str, share: Share) -> Told:
    return Told([], item, figure, share.n, share.share, share.low, share.high)


def _classes(segment: Segment, item: str) -> list[int]:
    """Into how many people each the headline of an item divides those who answered."""
    if item == counting.FCR:
        return _sides(segment.fcr)
    found: Item | None = next((each for each in segment.items if each.id == item), None)
    if found is None or item == counting.INDEX:
        return []
    if found.nps:
        points = {int(value): n for value, n in found.counts.items()}
        good = sum(n for point, n in points.items() if point >= 9)
        bad = sum(n for point, n in points.items() if point <= 6)
        return [good, found.n - good - bad, bad]
    return _sides(found.ces or found.yes or found.top2)


def _sides(share: Share | None) -> list[int]:
    return [share.hits, share.n - share.hits] if share else []


def _people(found: Scores) -> dict[str, int]:
    return {segment.value: segment.n for segment in found.segments}
