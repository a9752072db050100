"""A wave as people write it, and the days that it has."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

from .survey import EchoformError


class NoPeriod(EchoformError):
    """A text names no days. The message says how they are written."""


def window(text: str) -> tuple[str, str]:
    """First and last day of ``2026``, ``2026-Q3``, ``2026-09``, ``2026-W38``, ``2026-09-14`` or
    ``2026-09-01..2026-09-30``. Raises NoPeriod."""
    first, dots, last = text.partition("..")
    try:
        if dots:
            start, end = date.fromisoformat(first), date.fromisoformat(last)
        elif re.fullmatch(r"[0-9]{4}", text):
            start, end = date(int(text), 1, 1), date(int(text), 12, 31)
        elif match := re.fullmatch(r"([0-9]{4})-Q([1-4])", text):
            year, quarter = map(int, match.groups())
            start, end = date(year, 3 * quarter - 2, 1), _month_end(year, 3 * quarter)
        elif match := re.fullmatch(r"([0-9]{4})-([0-9]{2})", text):
            year, month = map(int, match.groups())
            start, end = date(year, month, 1), _month_end(year, month)
        elif match := re.fullmatch(r"([0-9]{4})-W([0-9]{2})", text):
            year, week = map(int, match.groups())
            start = date.fromisocalendar(year, week, 1)
            end = start + timedelta(days=6)
        else:
            start = end = date.fromisoformat(text)
            if end.isoformat() != text:
                raise ValueError
    except (ValueError, OverflowError):
        raise NoPeriod(
            f"{text!r} is no wave; write 2026, 2026-Q3, 2026-09, 2026-W38, 2026-09-14 or "
            "2026-09-01..2026-09-30"
        ) from None
    if start > end:
        raise NoPeriod(f"{text!r} ends before it begins")
    return start.isoformat(), end.isoformat()


def _month_end(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])
