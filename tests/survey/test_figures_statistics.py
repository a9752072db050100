"""Intervals, tests and drivers say what scipy, statsmodels, pingouin and scikit-learn say."""

from __future__ import annotations

import random
import warnings
from collections import Counter
from itertools import permutations
from math import factorial

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint, proportions_ztest
from statsmodels.stats.weightstats import ttest_ind

from chalicelib.survey import drivers, figures
from chalicelib.survey.comparing import (
    HIGHER,
    LOWER,
    NO_EVIDENCE,
    TOO_FEW,
    Group,
    compare,
    holm,
    of_counts,
    of_share,
    rest,
    welch,
    z_test,
)
from chalicelib.survey.distributions import student_p, student_point
from chalicelib.survey.drivers import Pair, Undetermined

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its own imports
    import pingouin

EXACT = 1e-9


@pytest.mark.parametrize("df", [1, 2, 3, 7.5, 29, 99, 199, 200, 1234.5, 17_181, 9_999_999])
def test_student_is_scipys(df: float) -> None:
    assert student_point(df) == pytest.approx(stats.t.ppf(0.975, df), rel=1e-11)
    for t in (0, 0.01, 0.7, 1.96, 3.3, 6, 12):
        assert student_p(t, df) == pytest.approx(2 * stats.t.sf(t, df), rel=EXACT, abs=1e-300)


def test_the_interval_of_a_mean_is_students() -> None:
    answers = [5] * 12 + [4] * 9 + [2] * 3 + [1]
    found = figures.mean(Counter(answers))
    assert found is not None
    low, high = stats.t.interval(
        0.95, len(answers) - 1, loc=np.mean(answers), scale=stats.sem(answers)
    )
    assert (found.low, found.high) == (
        pytest.approx(low, rel=EXACT),
        pytest.approx(high, rel=EXACT),
    )


@pytest.mark.parametrize("n", [1, 2, 14, 30, 2688])
def test_wilson_is_statsmodels(n: int) -> None:
    for hits in {0, 1, n // 3, n - 1, n}:
        expected = proportion_confint(hits, n, method="wilson")
        assert figures.wilson(hits, n) == pytest.approx(expected, abs=1e-12)


def test_the_interval_of_the_index_is_that_of_the_indexes() -> None:
    """From whole points, their sums and what is left of squares: exact to 1e-9."""
    chance = random.Random(3)
    values = [100 * chance.random() for _ in range(5000)] + [50.0, 100.0, 0.0]
    points: dict[int, tuple[int, int]] = {}
    spread = 0
    for value in values:
        point = int(value + 0.5)
        n, nano = points.get(point, (0, 0))
        points[point] = n + 1, nano + int(value * figures.NANO + 0.5)
        spread += int((value - point) * 1_000_000 // 1 + 0.5) ** 2
    found = figures.index(points, spread)
    assert found is not None
    expected = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=stats.sem(values))
    assert found.mean == pytest.approx(np.mean(values), rel=EXACT)
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-8)
    alone = figures.index(points, None)
    assert alone == figures.Mean(len(values), found.mean)
    assert figures.index({}, None) is None


@pytest.mark.parametrize(("hits", "of"), [((30, 45), (100, 110)), ((0, 3), (40, 900))])
def test_the_z_test_of_shares_is_statsmodels(hits: tuple[int, int], of: tuple[int, int]) -> None:
    before, after = (of_share(h, n) for h, n in zip(hits, of, strict=True))
    assert before is not None
    assert after is not None
    assert z_test(before, after) == pytest.approx(proportions_ztest(hits, of)[1], rel=EXACT)


def test_welch_is_scipys_and_statsmodels() -> None:
    one, two = Counter({5: 40, 4: 12, 1: 9}), Counter({5: 130, 4: 60, 3: 33, 1: 2})
    a, b = of_counts(one), of_counts(two)
    assert a is not None
    assert b is not None
    answers = [list(counts.elements()) for counts in (one, two)]
    found = welch(a, b)
    assert found == pytest.approx(stats.ttest_ind(*answers, equal_var=False).pvalue, rel=EXACT)
    assert found == pytest.approx(ttest_ind(*answers, usevar="unequal")[1], rel=EXACT)


def test_everybody_alike_is_no_evidence_and_all_against_none_is() -> None:
    assert z_test(Group(50, 1.0), Group(60, 1.0)) == 1
    assert welch(Group(50, 4.0), Group(60, 4.0)) == 1
    assert compare(Group(50, 4.0), Group(60, 5.0), shares=False).verdict == HIGHER


