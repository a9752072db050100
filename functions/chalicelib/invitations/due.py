"""What is due for an invitation at a moment. Pure: told the time, it says what to do."""

from __future__ import annotations

import math
from datetime import datetime, time, timedelta

from .. import days
from ..days import DAY_MS
from .invitation import INTENTS, OVER, Campaign, Invitation, Kind, deadline

LEASE_MS = 2 * 60 * 1000
"""How long whoever put an intent may take to send. After that it was cut off."""
REMINDERS = 2
"""More than these nobody gets, whoever sends them."""
NEVER = math.inf
UNKNOWN: dict[Kind, Kind] = {
    "sending": "uncertain",
    "noticing": "noticed",
    "reminding": "reminded",
}
"""What passes where nobody can tell whether a message went out."""
TRIES = 5
"""Of a channel that may be given a message again."""


def due(
    campaign: Campaign, invitation: Invitation, now: int, *, by_hand: bool = False
) -> Kind | None:
    """The next step, if it is time for it.

    ``by_hand``: somebody asks for reminders now; what limits them stays.
    """
    kind, at = upcoming(campaign, invitation, by_hand=by_hand)
    return kind if at <= now else None


def upcoming(
    campaign: Campaign, invitation: Invitation, *, by_hand: bool = False
) -> tuple[Kind, float]:
    """The next step, and when it is due, in milliseconds since 1970."""
    state = invitation.state
    if state in OVER:
        return state, NEVER
    end = deadline(campaign, invitation)
    kind, at = _next(campaign, invitation, by_hand)
    if end is not None and end <= at:
        return "expired", end
    return kind, at


def settled(
    campaign: Campaign, invitation: Invitation, now: int, *, repeatable: bool
) -> Invitation | None:
    """What becomes of it without anything being sent; None where nothing does.

    ``repeatable``: whether its channel would know a message again. Else nobody can tell whether
    what was cut off went out: an invitation waits for somebody to look, the rest passes as sent.
    """
    kind, at = upcoming(campaign, invitation)
    if at > now:
        return None
    if kind == "expired":
        return invitation.then("expired", now)
    cut_off = _last(invitation)
    if cut_off is None:
        return None
    if not repeatable:
        return invitation.then(UNKNOWN[cut_off[0]], now, "cut off")
    if len(invitation.times(cut_off[0])) >= TRIES:
        return invitation.then("failed", now, "cut off again and again")
    return None


def _next(campaign: Campaign, invitation: Invitation, by_hand: bool) -> tuple[Kind, float]:
    intent = _last(invitation)
    if intent is not None:
        return intent[0], intent[1] + LEASE_MS
    state = invitation.state
    if state == "uncertain":
        return state, NEVER
    if state in ("planned", "noticed"):
        notice = campaign.notice_at if state == "planned" else None
        if notice is not None and notice < invitation.send_at:
            return "noticing", notice
        return "sending", invitation.send_at
    reminded = invitation.times("reminded")
    if len(reminded) >= (REMINDERS if by_hand else campaign.reminders):
        return state, NEVER
    last = max(invitation.times("sent") + reminded, default=invitation.send_at)
    wait = 1 if by_hand else campaign.remind_after_days
    return "reminding", last + wait * DAY_MS


def _last(invitation: Invitation) -> tuple[Kind, int] | None:
    """The intent that nothing is known of yet."""
    for step in reversed(invitation.steps):
        if step.kind in INTENTS:
            return step.kind, step.at
        if step.kind in ("sent", "noticed", "reminded", "uncertain", "again"):
            return None
    return None


def awake(campaign: Campaign, now: int, timezone: str) -> int:
    """The first moment from now on that is not in the quiet hours, on the survey's clocks."""
    start, end = map(time.fromisoformat, campaign.quiet)
    local = days.local(now, timezone)
    clock = local.time()
    quiet = start <= clock < end if start <= end else clock >= start or clock < end
    if not quiet:
        return now
    morning = datetime.combine(local.date(), end, local.tzinfo)
    if clock >= end:
        morning = datetime.combine(local.date() + timedelta(days=1), end, local.tzinfo)
    return int(morning.timestamp() * 1000)
