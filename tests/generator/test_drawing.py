"""Samples: proportional, without replacement, and the same again with the recorded seed."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.drawing import Undrawable, draw, quotas, size


@pytest.mark.parametrize(
    ("asked", "eligible", "many"),
    [
        ("30%", 20_000, 6000),
        ("30%", 5, 2),  # 1.5: halves go up
        ("0.5 %", 1000, 5),
        ("33.3％", 10, 3),
        ("100%", 7, 7),
        ("500", 20_000, 500),
        ("500", 20, 20),
        ("30%", 0, 0),
    ],
)
def test_a_sample_is_a_share_or_a_number(asked: str, eligible: int, many: int) -> None:
    assert size(asked, eligible) == many


@pytest.mark.parametrize("asked", ["", "0", "0%", "-5", "101%", "half", "1e3", "30%%", "5.5"])
def test_anything_else_is_no_sample(asked: str) -> None:
    with pytest.raises(Undrawable, match="write 30% or 500"):
        size(asked, 100)


def test_what_is_left_over_goes_to_the_largest_remainders() -> None:
    # Shares of 10: 4.7, 1.6, 3.7; the two left over go to .7 and .7.
    assert quotas({"A": 47, "B": 16, "C": 37}, 10) == {"A": 5, "B": 1, "C": 4}
    assert quotas({"A": 1, "B": 1, "C": 1}, 1) == {"A": 1, "B": 0, "C": 0}
    assert quotas({}, 0) == {}


@given(
    st.dictionaries(st.text(max_size=3), st.integers(0, 500), min_size=1, max_size=12),
    st.integers(0, 100),
)
def test_strata_get_their_share_within_one_and_all_of_it_is_given_out(
    sizes: dict[str, int], percent: int
) -> None:
    every = sum(sizes.values())
    total = size(f"{percent}%", every) if percent else 0
    found = quotas(sizes, total)
    assert sum(found.values()) == total
    for stratum, many in found.items():
        assert 0 <= many <= sizes[stratum]
        assert not every or abs(many - sizes[stratum] * total / every) < 1


def test_the_same_seed_draws_the_same_people_however_the_file_is_sorted() -> None:
    people = [f"C{at}" for at in range(1000)]
    first = draw("a seed", people, 300)
    shuffled = random.Random(1).sample(people, len(people))
    assert len(first) == 300
    assert draw("a seed", shuffled, 300) == first != draw("another", people, 300)


def test_everybody_is_drawn_as_often_as_everybody_else() -> None:
    """3 of 10 in 2,000 draws: each about 600 times (sd 20)."""
    people = [f"C{at}" for at in range(10)]
    hits = Counter(each for seed in range(2000) for each in draw(str(seed), people, 3))
    assert all(500 < hits[each] < 700 for each in people)