def test_under_thirty_answers_nothing_is_tested() -> None:
    found = compare(Group(29, 0.1), Group(5000, 0.9), shares=True)
    assert (found.p, found.verdict) == (None, TOO_FEW)
    assert compare(Group(30, 0.1), Group(5000, 0.9), shares=True).verdict == HIGHER
    assert compare(Group(5000, 0.9), Group(30, 0.1), shares=True).verdict == LOWER
    assert [test.verdict for test in holm([found])] == [TOO_FEW]


def test_several_tests_share_one_chance_of_a_false_alarm() -> None:
    """Holm: .02 and .04 alone are alarms; among five, the first is none either."""
    pairs = [(50, 70), (50, 66), (50, 52), (50, 75), (50, 40)]
    groups = [(of_share(a, 120), of_share(b, 120)) for a, b in pairs]
    tests = [compare(a, b, shares=True) for a, b in groups if a and b]
    few = compare(Group(3, 0.5), Group(50, 0.1), shares=True)
    found = holm([*tests, few])
    reject, adjusted, *_ = multipletests([test.p for test in tests], method="holm")
    assert [test.adjusted for test in found[:-1]] == pytest.approx(list(adjusted), rel=EXACT)
    assert [test.verdict != NO_EVIDENCE for test in found[:-1]] == list(reject)
    assert any(test.verdict != alone.verdict for test, alone in zip(found, tests, strict=False))
    assert found[-1].verdict == TOO_FEW


def test_a_segment_is_compared_with_the_rest_by_subtraction() -> None:
    assert rest({5: 100, 4: 20, 1: 3}, {5: 40, 1: 3}) == {5: 60, 4: 20, 1: 0}


@pytest.mark.parametrize("shares", [True, False])
def test_null_waves_alarm_about_one_time_in_twenty(shares: bool) -> None:
    """1,000 pairs of waves drawn from one and the same population: 3.5 to 6.5 % alarms."""
    chance = np.random.default_rng(20_260_517)
    alarms = 0
    for _ in range(1000):
        waves = [chance.multinomial(n, [0.13, 0.02, 0.03, 0.13, 0.69]) for n in (400, 300)]
        groups = [
            of_share(int(counts[3] + counts[4]), int(counts.sum()))
            if shares
            else of_counts({value: int(n) for value, n in enumerate(counts, start=1)})
            for counts in waves
        ]
        before, after = groups
        assert before is not None
        assert after is not None
        alarms += compare(before, after, shares=shares).verdict in (HIGHER, LOWER)
    assert 35 <= alarms <= 65


def ratings(people: int, items: int, seed: int = 1, missing: float = 0) -> pd.DataFrame:
    """Ratings 1–5 that hang together; the first is the overall one."""
    chance = np.random.default_rng(seed)
    mood = chance.normal(size=(people, 1))
    loadings = np.linspace(0.9, 0.2, items)
    raw = 3.7 + mood * loadings + chance.normal(scale=0.8, size=(people, items))
    frame = pd.DataFrame(np.clip(np.rint(raw), 1, 5), columns=[f"q{n:02}" for n in range(items)])
    return frame.mask(chance.random(frame.shape) < missing)


def moments(frame: pd.DataFrame) -> tuple[dict[str, dict[int, int]], dict[tuple[str, str], Pair]]:
    """What the tallies hold of these answers."""
    counts = {
        name: {int(value): int(n) for value, n in frame[name].value_counts().items()}
        for name in frame
    }
    pairs = {}
    for x in frame:
        for y in frame:
            if x < y:
                both = frame[[x, y]].dropna().astype(int)
                sums = both[x].sum(), both[y].sum(), (both[x] * both[y]).sum()
                pairs[x, y] = Pair(len(both), *map(int, sums))
    return counts, pairs


def matrix(frame: pd.DataFrame) -> tuple[np.ndarray, int]:
    return drivers.covariances([*frame], *moments(frame))


@pytest.mark.parametrize("missing", [0, 0.2])
def test_covariances_are_those_of_pandas(missing: float) -> None:
    """Pairwise, where some did not answer."""
    frame = ratings(800, 6, missing=missing)
    found, least = matrix(frame)
    assert found == pytest.approx(frame.cov().to_numpy(), rel=EXACT)
    seen = frame.notna().astype(int)
    assert least == (seen.T @ seen).to_numpy().min()


