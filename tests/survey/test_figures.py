"""Every figure against the vectors it was defined with."""

from __future__ import annotations

from math import sqrt
from statistics import fmean, stdev

import pytest

from chalicelib.survey import Contract, Section, figures, index_of
from chalicelib.survey.questions import AnyQuestion, Rating, Score


def weighing(*questions: AnyQuestion) -> Contract:
    return Contract(
        id="weighing",
        title={"en": "Weighing"},
        languages=["en"],
        timezone="UTC",
        sections=[Section(id="all", questions=list(questions))],
    )


def test_top2_is_the_share_of_the_two_best_points() -> None:
    """San Francisco airport 2017: 82.07 % of 2,688."""
    counts = {5: 1206, 4: 1000, 3: 400, 2: 60, 1: 22}
    top2 = figures.top2(counts, high=5)
    assert top2 is not None
    assert (top2.hits, top2.n) == (2206, 2688)
    assert round(100 * top2.share, 2) == 82.07


def test_top2_of_ten_points_are_nine_and_ten() -> None:
    top2 = figures.top2({10: 1, 9: 2, 8: 4, 1: 1}, high=10)
    assert top2 is not None
    assert top2.hits == 3


def test_nps_is_promoters_less_detractors() -> None:
    """Half promoters, a sixth detractors: 33.3, with a variance of 0.5556."""
    nps = figures.nps({10: 2, 9: 1, 8: 1, 7: 1, 6: 1})
    assert nps is not None
    assert nps.nps == pytest.approx(100 / 3)
    variance = (nps.margin / 196) ** 2 * nps.n
    assert variance == pytest.approx(0.5556, abs=5e-5)


def test_the_margin_of_nps() -> None:
    nps = figures.nps({9: 200, 8: 120, 0: 80})
    assert nps is not None
    assert nps.nps == pytest.approx(30)
    assert nps.margin == pytest.approx(7.65, abs=5e-3)


@pytest.mark.parametrize(
    ("sent", "left", "rate", "low", "high"),
    [(10, 4, 10 / 14, 0.4535, 0.8828), (30, 0, 1, 0.8865, 1), (0, 30, 0, 0, 0.1135)],
)
def test_completion_is_who_sent_of_all_who_began(
    sent: int, left: int, rate: float, low: float, high: float
) -> None:
    found = figures.completion(sent, left)
    assert found is not None
    assert (found.hits, found.n, found.share) == (sent, sent + left, pytest.approx(rate))
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_where_nobody_began_there_is_no_completion() -> None:
    assert figures.completion(0, 0) is None


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(10, 14, 0.4535, 0.8828), (30, 30, 0.8865, 1.0)]
)
def test_the_wilson_interval(hits: int, n: int, low: float, high: float) -> None:
    assert figures.wilson(hits, n) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_the_wilson_interval_stays_between_nothing_and_all() -> None:
    for n in (1, 7, 1000):
        assert figures.wilson(0, n)[0] == 0
        assert figures.wilson(n, n)[1] == 1
        for hits in range(n + 1):
            low, high = figures.wilson(hits, n)
            assert 0 <= low <= hits / n <= high <= 1


def test_mean_and_sd_are_those_of_the_answers() -> None:
    counts = {5: 11934, 4: 2277, 3: 503, 2: 227, 1: 2241}
    answers = [value for value, n in counts.items() for _ in range(n)]
    mean = figures.mean(counts)
    assert mean is not None
    assert mean.sd is not None
    assert mean.n == 17182
    assert mean.mean == pytest.approx(fmean(answers), rel=1e-12)
    assert mean.sd == pytest.approx(stdev(answers), rel=1e-12)


def test_sd_does_not_drown_in_many_answers() -> None:
    """One answer off among a hundred million: a naive sum of squares would lose it."""
    mean = figures.mean({10: 99_999_999, 9: 1})
    assert mean is not None
    assert mean.sd == pytest.approx(1e-4, rel=1e-7)


def test_one_answer_has_no_sd() -> None:
    mean = figures.mean({4: 1})
    assert mean is not None
    assert (mean.mean, mean.sd) == (4, None)


def test_ces_counts_five_and_up() -> None:
    ces = figures.ces({7: 1, 6: 1, 5: 1, 4: 5, 1: 2})
    assert ces is not None
    assert (ces.hits, ces.n) == (3, 10)


def test_full_marks_count_the_maximum_only() -> None:
    full = figures.full_marks({5: 3, 4: 7}, high=5)
    assert full is not None
    assert full.share == pytest.approx(0.3)


def test_fcr_is_over_those_who_answered_both() -> None:
    fcr = figures.fcr(70, 100)
    assert fcr is not None
    assert fcr.share == pytest.approx(0.7)


def test_a_figure_over_nobody_is_none() -> None:
    assert figures.mean({}) is None
    assert figures.nps({}) is None
    assert figures.top2({}, 5) is None
    assert figures.ces({}) is None
    assert figures.full_marks({}, 5) is None
    assert figures.fcr(0, 0) is None


def test_bands_begin_at_their_ends_unrounded() -> None:
    assert figures.band(4.5) == "very_satisfied"
    assert figures.band(4.4999) == "satisfied"
    assert figures.band(3.5) == "satisfied"
    assert figures.band(3.4999) == "needs_improvement"
    assert figures.band(4.2, very_satisfied=4.2) == "very_satisfied"


def test_other_scales_are_moved_to_five_points() -> None:
    assert figures.on_five(1, 1, 10) == 1
    assert figures.on_five(10, 1, 10) == 5
    assert figures.on_five(50, 0, 100) == 3
    assert figures.on_five(4.25, 1, 5) == 4.25


ACSI = weighing(
    Score(id="overall", text={}, weight=0.3885),
    Score(id="expected", text={}, weight=0.3190),
    Score(id="ideal", text={}, weight=0.2925),
)


def test_the_index_is_the_weighted_mean_of_what_was_reached() -> None:
    """ACSI: 8, 7 and 7 of 10 make 70.98."""
    index = index_of(ACSI, {"overall": 8, "expected": 7, "ideal": 7})
    assert index == pytest.approx(70.98, abs=5e-3)
    assert index_of(ACSI, {"overall": 10, "expected": 10, "ideal": 10}) == pytest.approx(100)
    assert index_of(ACSI, {"overall": 1, "expected": 1, "ideal": 1}) == 0


def test_what_was_not_answered_is_left_out_of_the_index() -> None:
    """The other weights are scaled up to one."""
    index = index_of(ACSI, {"overall": 8, "ideal": "na"})
    assert index == pytest.approx(100 * 7 / 9)
    both = index_of(ACSI, {"overall": 10, "expected": 1})
    assert both == pytest.approx(100 * 0.3885 / (0.3885 + 0.3190))


def test_there_is_no_index_of_nothing() -> None:
    assert index_of(ACSI, {}) is None
    assert index_of(ACSI, {"overall": "na"}) is None
    assert index_of(weighing(Rating(id="speed", text={})), {"speed": 5}) is None


def test_scales_of_different_length_weigh_alike() -> None:
    survey = weighing(Rating(id="a", text={}, weight=0.5), Score(id="b", text={}, weight=0.5))
    assert index_of(survey, {"a": 5, "b": 1}) == pytest.approx(50)


def test_wilson_follows_its_formula() -> None:
    hits, n, z = 37, 120, figures.Z95
    share = hits / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    assert figures.wilson(hits, n) == pytest.approx((centre - half, centre + half))
