"""Where an improvement action is due: dimensions that are low in a wave, from its days' tallies.

A dimension is low where a rating's mean, put on five points, is below ``bands.satisfied`` of its
survey and at least 30 answered. Loads pyarrow.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import replace

from . import actions, counting, keys, parquet
from .actions import Wave
from .improving import Low, Worst, ratings, versions
from .jobs.judge import points
from .storage import Store
from .survey.comparing import FEWEST, of_counts, rest
from .survey.figures import Counts, mean, on_five

_COLUMNS = ["segment_key", "segment_value", "item", "value", "n"]


def low(store: Store, survey: str, wave: Wave, segment: str = "") -> list[Low]:
    """The low dimensions that no action is under way for, the lowest first; of a segment or of all.

    Raises EchoformError.
    """
    contracts = versions(store, survey)
    busy = {
        action.dimension
        for action in actions.every(store, survey)
        if action.state not in actions.OVER and action.segment in ("", segment)
    }
    asked = {n: q for n, q in ratings(contracts).items() if q.dimension not in (None, *busy)}
    counts = points(store, survey, wave, [*asked], segment)
    found: dict[str, tuple[float, Low]] = {}
    for name, question in asked.items():
        score = mean(counts[name])
        if score is None or score.n < FEWEST:
            continue
        placed, dimension = on_five(score.mean, *question.ends), str(question.dimension)
        if placed < contracts[-1].bands.satisfied and placed < found.get(dimension, (9.0,))[0]:
            least = Low(dimension, name, score.mean, question.ends[1], score.n)
            found[dimension] = placed, least
    lows = [each for _, each in sorted(found.values(), key=lambda pair: pair[0])]
    if segment or not lows:
        return lows
    cuts = _by_segment(store, survey, wave, [each.item for each in lows])
    known = counting.segment_keys(contracts)
    return [replace(each, worst=_worst(each, counts[each.item], cuts, known)) for each in lows]


_Cuts = dict[tuple[str, str, str], Counter[int]]


def _by_segment(store: Store, survey: str, wave: Wave, items: Sequence[str]) -> _Cuts:
    """How many gave each value of these ratings, by segment key, its value, and rating."""
    found: _Cuts = defaultdict(Counter)
    for entry in store.list(f"{keys.TALLIES}{survey}/"):
        if not wave.first <= keys.day_of(entry.key) <= wave.last:
            continue
        rows = parquet.decode_where(store.get(entry.key).data, {"item": items}).select(_COLUMNS)
        summed = rows.group_by(_COLUMNS[:-1]).aggregate([("n", "sum")])
        summed = summed.filter(pc.not_equal(summed["segment_key"], pa.scalar("")))
        for row in summed.to_pylist():
            if row["value"].isdigit():  # not "na"
                place = row["segment_key"], row["segment_value"], row["item"]
                found[place][int(row["value"])] += row["n_sum"]
    return found


def _worst(low: Low, all_of: Counts, cuts: _Cuts, known: Sequence[str]) -> Worst | None:
    """Whom it comes from most: how far below the others, times how many."""
    best: Worst | None = None
    for (key, value, item), mine in cuts.items():
        if item != low.item or key not in known:
            continue
        group, others = of_counts(mine), of_counts(rest(all_of, mine))
        if group is None or others is None or min(group.n, others.n) < FEWEST:
            continue
        gain = group.n / low.n * (others.value - group.value)
        if gain > (best.gain if best else 0):
            best = Worst(key, value, gain)
    return best
