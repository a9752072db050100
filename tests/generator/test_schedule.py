"""When what goes out, on the survey's clocks."""

from __future__ import annotations

import pytest

from chalicelib.days import DAY_MS
from generator.schedule import Untimely, quiet, schedule, shown

ZONE = "Asia/Shanghai"
NOON = 1_780_286_400_000
"""12:00 in Shanghai on 1 June 2026."""


def times(**said: str) -> list[str]:
    found = schedule(ZONE, NOON, **said)
    return [shown(ms, ZONE) if ms is not None else "" for ms in found]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ["2026-06-01 12:00", "", "2026-06-15 23:59"]),
        ({"send_at": "2026-06-10"}, ["2026-06-10 09:00", "", "2026-06-24 23:59"]),
        ({"notice": "3d"}, ["2026-06-04 12:00", "2026-06-01 12:00", "2026-06-18 23:59"]),
        (
            {"send_at": "2026-06-10 10:30", "notice": "5d", "window": "7d"},
            ["2026-06-10 10:30", "2026-06-05 10:30", "2026-06-17 23:59"],
        ),
        ({"window": "12h"}, ["2026-06-01 12:00", "", "2026-06-02 23:59"]),
        ({"deadline": "2026-06-03"}, ["2026-06-01 12:00", "", "2026-06-03 23:59"]),
        ({"deadline": "2026-06-03 18:00"}, ["2026-06-01 12:00", "", "2026-06-03 18:00"]),
        ({"send_at": "2026-06-01 11:30"}, ["2026-06-01 11:30", "", "2026-06-15 23:59"]),
    ],
)
def test_a_window_ends_with_its_last_day(said: dict[str, str], expected: list[str]) -> None:
    """Whoever reads "until 15 June" has all of the 15th."""
    assert times(**said) == expected


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"send_at": "2026-06-01 10:30"}, "over already"),
        ({"send_at": "2026-06-03", "notice": "3d"}, "should be out already"),
        ({"send_at": "2026-06-03", "deadline": "2026-06-02"}, "before the invitations"),
        ({"window": "0d"}, "write 3d or 12h"),
        ({"deadline": "3d"}, "write 2026-05-20"),
        ({"send_at": "2026-06-31"}, "write 2026-05-20"),
    ],
)
def test_times_that_cannot_be_are_refused(said: dict[str, str], why: str) -> None:
    with pytest.raises(Untimely, match=why):
        schedule(ZONE, NOON, **said)


def test_a_window_is_counted_in_days_where_clocks_change() -> None:
    """Berlin, 25 October 2026: a day of 25 hours."""
    begin = 1_792_483_200_000  # 10:00 on 20 October
    assert shown(schedule("Europe/Berlin", begin, window="7d").deadline, "Europe/Berlin") == (
        "2026-10-27 23:59"
    )
    assert begin % DAY_MS == 8 * 3_600_000


def test_quiet_hours_are_two_times_of_day_or_none() -> None:
    assert quiet("22:30-08:00") == ("22:30", "08:00")
    assert quiet("none") == ("00:00", "00:00")
    for wrong in ("9-21", "21:00", "25:00-09:00", "21:00-09:00-10:00"):
        with pytest.raises(Untimely):
            quiet(wrong)
