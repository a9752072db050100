"""Which day a moment belongs to, where the survey is."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

_zone = cache(ZoneInfo)


def day(ms: int, timezone: str) -> str:
    """The local day (``YYYY-MM-DD``) of a moment in milliseconds since 1970."""
    return local(ms, timezone).strftime("%Y-%m-%d")


def local(ms: int, timezone: str) -> datetime:
    """The moment on the survey's clocks."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(_zone(timezone))
