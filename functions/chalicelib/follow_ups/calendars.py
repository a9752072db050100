"""Working time: when so many minutes or days of a survey's working calendar have passed.

A day is a working day later at the same time. What is less than a day is counted in open hours, but
is never more than a day: from Friday 17:30 on, ``24h`` end on Monday at 17:30, and ``1h`` on Monday
at 09:30 where doors close at 18:00.

Chinese public holidays and the make-up days that go with them are announced a year at a time, each
November; ``chinesecalendar`` carries those that were. Of a year it does not carry nobody can know:
weekdays are then taken as they are, and ``uncovered`` says so to whoever logs.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from .. import days
from ..survey.contract import WEEKDAYS, Calendar

DAY_MINUTES = 24 * 60
MINUTE_MS = 60 * 1000
FURTHEST = 4000
"""Days that are looked at; no calendar that a survey can name is closed for so long."""


def after(ms: int, minutes: int, calendar: Calendar | None, timezone: str) -> int:
    """The moment at which so much working time has passed since ``ms``."""
    if calendar is None:
        return ms + minutes * MINUTE_MS
    whole, rest = divmod(minutes, DAY_MINUTES)
    ms = _opened(ms, calendar, timezone)
    day = days.local(ms, timezone).date()
    for _ in range(whole):
        later = _next_day(day, calendar)
        ms = _same_time(ms, day, later, calendar, timezone)
        day = later
    next_day = _next_day(day, calendar)
    most = _same_time(ms, day, next_day, calendar, timezone)  # 23h are never due after 24h
    left = rest * MINUTE_MS
    for _ in range(FURTHEST):
        closes = hours(day, calendar, timezone)[1]
        if ms + left <= closes or ms >= most:
            return min(ms + left, most)
        left -= closes - ms
        day = _next_day(day, calendar)
        ms = hours(day, calendar, timezone)[0]
    raise ValueError("this calendar is never open")


def uncovered(ms: int, calendar: Calendar | None, timezone: str) -> int | None:
    """The year of a moment, if the calendar should know its holidays and does not."""
    if calendar is None or calendar.holidays is None:
        return None
    year = days.local(ms, timezone).year
    return None if year in covered() else year


@cache
def covered() -> range:
    """The years whose Chinese holidays are known."""
    years = [day.year for day in _chinese().holidays]
    return range(min(years), max(years) + 1)


def is_working(day: date, calendar: Calendar) -> bool:
    if calendar.holidays == "CN" and day.year in covered():
        known = _chinese()
        if day in known.workdays:  # a make-up day
            return True
        if day in known.holidays:
            return False
    return WEEKDAYS[day.weekday()] in calendar.days


@lru_cache(maxsize=1024)
def _bounds(day: date, hours: str, timezone: str) -> tuple[int, int]:
    zone = ZoneInfo(timezone)
    opens, closes = (time.fromisoformat(part) for part in hours.split("-"))
    return (
        int(datetime.combine(day, opens, zone).timestamp() * 1000),
        int(datetime.combine(day, closes, zone).timestamp() * 1000),
    )


def hours(day: date, calendar: Calendar, timezone: str) -> tuple[int, int]:
    """When a working day begins and ends, as moments."""
    return _bounds(day, calendar.hours, timezone)


def _opened(ms: int, calendar: Calendar, timezone: str) -> int:
    """The moment itself, or the next at which somebody works."""
    day = days.local(ms, timezone).date()
    if is_working(day, calendar):
        opens, closes = hours(day, calendar, timezone)
        if ms < closes:
            return max(ms, opens)
    return hours(_next_day(day, calendar), calendar, timezone)[0]


def _next_day(day: date, calendar: Calendar) -> date:
    for _ in range(FURTHEST):
        day += timedelta(days=1)
        if is_working(day, calendar):
            return day
    raise ValueError("this calendar has no working day")


def _same_time(ms: int, day: date, later: date, calendar: Calendar, timezone: str) -> int:
    """As far into a later working day, by its own clock, as ``ms`` is into its day."""
    at = days.local(ms, timezone)
    assert at.date() == day
    moved = datetime.combine(later, at.time(), ZoneInfo(timezone))
    opens, closes = hours(later, calendar, timezone)
    return min(max(int(moved.timestamp() * 1000), opens), closes)


@cache
def _chinese() -> Any:
    from chinese_calendar import constants  # needed by few, and only where something is due

    return constants