def r2(frame: pd.DataFrame, names: list[str]) -> float:
    if not names:
        return 0.0
    y = frame["q00"]
    return float(LinearRegression().fit(frame[names], y).score(frame[names], y))


def test_shapley_is_the_mean_gain_over_all_orders() -> None:
    """Against every order of entry of five drivers, each a regression of its own."""
    frame = ratings(500, 6)
    found = drivers.key_drivers(drivers.correlations(matrix(frame)[0]), len(frame))
    names = [*frame][1:]
    known: dict[frozenset[str], float] = {}
    gains = dict.fromkeys(names, 0.0)
    for order in permutations(names):
        for place, name in enumerate(order):
            before, after = frozenset(order[:place]), frozenset(order[: place + 1])
            for some in (before, after):
                if some not in known:
                    known[some] = r2(frame, sorted(some))
            gains[name] += (known[after] - known[before]) / factorial(len(names))
    assert found.method == "shapley"
    assert found.shares == pytest.approx([*gains.values()], abs=EXACT)
    assert found.r2 == pytest.approx(r2(frame, names), abs=EXACT)


def test_shares_of_fourteen_drivers_sum_to_r2_and_agree_with_johnson() -> None:
    """An airline's fourteen: both ways agree to .99 and more."""
    frame = ratings(2000, 15)
    correlation = drivers.correlations(matrix(frame)[0])
    found = drivers.key_drivers(correlation, len(frame))
    other = drivers.johnson(correlation[1:, 1:], correlation[1:, 0])
    assert found.method == "shapley"
    assert sum(found.shares) == pytest.approx(r2(frame, [*frame][1:]), abs=EXACT)
    assert other.sum() == pytest.approx(found.r2, abs=EXACT)
    assert np.corrcoef(found.shares, other)[0, 1] >= 0.99


def test_shapley_is_pingouins_relative_importance() -> None:
    frame = ratings(600, 6)
    correlation = drivers.correlations(matrix(frame)[0])
    names = [*frame][1:]
    expected = pingouin.linear_regression(frame[names], frame["q00"], relimp=True)
    shapley = expected["relimp"].dropna().to_numpy()
    found = drivers.key_drivers(correlation, len(frame))
    assert found.shares == pytest.approx(shapley, abs=EXACT)


def test_more_than_fourteen_drivers_go_johnsons_way() -> None:
    frame = ratings(3000, 17)
    found = drivers.key_drivers(drivers.correlations(matrix(frame)[0]), len(frame))
    assert found.method == "johnson"
    assert found.r2 == pytest.approx(r2(frame, [*frame][1:]), abs=EXACT)


def test_ratings_that_cannot_be_told_apart_are_refused() -> None:
    frame = ratings(300, 3)
    frame["q03"] = frame["q02"]
    with pytest.raises(Undetermined, match="told apart"):
        drivers.key_drivers(drivers.correlations(matrix(frame)[0]), 300)
    frame["q03"] = 5
    with pytest.raises(Undetermined, match="q03 was not answered, or always alike"):
        matrix(frame)
    frame["q03"] = frame["q02"].where(frame["q01"].isna())
    with pytest.raises(Undetermined):
        matrix(frame)


@pytest.mark.parametrize("missing", [0, 0.2])
def test_alpha_is_pingouins(missing: float) -> None:
    frame = ratings(700, 5, missing=missing)
    found = drivers.cronbach(*matrix(frame))
    assert found is not None
    assert found.alpha == pytest.approx(pingouin.cronbach_alpha(frame)[0], rel=EXACT)


def test_alpha_warns_at_both_ends() -> None:
    def warning(correlation: float) -> str | None:
        alike = np.full((5, 5), correlation) + np.eye(5) * (1 - correlation)
        found = drivers.cronbach(alike, 100)
        assert found is not None
        return found.warning

    assert [warning(r) for r in (0.1, 0.5, 0.95)] == ["low", None, "redundant"]
    assert drivers.cronbach(np.eye(1), 100) is None


def test_importance_and_performance_cross_at_their_means() -> None:
    found = drivers.quadrants(
        {"a": 0.4, "b": 0.4, "c": 0.1, "d": 0.1}, {"a": 4.5, "b": 3.0, "c": 4.5, "d": 3.0}
    )
    assert found == {
        "a": "keep_up",
        "b": "improve_first",
        "c": "more_than_needed",
        "d": "low_priority",
    }
