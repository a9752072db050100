"""The scores of a survey, read from its tallies: pure arithmetic on counts, never on answers.

``scores`` gives them as plain data; ``generator.sheets`` and ``generator.scoreboard`` show them.
Every figure is the kernel's (``chalicelib.survey.figures``), unrounded, with how many answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from chalicelib import columns, counting
from chalicelib.storage import Store
from chalicelib.survey import Bands, Contract, Field, Question, Scaled, figures
from chalicelib.survey.figures import Mean, Nps, Share
from chalicelib.survey.piping import filled
from chalicelib.survey.questions import NA, Ces, Offering, Text, YesNo
from chalicelib.survey.questions import Nps as NpsQuestion
from generator.completion import Completion, completion
from generator.grids import Cell, Counted, Values
from generator.tallied import EVERYBODY, PERIODS, Unscorable, contracts_of, read

__all__ = ["Unscorable", "scores"]

REWEIGHTED = "reweighted"
SPREAD = "index_spread"


class Index(Struct, frozen=True, gc=False):
    """The weighted score, 0–100, over the responses that answered anything weighted."""

    n: int
    mean: float
    band: str
    low: float | None = None
    """The 95 % interval; None where a tally does not hold what it takes."""
    high: float | None = None
    reweighted: int | None = None
    """How many left out something weighted, so that the rest weighs more; None: not counted."""


class Item(Struct, frozen=True, kw_only=True, gc=False):
    """What was answered to one question. A figure that does not belong to its type is None."""

    id: str
    type: str
    text: Text
    n: int
    """How many answered; of a multiple choice, how many chose any."""
    na: int
    """How many said that it does not apply; not in ``n``."""
    counts: dict[str, int]
    """How many gave each value, in the order of the question; of a ranking, how many put it first.
    """
    mean: Mean | None = None
    band: str | None = None
    top2: Share | None = None
    full_marks: Share | None = None
    nps: Nps | None = None
    ces: Share | None = None
    yes: Share | None = None
    ranks: dict[str, Mean] | None = None
    """The mean rank of each choice, over those who ranked it; 1 is the best."""


class Segment(Struct, frozen=True, gc=False):
    value: str
    """Of two keys both values, with × between."""
    n: int
    """Responses."""
    index: Index | None
    fcr: Share | None
    items: list[Item]
    flagged: int
    """Responses that something speaks against, whether they are in ``n`` or not."""
    flags: dict[str, int]
    """How many have each flag; a response may have several. Near duplicates are for review, and
    not in ``flagged``."""
    values: list[str] = []
    """One for each key."""


class Scores(Struct, frozen=True):
    survey: str
    title: Text
    language: str
    """The survey's first."""
    by: str | None
    """The segment key; of two, both with a comma."""
    first: str | None
    """The first day that has responses."""
    last: str | None
    segments: list[Segment]
    values: dict[str, Text]
    """What the values of the keys are called, where they have names."""
    without_flagged: bool
    """Whether flagged responses are left out of every figure."""
    more: int = 0
    """Segments that are not among these: smaller ones."""
    choices: dict[str, dict[str, Text]] = {}
    """What the choices of each item are called."""
    completion: Completion | None = None
    """Of everybody; None by a key, or where no break-off is known."""


def scores(
    store: Store,
    survey: str,
    by: str | Sequence[str] | None = None,
    first: str | None = None,
    last: str | None = None,
    without_flagged: bool = False,
    most: int | None = None,
) -> Scores:
    """Scores of the days from ``first`` to ``last``, in all, or by one or two segment keys.

    ``by`` may also be ``day``, ``week`` or ``month``, alone or beside a segment key.
    ``without_flagged``: only of responses that nothing speaks against. ``most``: only of so many
    segments, those with the most responses.

    Raises:
        Unscorable: no such survey, or no such segment key.
    """
    keys = [by] if isinstance(by, str) else list(by or ())
    contracts = contracts_of(store, survey)
    found = read(store, contracts, keys, (first, last), without_flagged, most)
    asked = fields_of(contracts)
    shown = {name: _Shown.of(*each) for name, each in asked.items()}
    bands = contracts[-1].bands
    segments = []
    for values, flagged in found.flagged.items():
        every = found.every[values]
        kept = found.kept[values] if without_flagged else every
        segments.append(_segment(values, kept, flagged, every, bands, shown))
    chosen = [asked[key][0] for key in keys if key in asked]
    in_time = bool({"hour", *PERIODS} & set(keys))
    return Scores(
        survey,
        contracts[-1].title,
        contracts[-1].languages[0],
        ",".join(keys) or None,
        found.first,
        found.last,
        sorted(segments, key=lambda s: (s.values if in_time else [], -s.n, s.value)),
        {c.code: c.text for q in chosen if isinstance(q, Offering) for c in q.choices},
        without_flagged,
        found.more,
        {
            name: {choice.code: choice.text for choice in question.choices}
            for name, (question, _) in asked.items()
            if isinstance(question, Offering)
        },
        None if keys else completion(store, contracts, (first, last), found.first, without_flagged),
    )


