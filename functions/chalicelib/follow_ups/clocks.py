"""When a follow-up's first contact and solution are due, by its rule and its survey's calendar."""

from __future__ import annotations

from ..survey import Contract, Rule
from .calendars import after
from .events import Clock


def started(rule: Rule | None, contract: Contract | None, at: int, kind: str = "call") -> Clock:
    """The clock that starts at a moment. Where nobody can be called there is no first contact."""
    first = rule.first_contact_within if rule else 24 * 60
    whole = rule.resolve_within if rule else 5 * 24 * 60
    due, late = _ends(contract, at, whole)
    if kind != "call":
        return Clock(resolve_due=due, resolve_late=late)
    return Clock(*_ends(contract, at, first), due, late)


def _ends(contract: Contract | None, at: int, minutes: int) -> tuple[int, int]:
    """When it is due, and when it is late: once again as much time later."""
    calendar = contract.calendar if contract else None
    timezone = contract.timezone if contract else "UTC"
    due = after(at, minutes, calendar, timezone)
    return due, after(due, minutes, calendar, timezone)
