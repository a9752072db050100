"""The normal and Student's t distribution: tails and the 95 % point, without a statistics library.

scipy would say the same (the tests ask it), but its 100 MB do not fit where figures are made.
"A&S": Abramowitz and Stegun 1964.
"""

from __future__ import annotations

from functools import lru_cache
from math import erfc, exp, lgamma, log, log1p, pi, sqrt

Z95 = 1.959963984540054
"""The two-sided 95 % point of the normal distribution."""

_MANY = 200
"""From so many degrees of freedom on, the expansion of the t point is exact to 1e-11."""


def normal_p(z: float) -> float:
    """Two-sided: how probable a normal value at least this far from 0 is."""
    return erfc(abs(z) / sqrt(2))


def student_p(t: float, df: float) -> float:
    """Two-sided tail of Student's t: I(df/2, 1/2) at df/(df + t²) (A&S 26.7.1)."""
    if t == 0:
        return 1.0
    square = t * t
    a, x, away = df / 2, df / (df + square), square / (df + square)
    front = exp(a * log1p(-away) + log(away) / 2 + _half_step(a) - log(pi) / 2)
    if x < (a + 1) / (a + 2.5):
        return front * _fraction(a, 0.5, x) / a
    return 1 - 2 * front * _fraction(0.5, a, away)


@lru_cache(maxsize=4096)
def student_point(df: float) -> float:
    """The two-sided 95 % point of Student's t.

    A&S 26.7.5; with few degrees of freedom, Newton's steps from there.
    """
    z = Z95
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    t = z + sum(term / df**power for power, term in enumerate(terms, start=1))
    for _ in range(0 if df >= _MANY else 50):
        density = exp(_half_step(df / 2) - log(df * pi) / 2 - (df + 1) / 2 * log1p(t * t / df))
        step = (student_p(t, df) - 0.05) / (2 * density)
        t += step
        if abs(step) < 1e-13 * t:
            break
    return t


def _half_step(a: float) -> float:
    """log Γ(a + 1/2) − log Γ(a); for large a by its series, where the difference would cancel."""
    if a < 50:
        return lgamma(a + 0.5) - lgamma(a)
    return log(a) / 2 - 1 / (8 * a) + 1 / (192 * a**3) - 1 / (640 * a**5)


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function (26.5.8), by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1 / ((1 - (a + b) * x / (a + 1)) or tiny)
    value = d
    for m in range(1, 100_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / ((1 + term * d) or tiny)
            c = (1 + term / c) or tiny
            value *= c * d
        if abs(c * d - 1) < 1e-16:
            break
    return value
