"""Figures from tallies: pure arithmetic on counts, each formula once, with its source.

``counts`` is how many people gave each value of a scale: ``{5: 11934, 4: 2277, …}``. N/A and
skipped answers are not in it. A figure over nobody is None: no data is not zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import TypeAlias

from msgspec import Struct

from .distributions import Z95, student_point

Counts: TypeAlias = Mapping[int, int]


NANO = 1_000_000_000
"""In sums of the index, one point."""


class Mean(Struct, frozen=True, gc=False):
    """Arithmetic mean and sample standard deviation (n − 1), with the 95 % interval of the mean by
    Student's t (1908). Below two answers there is only the mean."""

    n: int
    mean: float
    sd: float | None = None
    low: float | None = None
    high: float | None = None


class Share(Struct, frozen=True, gc=False):
    """``hits`` of ``n``, as a fraction with its Wilson 95 % interval."""

    hits: int
    n: int
    share: float
    low: float
    high: float


class Nps(Struct, frozen=True, gc=False):
    """Net Promoter Score, −100…100, and the half-width of its 95 % interval."""

    n: int
    nps: float
    margin: float


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927, without continuity correction). Wants n ≥ 1."""
    share, z2 = hits / n, Z95 * Z95
    centre = share + z2 / (2 * n)
    half = Z95 * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low, high = (centre - half) / (1 + z2 / n), (centre + half) / (1 + z2 / n)
    return (low if hits else 0.0), (high if hits < n else 1.0)


def share(hits: int, n: int) -> Share | None:
    return Share(hits, n, hits / n, *wilson(hits, n)) if n else None


def mean(counts: Counts) -> Mean | None:
    n = sum(counts.values())
    total = sum(value * count for value, count in counts.items())
    squares = sum(value * value * count for value, count in counts.items())
    return mean_of_sums(n, total, squares)


def mean_of_sums(n: int, total: int, squares: int, unit: int = 1) -> Mean | None:
    """The mean of n values from Σx and Σx², whole numbers of 1/unit and 1/unit²."""
    if not n:
        return None
    middle = total / (n * unit)
    if n == 1:
        return Mean(n, middle)
    # n·Σx² − (Σx)² is exact in integers: no cancellation however many answers.
    sd = sqrt((n * squares - total * total) / (n * (n - 1) * unit * unit))
    half = student_point(n - 1) * sd / sqrt(n)
    return Mean(n, middle, sd, middle - half, middle + half)


def _share_from(counts: Counts, lowest_hit: int) -> Share | None:
    hits = sum(count for value, count in counts.items() if value >= lowest_hit)
    return share(hits, sum(counts.values()))


def top2(counts: Counts, high: int) -> Share | None:
    """CSAT: the share at the top two points of a scale ending at ``high``."""
    return _share_from(counts, high - 1)


def full_marks(counts: Counts, high: int) -> Share | None:
    """得分率: the share at the scale's maximum."""
    return _share_from(counts, high)


def nps(counts: Counts) -> Nps | None:
    """100·(promoters 9–10 − detractors 0–6)/n, margin 1.96·100·√((p + d − (p − d)²)/n).

    Reichheld 2003; the variance is that of a three-valued variable.
    """
    n = sum(counts.values())
    if not n:
        return None
    p = sum(count for value, count in counts.items() if value >= 9) / n
    d = sum(count for value, count in counts.items() if value <= 6) / n
    return Nps(n, 100 * (p - d), 1.96 * 100 * sqrt((p + d - (p - d) ** 2) / n))


def ces(counts: Counts) -> Share | None:
    """CES 2.0: the share that at least somewhat agrees we made it easy, 5–7 of 7."""
    return _share_from(counts, 5)


def fcr(solved_at_once: int, answered_both: int) -> Share | None:
    """First-contact resolution: solved with one contact, of all who answered both questions."""
    return share(solved_at_once, answered_both)


def completion(sent: int, left: int) -> Share | None:
    """Completion rate: who sent their answers, of all who began to answer.

    completes / (completes + break-offs): Callegaro, Lozar Manfreda and Vehovar, "Web Survey
    Methodology" (2015); break-offs as in AAPOR's Standard Definitions. It says nothing of those who
    never began: where nobody knows who was asked there is no response rate.
    """
    return share(sent, sent + left)


def index(points: Mapping[int, tuple[int, int]], spread: int | None) -> Mean | None:
    """The mean index, from whole points: of each, how many, and Σ index in thousand-millionths.

    ``spread``: Σ (index − its whole point)² in millionths squared; without it, no interval. Then
    Σ index² = Σ n·point² + 2·point·(Σ index − n·point) + spread, exact in integers.
    """
    n = sum(count for count, _ in points.values())
    total = sum(nano for _, nano in points.values())
    if spread is None:
        return Mean(n, total / (n * NANO)) if n else None
    squares = spread * 1_000_000 + sum(
        point * NANO * (2 * nano - count * point * NANO) for point, (count, nano) in points.items()
    )
    return mean_of_sums(n, total, squares, NANO)


def band(mean_of_five: float, very_satisfied: float = 4.5, satisfied: float = 3.5) -> str:
    """Band of an unrounded 1–5 mean: ``very_satisfied``, ``satisfied`` or ``needs_improvement``."""
    if mean_of_five >= very_satisfied:
        return "very_satisfied"
    return "satisfied" if mean_of_five >= satisfied else "needs_improvement"


def on_five(mean_value: float, low: int, high: int) -> float:
    """A scale's mean, moved linearly to 1–5, where the bands are."""
    return 1 + 4 * (mean_value - low) / (high - low)
