"""What a follow-up is: the fold of its events. Pure, the same wherever they are kept.

=================  =====================================================================
new                waits in its team's queue
assigned           somebody has it
contacted          the customer was spoken to
in_progress        is being put right
resolved           done, as we see it; the customer is asked next
verifying          the customer was asked whether it helped
closed             how, says ``outcome``
unreachable        three attempts over two channels reached nobody; a lead closes it
reopened           it did not help; everything begins again, with fresh clocks
=================  =====================================================================

A follow-up of kind ``no_contact`` has nobody to call: it has no first contact and no verification,
and a lead closes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from msgspec import Struct
from msgspec.structs import replace

from ..days import DAY_MS

SYSTEM = "system"
AGENT, LEAD, MANAGER, ADMIN = "agent", "lead", "manager", "admin"

STATES = (
    "new", "assigned", "contacted", "in_progress", "resolved", "verifying", "closed",
    "unreachable", "reopened",
)  # fmt: skip
WORKED = frozenset({"new", "assigned", "contacted", "in_progress", "reopened"})
"""In these, clocks run."""
OPEN = frozenset(STATES) - {"closed"}

CHANNELS = ("phone", "sms", "email", "wechat", "visit", "other")
OUTCOMES = ("reached", "refused", "no_answer", "wrong_number")
SPOKEN = frozenset({"reached", "refused"})
"""Outcomes by which there was a first contact."""
PRIORITIES = ("urgent", "high", "normal")
LEVELS = ("", LEAD, MANAGER)
LEASE_MS = 15 * 60 * 1000
"""After so long whoever was sending has ended. As long it is until a channel is tried again."""


class Clock(Struct, frozen=True, omit_defaults=True):
    """When things are due, in milliseconds since 1970; None: never.

    ``late`` is when the manager is told too: once again as much time after it was due.
    """

    first_contact_due: int | None = None
    first_contact_late: int | None = None
    resolve_due: int | None = None
    resolve_late: int | None = None


class Attempt(Struct, frozen=True):
    channel: str
    outcome: str
    at: int
    round: int
    """How often it had been reopened before."""


class Verification(Struct, frozen=True):
    """Asking the customer whether it helped, in this round."""

    sending_at: int | None = None
    """A message is about to go out by a channel that cannot know it again, or did: who was cut off
    there does not send it twice."""
    unsent_at: int | None = None
    """Its channel took nothing."""
    sent_at: int | None = None
    reminded_at: int | None = None
    link: str = ""
    """Hash of the link's code."""
    response: str = ""
    """The answer."""
    problem: str = ""
    """Why nobody can be asked: ``no_address``, ``no_survey``, ``opted_out``,
    ``undeliverable``."""


class Item(Struct, frozen=True, kw_only=True):
    """A follow-up as it is now. Times in milliseconds since 1970."""

    id: str
    survey: str
    response: str
    rule: str
    title: dict[str, str] = {}
    """By language."""
    priority: str = "normal"
    kind: str = "call"
    """Or ``no_contact``."""
    state: str = "new"
    agent: str = ""
    """Who served the customer."""
    team: str = ""
    """Whose service it was."""
    assignee: str = ""
    assigned_to_team: str = ""
    to_lead: bool = False
    """Whether it waits for the team's lead, not for anybody in the team."""
    facts: dict[str, str] = {}
    """What the link knew, without the customer."""
    scores: dict[str, int | float] = {}
    """Ratings by question."""
    index: float | None = None
    comment: str = ""
    customer_masked: str = ""
    language: str = ""
    received_at: int = 0
    opened_at: int = 0
    first_contact_due: int | None = None
    first_contact_late: int | None = None
    resolve_due: int | None = None
    resolve_late: int | None = None
    next_due: int | None = None
    """The earlier of what is still to be done; None where nothing is. Sorts the queue."""
    contacted_at: int | None = None
    resolved_at: int | None = None
    closed_at: int | None = None
    cause: str = ""
    remedy: str = ""
    attempts: list[Attempt] = []
    reopened: int = 0
    """How often."""
    escalated: str = ""
    """To whom, in this round: "", lead or manager."""
    verify_with: str = ""
    """The survey that asks whether it helped."""
    verify_days: int = 3
    """So long an answer is waited for, before and after reminding."""
    verification: Verification = Verification()
    outcome: str = ""
    """How it was closed: verified, unverified, unreachable, no_contact."""
    erased: bool = False
    """The person was erased: what is left is for counting."""
    alarm_at: int | None = None
    """When there is next something to do by itself: escalate, verify, remind, give up waiting."""
    version: int = 1
    """Number of its events."""


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened to a follow-up. ``number`` counts from 1; ``by`` is who, or ``system``."""

    id: str
    number: int
    at: int
    by: str
    kind: str
    item: Item | None = None
    """With ``open``: the follow-up as it began."""
    clock: Clock | None = None
    """With ``reopen``: the fresh clock."""
    to: str = ""
    """With ``assign``: who; with ``escalate``: lead or manager."""
    team: str = ""
    """With ``assign``: another team, or only a team."""
    channel: str = ""
    outcome: str = ""
    note: str = ""
    cause: str = ""
    remedy: str = ""
    reason: str = ""
    link: str = ""
    response: str = ""


TEXTS = ("note", "cause", "remedy", "reason")
"""What people write in events: the first that erasing blanks."""


def item_id(survey: str, response: str, rule: str) -> str:
    """The same for one response and rule, always; letters, digits and one dash."""
    return f"{response}-{sha256(f'{survey} {rule}'.encode()).hexdigest()[:8]}"


def opened(item: Item, at: int, by: str = SYSTEM) -> Event:
    """The event a follow-up begins with."""
    item = timed(replace(item, opened_at=at, version=1))
    return Event(id=item.id, number=1, at=at, by=by, kind="open", item=item)


def blanked(item: Item) -> Item:
    """Without anything that says who the customer is or what they said."""
    return replace(item, comment="", customer_masked="", cause="", remedy="", facts={})


def scrubbed(event: Event) -> Event:
    """An event without what people wrote in it. What the system says is a word of ours, and the
    item that its events make keeps it."""
    item = event.item and blanked(event.item)
    texts = () if event.by == SYSTEM else TEXTS
    return replace(
        event, item=item, **{name: "-" if getattr(event, name) else "" for name in texts}
    )


def timed(item: Item) -> Item:
    """With what is due next, for people and by itself."""
    return replace(item, next_due=_least(_running(item, "due")), alarm_at=_alarm(item))


def _running(item: Item, when: str) -> list[int | None]:
    """The times of what is still to be done: ``when`` is ``due`` or ``late``."""
    if item.state not in WORKED:
        return []
    first = getattr(item, f"first_contact_{when}") if item.contacted_at is None else None
    return [first, getattr(item, f"resolve_{when}")]


def _alarm(item: Item) -> int | None:
    asked = item.verification
    if item.erased:
        return None
    if item.state in ("resolved", "verifying") and asked.sending_at is not None:
        return asked.sending_at + LEASE_MS
    tried = 0 if asked.unsent_at is None else asked.unsent_at + LEASE_MS
    if item.state == "resolved":
        return None if asked.problem else max(item.resolved_at or 0, tried)
    if item.state == "verifying":
        since = asked.reminded_at if asked.reminded_at is not None else asked.sent_at
        return max((since or 0) + item.verify_days * DAY_MS, tried)
    if item.escalated == MANAGER:
        return None
    return _least(_running(item, "late" if item.escalated == LEAD else "due"))


def _least(times: Iterable[int | None]) -> int | None:
    return min((time for time in times if time is not None), default=None)
