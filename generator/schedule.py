"""When what goes out: the notice, the invitation, and the end."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from chalicelib import days
from chalicelib.days import DAY_MS
from chalicelib.survey import EchoformError

_SPAN = re.compile(r"([1-9][0-9]{0,3})\s*([dh])")
_HOURS = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_MORNING = "09:00"
"""When a day begins for messages: nobody wants one at midnight."""


class Untimely(EchoformError):
    """Times that cannot be, or contradict each other. Says how to write them."""


class Schedule(NamedTuple):
    """Milliseconds since 1970."""

    send_at: int
    notice_at: int | None
    deadline: int


def schedule(
    timezone: str,
    now: int,
    send_at: str | None = None,
    notice: str | None = None,
    window: str | None = None,
    deadline: str | None = None,
) -> Schedule:
    """The times asked for. Without ``send_at`` it begins now, with the notice if there is one.

    A window ends with the day it reaches: a message that says "until Friday" means all of it.
    Raises Untimely.
    """
    ahead = span(notice) if notice else 0
    send = moment(send_at, timezone) if send_at else now + ahead
    if send < now - DAY_MS // 24:
        raise Untimely(f"--send-at {send_at} is over already")
    if ahead and send - ahead < now - DAY_MS // 24:
        raise Untimely(
            f"a notice {notice} before {send_at} should be out already; take a later --send-at"
        )
    if window and deadline:
        raise Untimely("say either --window or --deadline")
    end = moment(deadline, timezone, end=True) if deadline else send + span(window or "14d")
    end = _end_of_day(end, timezone) if not deadline else end
    if end <= send:
        raise Untimely(f"--deadline {deadline} is before the invitations go out")
    return Schedule(send, send - ahead if ahead else None, end)


def span(text: str) -> int:
    """Milliseconds of ``3d`` or ``12h``. Raises Untimely."""
    if found := _SPAN.fullmatch(text.strip()):
        return int(found[1]) * (DAY_MS if found[2] == "d" else DAY_MS // 24)
    raise Untimely(f"{text!r} is no span of time; write 3d or 12h")


def moment(text: str, timezone: str, *, end: bool = False) -> int:
    """``2026-05-20 10:00`` on the survey's clocks; a day alone is its morning, or its ``end``."""
    said = text.strip().replace("T", " ")
    try:
        day, _, time = said.partition(" ")
        found = datetime.strptime(f"{day} {time or _MORNING}", "%Y-%m-%d %H:%M")
    except ValueError:
        raise Untimely(f"{text!r} is no time; write 2026-05-20 or '2026-05-20 10:00'") from None
    ms = round(found.replace(tzinfo=ZoneInfo(timezone)).timestamp() * 1000)
    return _end_of_day(ms, timezone) if end and not time else ms


def quiet(text: str) -> tuple[str, str]:
    """``21:00-09:00`` as its ends; ``none`` ends as it begins. Raises Untimely."""
    ends = ("00:00-00:00" if text == "none" else text).split("-")
    if len(ends) != 2 or not all(map(_HOURS.fullmatch, ends)):
        raise Untimely(f"--quiet {text}: write 21:00-09:00, or none")
    return ends[0], ends[1]


def shown(ms: int, timezone: str) -> str:
    """As people read it, on the survey's clocks."""
    return f"{days.local(ms, timezone):%Y-%m-%d %H:%M}"


def _end_of_day(ms: int, timezone: str) -> int:
    """The last minute of the day, so that it reads as that day."""
    after = days.local(ms, timezone).date() + timedelta(days=1)
    midnight = datetime(after.year, after.month, after.day, tzinfo=ZoneInfo(timezone))
    return round(midnight.timestamp() * 1000) - 60_000
