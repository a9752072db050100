"""What moves an overall rating: arithmetic on the moments of pairs of ratings.

The only part of the kernel that needs matrices, and so numpy: nothing that answers customers may
import it.

Moments are *pairwise*: each pair over those who answered both. "Not applicable" and hidden
questions are part of these surveys, and complete cases of many ratings would be few and unlike the
others. Covariances are over the pair, variances over all who answered (as pandas'
``DataFrame.cov``); where everybody answered everything, this is ordinary least squares to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import comb

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from .errors import EchoformError
from .figures import Counts, mean

MOST = 14
"""So many drivers are told apart by all their subsets (16,384 of them); more by Johnson's way."""
LOW_ALPHA, HIGH_ALPHA = 0.70, 0.95


class Undetermined(EchoformError):
    """These answers do not determine any drivers. The message says why."""


class Pair(Struct, frozen=True):
    """Sums over the responses that answered both x and y."""

    n: int
    x: int
    y: int
    xy: int

    def __add__(self, other: Pair) -> Pair:
        return Pair(self.n + other.n, self.x + other.x, self.y + other.y, self.xy + other.xy)

    @property
    def covariance(self) -> float:
        return (self.n * self.xy - self.x * self.y) / (self.n * (self.n - 1))


class Drivers(Struct, frozen=True):
    """Shares of R², in the order given; they sum to it."""

    shares: list[float]
    r2: float
    method: str
    n: int
    """The fewest that answered a pair."""


class Reliability(Struct, frozen=True):
    """Cronbach's alpha. ``warning``: ``low`` (< .70), ``redundant`` (> .95) or None."""

    alpha: float
    n: int
    items: int
    warning: str | None


Pairs = Mapping[tuple[str, str], Pair]
"""By both names, the lesser first."""


def covariances(
    names: Sequence[str], counts: Mapping[str, Counts], pairs: Pairs
) -> tuple[NDArray[np.float64], int]:
    """The covariance matrix and the least n of a pair.

    Raises Undetermined where a pair was answered by fewer than two, or a rating never varied.
    """
    matrix = np.zeros((len(names), len(names)))
    least = min((sum(counts.get(name, {}).values()) for name in names), default=0)
    for place, name in enumerate(names):
        found = mean(counts.get(name, {}))
        if found is None or not found.sd:
            raise Undetermined(f"{name} was not answered, or always alike: leave it out")
        matrix[place, place] = found.sd**2
    for (i, x), (j, y) in combinations(enumerate(names), 2):
        swapped = x > y
        pair = pairs.get((y, x) if swapped else (x, y))
        if pair is None or pair.n < 2:
            raise Undetermined(f"nobody answered both {x} and {y}: leave one of them out")
        matrix[i, j] = matrix[j, i] = pair.covariance
        least = min(least, pair.n)
    return matrix, least


def correlations(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = np.sqrt(np.diag(covariance))
    scaled: NDArray[np.float64] = covariance / np.outer(spread, spread)
    return scaled


def key_drivers(correlation: NDArray[np.float64], n: int) -> Drivers:
    """How R² of the first on all the others divides among them. Raises Undetermined."""
    if np.linalg.eigvalsh(correlation)[0] < 1e-10:
        raise Undetermined(
            "these ratings cannot be told apart: one follows from others, or too few answered "
            "the same ones; leave some out"
        )
    drivers = len(correlation) - 1
    method = "shapley" if drivers <= MOST else "johnson"
    shares = (shapley if drivers <= MOST else johnson)(correlation[1:, 1:], correlation[1:, 0])
    return Drivers([float(share) for share in shares], float(shares.sum()), method, n)


def shapley(among: NDArray[np.float64], on: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean gain in R² over all orders of entry (Lindeman, Merenda and Gold 1980).

    ``among``: correlations of the drivers; ``on``: each with the outcome.
    """
    k = len(on)
    r2 = np.zeros(1 << k)
    for size in range(1, k + 1):
        chosen = np.array(list(combinations(range(k), size)))
        some = among[chosen[:, :, None], chosen[:, None, :]]
        with_outcome = on[chosen]
        weights = np.linalg.solve(some, with_outcome[:, :, None])[:, :, 0]
        r2[(1 << chosen).sum(axis=1)] = (weights * with_outcome).sum(axis=1)
    subsets = np.arange(1 << k)
    sizes = np.bitwise_count(subsets)
    worth = np.array([1 / (k * comb(k - 1, size)) if size < k else 0.0 for size in range(k + 1)])
    shares = np.zeros(k)
    for driver in range(k):
        without = subsets[(subsets >> driver) & 1 == 0]
        gain = r2[without | (1 << driver)] - r2[without]
        shares[driver] = (worth[sizes[without]] * gain).sum()
    return shares


def johnson(among: NDArray[np.float64], on: NDArray[np.float64]) -> NDArray[np.float64]:
    """Relative weights (Johnson 2000): through the nearest uncorrelated drivers."""
    values, vectors = np.linalg.eigh(among)
    root = vectors @ np.diag(np.sqrt(values)) @ vectors.T
    beta = np.linalg.solve(root, on)
    shares: NDArray[np.float64] = root**2 @ beta**2
    return shares


def quadrants(importance: Mapping[str, float], performance: Mapping[str, float]) -> dict[str, str]:
    """Importance–performance (Martilla and James 1977), crossed at the grand means."""
    names = {
        (True, True): "keep_up",
        (True, False): "improve_first",
        (False, True): "more_than_needed",
        (False, False): "low_priority",
    }
    important = sum(importance.values()) / max(1, len(importance))
    good = sum(performance.values()) / max(1, len(performance))
    return {
        name: names[importance[name] >= important, performance[name] >= good] for name in importance
    }


def cronbach(covariance: NDArray[np.float64], n: int) -> Reliability | None:
    """Cronbach's alpha (1951): k/(k − 1)·(1 − Σ variances / variance of the sum)."""
    k = len(covariance)
    if k < 2 or covariance.sum() <= 0:
        return None
    alpha = float(k / (k - 1) * (1 - np.trace(covariance) / covariance.sum()))
    warning = "low" if alpha < LOW_ALPHA else "redundant" if alpha > HIGH_ALPHA else None
    return Reliability(alpha, n, k, warning)