Fields = Mapping[str, tuple[Question, Field]]


def fields_of(contracts: Sequence[Contract]) -> Fields:
    """Every field, as the latest version that has its question asks it."""
    return {f.id: (q, f) for c in contracts for q in c.questions for f in q.fields()}


class _Shown(NamedTuple):
    """What is the same of a field in every segment."""

    question: Question
    field: Field
    type: str
    text: Text
    values: list[str]
    has_na: bool

    @classmethod
    def of(cls, question: Question, field: Field) -> _Shown:
        rule = (field.rule or [])[1:] if field.kind in counting.COUNTED else [[]]
        return cls(
            question,
            field,
            str(type(question).__struct_config__.tag),
            {language: filled(said) for language, said in question.text.items()},
            [*map(str, range(rule[0], rule[1] + 1))] if field.kind == "scale" else rule[0],
            columns.has_na(field),
        )


def _segment(
    values: Values,
    items: Counted,
    flagged: int,
    every: Counted,
    bands: Bands,
    fields: Mapping[str, _Shown],
) -> Segment:
    counts = {item: {v: n for v, (n, _) in found.items()} for item, found in items.items()}
    once = counts.get(counting.FCR, {})
    return Segment(
        " × ".join(values),
        counts.get(counting.RESPONSES, {}).get("", 0),
        index(items, bands),
        figures.fcr(once.get("yes", 0), sum(once.values())),
        [_item(shown, counts[name], bands) for name, shown in fields.items() if name in counts],
        flagged,
        {name: n for name, (n, _) in sorted(every.get(counting.FLAGGED_BY, {}).items())},
        [value for value in values if values != EVERYBODY],
    )


def index_of_points(items: Counted) -> Mean | None:
    """The mean index; with its interval where all of it was counted with its spread."""
    points = {int(point): cell for point, cell in items.get(counting.INDEX, {}).items()}
    n, spread = _one(items, SPREAD)
    known = n == sum(count for count, _ in points.values())
    return figures.index(points, spread if known else None)


def index(items: Counted, bands: Bands) -> Index | None:
    mean = index_of_points(items)
    if mean is None:
        return None
    band = _band(mean.mean, 0, 100, bands)
    counted = REWEIGHTED in items or SPREAD in items
    reweighted = _one(items, REWEIGHTED)[0] if counted else None
    return Index(mean.n, mean.mean, band, mean.low, mean.high, reweighted)


def _one(items: Counted, name: str) -> Cell:
    return items.get(name, {}).get("", (0, 0))


def _item(shown: _Shown, counted: Mapping[str, int], bands: Bands) -> Item:
    question, field = shown.question, shown.field
    counts = dict(counted)
    na = counts.pop(NA, 0) if shown.has_na else 0
    anybody = counts.pop(counting.EVERYBODY, None)
    placed = _places(counts) if field.kind == "order" else {}
    if placed:
        counts = {code: places[1] for code, places in placed.items() if 1 in places}
    ordered = {code: counts[code] for code in shown.values if code in counts}
    counts = ordered | counts  # a choice that was removed still has its answers
    item = Item(
        id=field.id,
        type=shown.type,
        text=shown.text,
        n=sum(counts.values()) if anybody is None else anybody,
        na=na,
        counts=counts,
    )
    if field.kind == "order":
        ranks = {code: figures.mean(placed[code]) for code in shown.values if code in placed}
        return replace(item, ranks={code: mean for code, mean in ranks.items() if mean})
    if isinstance(question, YesNo):
        return replace(item, yes=figures.share(counts.get("yes", 0), item.n))
    if not isinstance(question, Scaled):
        return item
    points = {int(value): n for value, n in counts.items()}
    item = replace(item, mean=figures.mean(points))
    if isinstance(question, NpsQuestion):
        return replace(item, nps=figures.nps(points))
    low, high = question.ends
    return replace(
        item,
        band=_band(item.mean.mean, low, high, bands) if item.mean else None,
        top2=figures.top2(points, high),
        full_marks=figures.full_marks(points, high),
        ces=figures.ces(points) if isinstance(question, Ces) else None,
    )


def _places(counts: Mapping[str, int]) -> dict[str, dict[int, int]]:
    """How many put each choice of a ranking at each rank, from ``"1 speed"``: 3."""
    placed: dict[str, dict[int, int]] = {}
    for value, n in counts.items():
        rank, _, code = value.partition(" ")
        placed.setdefault(code, {})[int(rank)] = n
    return placed


def _band(mean: float, low: int, high: int, bands: Bands) -> str:
    on_five = figures.on_five(mean, low, high)
    return figures.band(on_five, bands.very_satisfied, bands.satisfied)
