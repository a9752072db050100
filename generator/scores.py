"""The scores of a survey, read from its tallies: pure arithmetic on counts, never on answers.

``scores`` gives them as plain data; ``as_json``, ``as_csv`` and ``generator.scoreboard`` show them.
Every figure is the kernel's (``chalicelib.survey.figures``), unrounded, with how many answered.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from msgspec.structs import replace

from chalicelib import columns, counting, keys, parquet
from chalicelib.published import Definitions
from chalicelib.storage import Missing, Store
from chalicelib.survey import Bands, EchoformError, Field, Question, Scaled, figures
from chalicelib.survey.figures import Mean, Nps, Share
from chalicelib.survey.questions import NA, Ces, Choosing, Text, YesNo
from chalicelib.survey.questions import Nps as NpsQuestion

AT_ONCE = 16

Counted: TypeAlias = Mapping[str, Mapping[str, tuple[int, int]]]
"""How many, and the total, by item and value."""
Tallies: TypeAlias = dict[str, dict[str, dict[str, tuple[int, int]]]]
"""The same, by segment value."""


class Unscorable(EchoformError):
    """There are no such scores. The message says what there is."""


class Index(Struct, frozen=True):
    """The weighted score, 0–100, over the responses that answered anything weighted."""

    n: int
    mean: float
    band: str


class Item(Struct, frozen=True, kw_only=True):
    """What was answered to one question. A figure that does not belong to its type is None."""

    id: str
    type: str
    text: Text
    n: int
    """How many answered; of a multiple choice, how many chose any."""
    na: int
    """How many said that it does not apply; not in ``n``."""
    counts: dict[str, int]
    """How many gave each value, in the order of the question."""
    mean: Mean | None = None
    band: str | None = None
    top2: Share | None = None
    full_marks: Share | None = None
    nps: Nps | None = None
    ces: Share | None = None
    yes: Share | None = None


class Segment(Struct, frozen=True):
    value: str
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


class Scores(Struct, frozen=True):
    survey: str
    title: Text
    language: str
    """The survey's first."""
    by: str | None
    first: str | None
    """The first day that has responses."""
    last: str | None
    segments: list[Segment]
    values: dict[str, Text]
    """What the segments' values are called, where they have names."""
    without_flagged: bool
    """Whether flagged responses are left out of every figure."""


def scores(
    store: Store,
    survey: str,
    by: str | None = None,
    first: str | None = None,
    last: str | None = None,
    without_flagged: bool = False,
) -> Scores:
    """Scores of the days from ``first`` to ``last``, in all or by a segment key.

    ``without_flagged``: only of responses that nothing speaks against.

    Raises:
        Unscorable: no such survey, or no such segment key.
    """
    try:
        contracts = Definitions(store).versions(survey)
    except (Missing, ValueError):
        raise Unscorable(f"no survey {survey!r} is published") from None
    cuts = counting.segment_keys(contracts)
    if by is not None and by not in cuts:
        raise Unscorable(f"{survey} has no segment {by!r}; it has: {', '.join(cuts)}")
    names = {
        keys.day_of(entry.key): entry.key
        for entry in store.list(f"{keys.TALLIES}{survey}/")
        if (first or "") <= keys.day_of(entry.key) <= (last or "~")
    }
    with ThreadPoolExecutor(AT_ONCE) as pool:
        days = list(pool.map(partial(_read, store, by or counting.EVERYBODY), names.values()))
    # As the latest version that has a question asks it.
    fields = {f.id: (q, f) for c in contracts for q in c.questions for f in q.fields()}
    bands = contracts[-1].bands
    flagged = _sums(days, [True])
    kept = _sums(days, [False] if without_flagged else [False, True])
    every = _sums(days, [False, True])
    segments = [
        _segment(value, kept.get(value, {}), flagged.get(value, {}), every[value], bands, fields)
        for value in every
    ]
    chosen = fields[by][0] if by in fields else None
    return Scores(
        survey,
        contracts[-1].title,
        contracts[-1].languages[0],
        by,
        min(names, default=None),
        max(names, default=None),
        sorted(segments, key=lambda s: (s.value if by == "hour" else "", -s.n, s.value)),
        {c.code: c.text for c in chosen.choices} if isinstance(chosen, Choosing) else {},
        without_flagged,
    )


def as_json(scores: Scores) -> str:
    return msgspec.json.format(msgspec.json.encode(scores)).decode()


