"""Response rates: AAPOR's RR1 and RR2."""

from __future__ import annotations

import pytest

from chalicelib.survey.responding import Dispositions, rr1, rr2


@pytest.mark.parametrize(
    ("ended", "first", "second"),
    [
        (Dispositions(), None, None),
        (Dispositions(complete=1), 1.0, 1.0),
        (Dispositions(noncontact=9), 0.0, 0.0),
        # 600 complete and 40 partial of 1,000: 120 refused, 150 silent, 10 other, 80 unknown
        (
            Dispositions(
                complete=600, partial=40, refusal=120, noncontact=150, other=10, unknown=80
            ),
            0.6,
            0.64,
        ),
    ],
)
def test_rates_are_of_all_who_were_asked(
    ended: Dispositions, first: float | None, second: float | None
) -> None:
    """RR1 = I / ((I + P) + (R + NC + O) + (UH + UO)); RR2 counts P too."""
    assert rr1(ended) == (first if first is None else pytest.approx(first))
    assert rr2(ended) == (second if second is None else pytest.approx(second))
