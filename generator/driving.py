"""Key drivers of an overall rating, what customers say matters, and how well it is done."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from chalicelib.storage import Store
from chalicelib.survey import Scaled
from chalicelib.survey.drivers import (
    Reliability,
    Undetermined,
    correlations,
    covariances,
    cronbach,
    key_drivers,
    quadrants,
)
from chalicelib.survey.figures import Mean, mean, on_five
from chalicelib.survey.questions import Text
from generator.scores import fields_of
from generator.tallied import Unscorable, Window, contracts_of, read, read_pairs


class Driver(Struct, frozen=True):
    item: str
    text: Text
    score: Mean
    on_five: float
    """The mean moved to 1–5: performance."""
    share: float
    """Of R²: derived importance."""
    importance: float
    """The same as a part of all drivers'."""
    weight: float | None
    """Of the index: stated importance."""
    quadrant: str


class Driving(Struct, frozen=True):
    survey: str
    title: Text
    language: str
    on: str
    text: Text
    r2: float
    method: str
    n: int
    """The fewest that answered any two of the questions."""
    drivers: list[Driver]
    """The strongest first."""
    reliability: Reliability | None


def driving(
    store: Store,
    survey: str,
    on: str,
    among: Sequence[str] = (),
    days: Window = (None, None),
    segment: tuple[str, str] | None = None,
    without_flagged: bool = False,
) -> Driving:
    """What drives ``on``, among the ratings that have a dimension or weight, or those named.

    Raises:
        Unscorable: no such survey or question, or nothing counted yet.
        Undetermined: these answers do not tell.
    """
    contracts = contracts_of(store, survey)
    scaled = {n: q for n, (q, _) in fields_of(contracts).items() if isinstance(q, Scaled)}
    for name in (on, *among):
        if name not in scaled:
            raise Unscorable(f"{survey} has no rating {name!r}; it has: {', '.join(scaled)}")
    measured = [n for n, q in scaled.items() if n != on and (q.dimension or q.weight)]
    names = [n for n in among if n != on] or measured or [n for n in scaled if n != on]
    if not names:
        raise Unscorable(f"{survey} has no other ratings than {on}")
    by = [segment[0]] if segment else []
    value = (segment[1] if segment else "",)
    items = read(store, contracts, by, days, without_flagged).kept.get(value, {})
    pairs = read_pairs(store, survey, days, segment or ("", ""), without_flagged)
    if items and not pairs:
        raise Unscorable("the tallies hold no pairs of ratings for this; run `echoform job tally`")
    counts = {
        name: {int(v): n for v, (n, _) in items.get(name, {}).items() if v.isdigit()}
        for name in (on, *names)
    }
    matrix, n = covariances([on, *names], counts, pairs)
    if n <= len(names) + 1:
        raise Undetermined(f"only {n} answered two of these together: too few for any drivers")
    found = key_drivers(correlations(matrix), n)
    shares = dict(zip(names, found.shares, strict=True))
    scores = {name: score for name in names if (score := mean(counts[name]))}
    fives = {name: on_five(score.mean, *scaled[name].ends) for name, score in scores.items()}
    places = quadrants(shares, fives)
    latest = contracts[-1]
    return Driving(
        survey,
        latest.title,
        latest.languages[0],
        on,
        scaled[on].text,
        found.r2,
        found.method,
        found.n,
        [
            Driver(
                name,
                scaled[name].text,
                scores[name],
                fives[name],
                share,
                share / found.r2 if found.r2 else 0.0,
                scaled[name].weight,
                places[name],
            )
            for name, share in sorted(shares.items(), key=lambda one: -one[1])
        ],
        cronbach(matrix[1:, 1:], n),
    )
