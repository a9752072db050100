"""Whether two groups of people answered differently: waves, and a segment against the rest.

Shares by the two-sided z test with a pooled variance, means by Welch's t test (1947), several at
once held to 5 % together by Holm's procedure (1979). Below 30 answers on either side nothing is
tested. What is said is ``higher``, ``lower`` or ``no_evidence``: never "the same", which no test
can show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, sqrt

from msgspec import Struct
from msgspec.structs import replace

from .distributions import normal_p, student_p
from .figures import Counts

FEWEST = 30
"""Fewer answers are not tested (METHODS: small cells)."""
ALPHA = 0.05

HIGHER, LOWER, NO_EVIDENCE, TOO_FEW = "higher", "lower", "no_evidence", "too_few"


class Group(Struct, frozen=True):
    """What is compared of one side: a mean with its variance (n − 1), or a share's hits."""

    n: int
    value: float
    variance: float = 0.0


class Comparison(Struct, frozen=True):
    """``after`` beside ``before``. ``p``: of its own test; ``adjusted``: Holm's, among all."""

    before: Group
    after: Group
    p: float | None
    adjusted: float | None
    verdict: str

    @property
    def difference(self) -> float:
        return self.after.value - self.before.value


def of_counts(counts: Counts) -> Group | None:
    """The mean of a scale's answers, as a group to compare."""
    n = sum(counts.values())
    if not n:
        return None
    total = sum(value * count for value, count in counts.items())
    squares = sum(value * value * count for value, count in counts.items())
    variance = (n * squares - total * total) / (n * (n - 1)) if n > 1 else 0.0
    return Group(n, total / n, variance)


def of_share(hits: int, n: int) -> Group | None:
    return Group(n, hits / n) if n else None


def rest(all_of: Mapping[int, int], some: Counts) -> dict[int, int]:
    """The counts of everybody else: by subtraction."""
    return {value: count - some.get(value, 0) for value, count in all_of.items()}


def z_test(before: Group, after: Group) -> float:
    """p of two shares being one, variance pooled; 1 where everybody said the same."""
    n = before.n + after.n
    pooled = (before.n * before.value + after.n * after.value) / n
    variance = pooled * (1 - pooled) * (1 / before.n + 1 / after.n)
    return normal_p((after.value - before.value) / sqrt(variance)) if variance > 0 else 1.0


def welch(before: Group, after: Group) -> float:
    """p of two means being one, each with its own variance."""
    a, b = before.variance / before.n, after.variance / after.n
    difference = after.value - before.value
    if a + b == 0:
        return 1.0 if difference == 0 else 0.0
    df = (a + b) ** 2 / (a * a / (before.n - 1) + b * b / (after.n - 1))
    return student_p(difference / sqrt(a + b), df)


def compare(before: Group, after: Group, *, shares: bool) -> Comparison:
    """One test by itself."""
    if min(before.n, after.n) < FEWEST:
        return Comparison(before, after, None, None, TOO_FEW)
    p = (z_test if shares else welch)(before, after)
    return _judged(Comparison(before, after, p, p, NO_EVIDENCE))


def holm(tests: Sequence[Comparison]) -> list[Comparison]:
    """The same tests, judged together: the chance of any false alarm stays at 5 %."""
    tested = [test for test in tests if test.p is not None]
    adjusted: dict[int, float] = {}
    highest = 0.0
    for place, test in enumerate(sorted(tested, key=lambda t: inf if t.p is None else t.p)):
        highest = max(highest, min(1.0, (len(tested) - place) * (test.p or 0.0)))
        adjusted[id(test)] = highest
    return [
        _judged(replace(t, adjusted=adjusted[id(t)])) if id(t) in adjusted else t for t in tests
    ]


def _judged(test: Comparison) -> Comparison:
    if test.adjusted is None or test.adjusted >= ALPHA or test.difference == 0:
        return replace(test, verdict=NO_EVIDENCE if test.p is not None else TOO_FEW)
    return replace(test, verdict=HIGHER if test.difference > 0 else LOWER)