def as_csv(scores: Scores) -> str:
    """One row per segment and item. No cell can become a formula in a spreadsheet."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for segment in scores.segments:
        named = {"survey": scores.survey, "by": scores.by or "", "segment": segment.value}
        for row in _rows(segment):
            writer.writerow({name: harmless(cell) for name, cell in (named | row).items()})
    return out.getvalue()


FORMULA = "=+-@\t\r\n＝＋－＠"
"""How a formula begins, also as a Chinese keyboard writes it (OWASP, CSV injection)."""


def harmless(cell: object) -> object:
    """A text that a spreadsheet would take for a formula, kept a text."""
    starts = isinstance(cell, str) and cell.startswith(tuple(FORMULA))
    return f"'{cell}" if starts else cell


_SHARES = ("top2", "full_marks", "ces", "yes")
COLUMNS = [
    *("survey", "by", "segment", "item", "type", "n", "na", "mean", "sd", "band", "nps", "margin"),
    *(f"{share}{end}" for share in _SHARES for end in ("", "_low", "_high")),
    "counts",
]


def _rows(segment: Segment) -> Iterator[dict[str, object]]:
    yield {"item": counting.RESPONSES, "n": segment.n}
    named = "; ".join(f"{name}: {n}" for name, n in segment.flags.items())
    yield {"item": counting.FLAGGED_BY, "n": segment.flagged, "counts": named}
    if segment.index:
        yield {"item": counting.INDEX, **msgspec.structs.asdict(segment.index)}
    if segment.fcr:
        yield {"item": counting.FCR, "n": segment.fcr.n, **_share("yes", segment.fcr)}
    for item in segment.items:
        row: dict[str, object] = {"item": item.id, "type": item.type, "n": item.n, "na": item.na}
        if item.mean:
            row |= {"mean": item.mean.mean, "sd": item.mean.sd, "band": item.band}
        if item.nps:
            row |= {"nps": item.nps.nps, "margin": item.nps.margin}
        for name in _SHARES:
            row |= _share(name, getattr(item, name))
        yield row | {"counts": "; ".join(f"{value}: {n}" for value, n in item.counts.items())}


def _share(name: str, share: Share | None) -> dict[str, object]:
    if share is None:
        return {}
    return {name: share.share, f"{name}_low": share.low, f"{name}_high": share.high}


def _read(store: Store, key: str, name: str) -> pa.Table:
    """One day's counts of a segment key."""
    rows = parquet.decode_where(store.get(name).data, "segment_key", key)
    return rows.select(["segment_value", "item", "value", "flagged", "n", "total"])


def _sums(days: Sequence[pa.Table], flagged: Sequence[bool]) -> Tallies:
    """Counts and totals over all days, by segment value, item and value."""
    sums: Tallies = defaultdict(lambda: defaultdict(dict))
    if days:
        by = ["segment_value", "item", "value"]
        rows = pa.concat_tables(days)
        rows = rows.filter(pc.is_in(rows["flagged"], pa.array(flagged)))
        summed = rows.group_by(by).aggregate([("n", "sum"), ("total", "sum")])
        columns = (summed[name].to_pylist() for name in (*by, "n_sum", "total_sum"))
        for segment, item, value, n, total in zip(*columns, strict=True):
            sums[segment][item][value] = n, total or 0
    return sums


def _segment(
    value: str,
    items: Counted,
    flagged: Counted,
    every: Counted,
    bands: Bands,
    fields: Mapping[str, tuple[Question, Field]],
) -> Segment:
    """``items`` are scored; ``flagged`` and ``every`` say what was flagged, and why."""
    counts = {item: {v: n for v, (n, _) in values.items()} for item, values in items.items()}
    once = counts.get(counting.FCR, {})
    return Segment(
        value,
        counts.get(counting.RESPONSES, {}).get("", 0),
        _index(items.get(counting.INDEX, {}).values(), bands),
        figures.fcr(once.get("yes", 0), sum(once.values())),
        [_item(*fields[name], counts[name], bands) for name in fields if name in counts],
        flagged.get(counting.RESPONSES, {}).get("", (0, 0))[0],
        {name: n for name, (n, _) in sorted(every.get(counting.FLAGGED_BY, {}).items())},
    )


def _index(points: Iterable[tuple[int, int]], bands: Bands) -> Index | None:
    tallied = list(points)
    n = sum(each for each, _ in tallied)
    if not n:
        return None
    mean = sum(total for _, total in tallied) / (n * counting.NANO)
    return Index(n, mean, _band(mean, 0, 100, bands))


def _item(question: Question, field: Field, counted: Mapping[str, int], bands: Bands) -> Item:
    counts = dict(counted)
    na = counts.pop(NA, 0) if columns.has_na(field) else 0
    anybody = counts.pop(counting.EVERYBODY, None)
    ordered = {code: counts.pop(code) for code in _values(field) if code in counts}
    counts = {**ordered, **counts}  # a choice that was removed still has its answers
    item = Item(
        id=field.id,
        type=str(type(question).__struct_config__.tag),
        text=question.text,
        n=sum(counts.values()) if anybody is None else anybody,
        na=na,
        counts=counts,
    )
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


def _values(field: Field) -> list[str]:
    kind, *rest = field.rule or [""]
    return [str(point) for point in range(rest[0], rest[1] + 1)] if kind == "scale" else rest[0]


def _band(mean: float, low: int, high: int, bands: Bands) -> str:
    on_five = figures.on_five(mean, low, high)
    return figures.band(on_five, bands.very_satisfied, bands.satisfied)
