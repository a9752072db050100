"""Where a low score comes from: which agents, hours, service types would lift it if they did as
well as the others.

Ranked by the **gain**: how much the score of all would rise if the segment's answers were those of
the rest, n/N·(mean of the rest − mean of the segment). It weighs how far below against how many, so
neither a bad day of three people nor a big, ordinary team comes first. The **share of the
shortfall** (of all points missing to full marks) stands beside the share of answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from chalicelib import counting
from chalicelib.storage import Store
from chalicelib.survey import Contract, Scaled
from chalicelib.survey.comparing import Comparison, compare, holm, of_counts, rest
from chalicelib.survey.figures import Mean, mean
from chalicelib.survey.questions import Text
from generator.grids import Counted
from generator.scores import Fields, fields_of
from generator.tallied import EVERYBODY, Unscorable, Window, contracts_of, read


class Source(Struct, frozen=True):
    """One segment below the others in one question."""

    item: str
    key: str
    value: str
    score: Mean
    test: Comparison
    gain: float
    """Points of the scale."""
    of_answers: float
    of_shortfall: float


class Trace(Struct, frozen=True):
    survey: str
    title: Text
    language: str
    dimension: str
    scores: dict[str, Mean]
    """Of everybody, by question."""
    sources: list[Source]
    """The largest gain first."""
    small: int
    """Segments below the others that too few answered to say more."""


def trace(
    store: Store,
    survey: str,
    dimension: str,
    by: Sequence[str] = (),
    days: Window = (None, None),
    without_flagged: bool = False,
) -> Trace:
    """What lowers a dimension (or one question), by these segment keys or by all there are.

    Raises Unscorable: no such survey, dimension or key.
    """
    contracts = contracts_of(store, survey)
    fields = fields_of(contracts)
    asked = _asked(contracts, fields, dimension)
    whole = read(store, contracts, [], days, without_flagged).kept.get(EVERYBODY, {})
    scores = {name: _points(whole, name) for name in asked}
    sources: list[Source] = []
    small = 0
    for key in by or counting.segment_keys(contracts):
        for (value,), items in read(store, contracts, [key], days, without_flagged).kept.items():
            for name, question in asked.items():
                source = _source(name, key, value, question, scores[name], _points(items, name))
                if source and source.gain > 0:
                    small += source.test.p is None
                    sources += [source] * (source.test.p is not None)
    tests = holm([source.test for source in sources])
    judged = [replace(s, test=test) for s, test in zip(sources, tests, strict=True)]
    means = {name: found for name, counts in scores.items() if (found := mean(counts))}
    latest = contracts[-1]
    return Trace(
        survey,
        latest.title,
        latest.languages[0],
        dimension,
        means,
        sorted(judged, key=lambda s: -s.gain),
        small,
    )


def _asked(contracts: Sequence[Contract], fields: Fields, dimension: str) -> dict[str, Scaled]:
    scaled = {name: q for name, (q, _) in fields.items() if isinstance(q, Scaled)}
    found = {name: q for name, q in scaled.items() if q.dimension == dimension}
    if not found and dimension in scaled:
        found = {dimension: scaled[dimension]}
    if not found:
        known = dict.fromkeys([*(q.dimension for q in scaled.values() if q.dimension), *scaled])
        raise Unscorable(
            f"{contracts[-1].id} has no dimension {dimension!r}; it has: {', '.join(known)}"
        )
    return found


def _points(items: Counted, name: str) -> dict[int, int]:
    return {int(v): n for v, (n, _) in items.get(name, {}).items() if v.isdigit()}


def _source(
    item: str, key: str, value: str, question: Scaled, all_of: dict[int, int], mine: dict[int, int]
) -> Source | None:
    others = rest(all_of, mine)
    before, after, score = of_counts(others), of_counts(mine), mean(mine)
    if before is None or after is None or score is None or score.n == 0:
        return None
    n, high = sum(all_of.values()), question.ends[1]
    missing = sum((high - point) * people for point, people in all_of.items())
    my_missing = sum((high - point) * people for point, people in mine.items())
    gain = score.n / n * (before.value - after.value)
    test = compare(before, after, shares=False)
    shortfall = my_missing / missing if missing else 0.0
    return Source(item, key, value, score, test, gain, score.n / n, shortfall)
