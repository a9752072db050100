"""A team's figures, counted by hand."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.follow_ups.events import Item
from chalicelib.follow_ups.performance import Hours, Share, performance

HOUR = 60 * 60 * 1000
NOW = 100 * HOUR


def item(number: int, **more: Any) -> Item:
    """Answered at hour 10, to be called by hour 11 and solved by hour 34."""
    times = {"received_at": 10 * HOUR, "first_contact_due": 11 * HOUR, "resolve_due": 34 * HOUR}
    held = {"id": f"i{number}", "survey": "s", "response": "r", "rule": "x", **times}
    return Item(**held | more)


ITEMS = [
    # called in time, solved after 4 hours, the customer said it helped; a detractor
    item(1, assignee="A1", state="closed", outcome="verified", contacted_at=11 * HOUR,
         resolved_at=14 * HOUR, scores={"recommend": 6}),
    # called late, solved after 10 hours, no answer to whether it helped; a passive
    item(2, assignee="A1", state="closed", outcome="unverified", contacted_at=12 * HOUR,
         resolved_at=20 * HOUR, scores={"recommend": 7}),
    # never reached, closed as unreachable; a detractor
    item(3, assignee="A2", state="closed", outcome="unreachable", scores={"recommend": 0}),
    # given up, not closed yet; reopened once before
    item(4, assignee="A2", state="unreachable", reopened=1),
    # overdue, never called
    item(5, assignee="A2", state="assigned", next_due=11 * HOUR),
    # not due yet: in no denominator of first contacts
    item(6, state="new", first_contact_due=NOW + 1, next_due=NOW + 1),
    # nobody to call: in none either; solved things are
    item(7, kind="no_contact", state="closed", outcome="no_contact", first_contact_due=None),
    # solved after 40 hours, verified the second time
    item(8, assignee="A1", state="closed", outcome="verified", reopened=2, contacted_at=11 * HOUR,
         resolved_at=50 * HOUR),
]  # fmt: skip


def detractor(one: Item) -> bool:
    return one.scores.get("recommend", 10) <= 6


def test_figures_as_counted_by_hand() -> None:
    whole, by = performance(ITEMS, NOW, detractor)
    assert whole.items == 8
    assert whole.open == 3
    assert whole.overdue == 1
    assert whole.first_contact_on_time == Share(6, 2 / 6), "whoever was never reached counts"
    assert whole.hours_to_solution == Hours(3, 10.0, 18.0)
    assert whole.reopened == 2
    assert (whole.verified_closed, whole.unverified, whole.unreachable) == (2, 1, 2)
    assert (whole.detractors, whole.recovered_detractors) == (2, 1)
    assert list(by) == ["", "A1", "A2"]
    assert by["A1"].first_contact_on_time == Share(3, 2 / 3)
    assert by["A2"].hours_to_solution == Hours(0, None, None)
    assert by[""].items == 2


@pytest.mark.parametrize(
    ("contacted", "now", "expected"),
    [
        (11 * HOUR, NOW, Share(1, 1.0)),
        (11 * HOUR + 1, NOW, Share(1, 0.0)),
        (None, 11 * HOUR, Share(0, None)),
        (None, 11 * HOUR + 1, Share(1, 0.0)),
    ],
)
def test_on_time_is_up_to_the_moment_it_is_due(
    contacted: int | None, now: int, expected: Share
) -> None:
    found, _ = performance([item(1, contacted_at=contacted)], now, detractor)
    assert found.first_contact_on_time == expected


def test_parts_add_up_to_the_whole() -> None:
    whole, by = performance(ITEMS * 3, NOW, detractor)
    for name in ("items", "open", "overdue", "reopened", "unreachable", "detractors"):
        assert getattr(whole, name) == sum(getattr(each, name) for each in by.values())


def test_of_nothing_there_are_no_shares() -> None:
    whole, by = performance([], NOW, detractor)
    assert (whole.first_contact_on_time, whole.hours_to_solution.n, by) == (Share(0, None), 0, {})
