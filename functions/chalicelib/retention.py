"""How long a survey keeps what it was told: the first day of each table that is still kept.

Decided from the live contract alone, so that merge, ``load`` and ``purge`` draw the same line.
Tallies and break-offs stay: they are counts, and no person can be found in them.
"""

from __future__ import annotations

from typing import NamedTuple

from . import days
from .days import DAY_MS
from .survey import Contract


class Kept(NamedTuple):
    """Days (``YYYY-MM-DD``) before these are gone; "" where everything is kept."""

    responses: str = ""
    contacts: str = ""


def kept(contract: Contract, now: int) -> Kept:
    if contract.retention is None:
        return Kept()
    responses = _first(contract.retention.responses, now, contract.timezone)
    contacts = _first(contract.retention.contacts, now, contract.timezone)
    return Kept(responses, max(responses, contacts))  # contacts of nobody are of no use


def _first(length: int | None, now: int, timezone: str) -> str:
    return "" if length is None else days.day(now - length * DAY_MS, timezone)
