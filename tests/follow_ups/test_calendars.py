"""Working time: days and hours of a calendar, holidays with make-up days, and clock changes."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.follow_ups.calendars import after, covered, uncovered
from chalicelib.survey import Calendar

OFFICE = Calendar("09:00-18:00")
CHINA = Calendar("09:00-18:00", holidays="CN")
HOUR, DAY = 60, 24 * 60


def at(text: str, zone: str = "Asia/Shanghai") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("since", "minutes", "calendar", "until"),
    [
        ("2026-05-15T17:30", HOUR, OFFICE, "2026-05-18T09:30"),  # Friday to Monday
        ("2026-05-15T17:30", DAY, OFFICE, "2026-05-18T17:30"),
        ("2026-05-15T17:30", 5 * DAY, OFFICE, "2026-05-22T17:30"),
        ("2026-05-15T17:30", DAY + HOUR, OFFICE, "2026-05-19T09:30"),
        ("2026-05-15T06:00", HOUR, OFFICE, "2026-05-15T10:00"),
        ("2026-05-15T23:00", HOUR, OFFICE, "2026-05-18T10:00"),
        ("2026-05-16T12:00", DAY, OFFICE, "2026-05-19T09:00"),  # Saturday
        ("2026-05-15T09:00", 9 * HOUR, OFFICE, "2026-05-15T18:00"),
        ("2026-05-15T12:00", 20 * HOUR, OFFICE, "2026-05-18T12:00"),
        ("2026-05-16T12:00", HOUR, Calendar("08:00-20:00", ["sat"]), "2026-05-16T13:00"),
        # National Day 2026: 1 to 7 October are free, Saturday 10 October is worked instead.
        ("2026-09-30T17:30", HOUR, CHINA, "2026-10-08T09:30"),
        ("2026-10-09T17:30", HOUR, CHINA, "2026-10-10T09:30"),
        ("2026-10-10T17:30", HOUR, CHINA, "2026-10-12T09:30"),
        ("2026-10-09T17:30", HOUR, OFFICE, "2026-10-12T09:30"),
    ],
)
def test_working_time_passes_only_while_people_work(
    since: str, minutes: int, calendar: Calendar, until: str
) -> None:
    assert after(at(since), minutes, calendar, "Asia/Shanghai") == at(until)


def test_without_a_calendar_clocks_run_day_and_night() -> None:
    assert after(5, 60, None, "Asia/Shanghai") == 5 + 60 * 60_000


@pytest.mark.parametrize("day", ["2026-03-28", "2026-10-24"])
def test_a_day_later_is_the_same_time_where_clocks_change(day: str) -> None:
    """Berlin, on the Saturdays before its clocks change: 24 h later on the wall, 23 or 25 h on."""
    zone, everyday = "Europe/Berlin", Calendar("00:00-23:59", ["sat", "sun", "mon"])
    ends = after(at(f"{day}T12:00", zone), DAY, everyday, zone)
    assert datetime.fromtimestamp(ends / 1000, ZoneInfo(zone)).hour == 12
    assert (ends - at(f"{day}T12:00", zone)) / 3_600_000 in (23, 25)


@given(st.integers(0, 60 * 24 * 30), st.integers(0, 60 * 24 * 30), st.integers(0, 10**8))
def test_more_time_is_never_due_earlier_and_a_later_start_neither(a: int, b: int, s: int) -> None:
    start = at("2026-01-01") + s * 100
    less, more = sorted((a, b))
    assert after(start, less, CHINA, "Asia/Shanghai") <= after(start, more, CHINA, "Asia/Shanghai")
    first = after(start, a, CHINA, "Asia/Shanghai")
    assert first <= after(start + b * 60_000, a, CHINA, "Asia/Shanghai")


def test_of_a_year_that_was_not_announced_weekdays_are_worked_and_it_is_said() -> None:
    year = covered().stop
    moment = at(f"{year}-10-01T12:00")
    assert uncovered(moment, CHINA, "Asia/Shanghai") == year
    assert uncovered(at(f"{year - 1}-10-01"), CHINA, "Asia/Shanghai") is None
    assert uncovered(moment, OFFICE, "Asia/Shanghai") is None
    plain = Calendar("09:00-18:00")
    assert after(moment, HOUR, CHINA, "Asia/Shanghai") == after(
        moment, HOUR, plain, "Asia/Shanghai"
    )
