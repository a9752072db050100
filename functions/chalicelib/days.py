"""Which day a moment belongs to, where the survey is."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

_zone = cache(ZoneInfo)
DAY_MS = 24 * 60 * 60 * 1000
_QUARTER = 15 * 60 * 1000


def day(ms: int, timezone: str) -> str:
    """The local day (``YYYY-MM-DD``) of a moment in milliseconds since 1970."""
    return _day(ms // _QUARTER, timezone)


def is_day(text: str) -> bool:
    """Whether this is a day as it is written here."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def local(ms: int, timezone: str) -> datetime:
    """The moment on the survey's clocks."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(_zone(timezone))


def quarter(ms: int, timezone: str) -> datetime:
    """The quarter of an hour a moment lies in, on the survey's clocks.

    Clocks change at quarters only, so day and hour are the moment's own; and what many answers
    share is worked out once.
    """
    return _quarter(ms // _QUARTER, timezone)


@lru_cache(maxsize=4096)
def _day(number: int, timezone: str) -> str:
    return _quarter(number, timezone).date().isoformat()


@lru_cache(maxsize=4096)
def _quarter(number: int, timezone: str) -> datetime:
    return local(number * _QUARTER, timezone)


def start(ms: int, timezone: str) -> int:
    """The first moment of a moment's local day, both in milliseconds since 1970."""
    midnight = local(ms, timezone).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(midnight.timestamp() * 1000)
