"""What may be done with a follow-up, and what comes of it: one table, state by move. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec.structs import replace

from ..survey import EchoformError
from .events import (
    ADMIN,
    AGENT,
    CHANNELS,
    LEAD,
    LEVELS,
    MANAGER,
    OUTCOMES,
    SPOKEN,
    STATES,
    SYSTEM,
    WORKED,
    Attempt,
    Clock,
    Event,
    Item,
    Verification,
    blanked,
    timed,
)

ATTEMPTS, WAYS = 3, 2
"""So many attempts over so many channels make a customer unreachable."""


class IllegalMove(EchoformError):
    """The follow-up does not allow this now. ``legal`` are the moves it does allow."""

    def __init__(self, why: str, legal: list[str]) -> None:
        super().__init__(f"{why}; possible now: {', '.join(legal) or 'nothing'}")
        self.why = why
        self.legal = legal


class Move(NamedTuple):
    """From these states, to that one ("": it stays), by these roles, for these kinds."""

    states: frozenset[str]
    to: str
    who: frozenset[str]
    kinds: frozenset[str] = frozenset({"call", "no_contact"})
    needs: tuple[str, ...] = ()
    """Data it cannot be without."""


_STAFF = frozenset({AGENT, LEAD, MANAGER, ADMIN})
_LEADS = _STAFF - {AGENT}
_ITSELF = frozenset({SYSTEM})
_CALL, _NOBODY = frozenset({"call"}), frozenset({"no_contact"})


def _in(*states: str) -> frozenset[str]:
    return frozenset(states)


MOVES: dict[str, list[Move]] = {
    "take": [Move(_in("new", "assigned", "reopened"), "assigned", _STAFF)],
    "assign": [
        Move(_in("new", "assigned", "reopened"), "assigned", _LEADS),
        Move(_in("contacted", "in_progress", "resolved", "unreachable"), "", _LEADS),
    ],
    "call": [
        Move(
            _in("assigned", "contacted", "reopened", "unreachable"), "contacted", _STAFF, _CALL,
            needs=("channel", "outcome"),
        ),
        Move(_in("in_progress"), "", _STAFF, _CALL, needs=("channel", "outcome")),
    ],
    "note": [Move(frozenset(STATES), "", _STAFF, needs=("note",))],
    "start": [
        Move(_in("contacted"), "in_progress", _STAFF),
        Move(_in("assigned", "reopened"), "in_progress", _STAFF, _NOBODY),
    ],
    "resolve": [
        Move(
            _in("contacted", "in_progress"), "resolved", _STAFF, _CALL, needs=("cause", "remedy")
        ),
    ],
    "reopen": [
        Move(_in("resolved", "unreachable"), "reopened", _STAFF, needs=("reason",)),
        Move(_in("verifying", "closed"), "reopened", _LEADS | _ITSELF, needs=("reason",)),
    ],
    "give_up": [
        Move(_in("assigned", "contacted", "in_progress", "reopened"), "unreachable", _STAFF, _CALL)
    ],
    "close": [
        Move(_in("new", "assigned", "in_progress", "reopened"), "closed", _LEADS, _NOBODY),
        Move(_in("unreachable", "resolved"), "closed", _LEADS, _CALL),
    ],
    "escalate": [Move(WORKED, "", _ITSELF, needs=("to",))],
    "verify_sending": [Move(_in("resolved", "verifying"), "", _ITSELF, _CALL)],
    "verify_unsent": [Move(_in("resolved", "verifying"), "", _ITSELF, _CALL)],
    "verify_sent": [Move(_in("resolved"), "verifying", _ITSELF, _CALL, needs=("link",))],
    "verify_failed": [Move(_in("resolved", "verifying"), "", _ITSELF, _CALL, needs=("reason",))],
    "verify_reminded": [Move(_in("verifying"), "", _ITSELF, _CALL)],
    "verified": [Move(_in("verifying", "closed"), "closed", _ITSELF, _CALL, needs=("response",))],
    "unverified": [Move(_in("verifying"), "closed", _ITSELF, _CALL)],
    "erase": [Move(frozenset(STATES), "", _ITSELF)],
}  # fmt: skip
"""Every move after ``open``: where it may be made, where it leads, and who may make it.

``call`` leads on only if the customer was spoken to; ``give_up`` wants three attempts over two
channels; ``close`` of what was resolved is for where the customer cannot be asked."""


def fold(events: Iterable[Event]) -> Item:
    """The follow-up that these events, all of it and in order, make."""
    first, *rest = events
    if first.kind != "open" or first.item is None:
        raise ValueError(f"{first.id}: the first event is no `open`")
    item = first.item
    for event in rest:
        item = moved(item, event)
    return item


def legal(item: Item, role: str) -> list[str]:
    """The moves that somebody of this role can make now."""
    return [name for name in MOVES if _why_not(item, name) is None and _row(item, name, role)]


def moved(item: Item, event: Event, role: str | None = None) -> Item:
    """The follow-up after the event. Raises IllegalMove.

    ``role``: whether somebody of that role may is asked as well.
    """
    move = event.kind
    row = _row(item, move, role)
    why = _why_not(item, move) or _missing(row, event) or _wrong(item, event)
    if row is None or why:
        why = why or f"{role} may not `{move}` what is {item.state}"
        raise IllegalMove(why, legal(item, role or (SYSTEM if event.by == SYSTEM else ADMIN)))
    state = _leads_to(item, row, event)
    item = _EFFECTS.get(move, _nothing)(item, event)
    return timed(replace(item, state=state, version=event.number))


def can_give_up(item: Item) -> bool:
    tried = [
        each for each in item.attempts if each.round == item.reopened and each.outcome not in SPOKEN
    ]
    return len(tried) >= ATTEMPTS and len({each.channel for each in tried}) >= WAYS


def _leads_to(item: Item, row: Move, event: Event) -> str:
    if event.kind == "call" and event.outcome not in SPOKEN:
        return item.state
    if event.kind == "assign" and row.to and not event.to:
        return "new"  # to a team: it waits again for somebody to take it
    return row.to or item.state


def _row(item: Item, move: str, role: str | None) -> Move | None:
    return next(
        (
            row
            for row in MOVES.get(move, ())
            if item.state in row.states
            and item.kind in row.kinds
            and (role is None or role in row.who)
        ),
        None,
    )


def _why_not(item: Item, move: str) -> str | None:
    """What speaks against a move whoever makes it."""
    if move not in MOVES:
        return f"there is no move `{move}`"
    if _row(item, move, None) is None:
        what = "that nobody can be called about " if item.kind == "no_contact" else ""
        return f"a follow-up {what}that is {item.state} allows no `{move}`"
    if move == "give_up" and not can_give_up(item):
        return f"unreachable is who was tried {ATTEMPTS} times over {WAYS} channels in vain"
    if move == "close" and item.state == "resolved" and not item.verification.problem:
        return "the customer is still to be asked whether it helped"
    if move == "verified" and item.state == "closed" and item.outcome != "unverified":
        return "it is not waiting for the customer's answer"
    if move == "verify_failed" and item.verification.problem:
        return "that is known"
    if move == "verify_sending" and item.verification.sending_at is not None:
        return "a message is being sent already"
    if move == "verify_unsent" and item.verification.sending_at is None:
        return "no message is being sent"
    if move == "verify_reminded" and item.verification.reminded_at is not None:
        return "the customer was reminded already"
    if move == "erase" and item.erased:
        return "it is erased already"
    return None


def _missing(row: Move | None, event: Event) -> str | None:
    missing = [name for name in row.needs if not getattr(event, name).strip()] if row else []
    return (
        f"`{event.kind}` needs {' and '.join(f'`{name}`' for name in missing)}" if missing else None
    )


def _wrong(item: Item, event: Event) -> str | None:
    """What speaks against the data of a move."""
    if event.kind == "call":
        if event.channel not in CHANNELS:
            return f"no channel `{event.channel}`: {', '.join(CHANNELS)}"
        if event.outcome not in OUTCOMES:
            return f"no outcome `{event.outcome}`: {', '.join(OUTCOMES)}"
    if event.kind == "assign" and not (event.to or event.team):
        return "`assign` needs `to` or `team`"
    if event.kind == "escalate" and (
        event.to not in LEVELS or LEVELS.index(event.to) <= LEVELS.index(item.escalated)
    ):
        return f"it was escalated to {item.escalated} already"
    if event.kind == "reopen" and event.clock is None:
        return "`reopen` needs a fresh clock"
    if event.number != item.version + 1:
        return f"event {event.number} does not follow {item.version}"
    return None


def _take(item: Item, event: Event) -> Item:
    return replace(item, assignee=event.by, to_lead=False)


def _assign(item: Item, event: Event) -> Item:
    team = event.team or item.assigned_to_team
    return replace(item, assignee=event.to, assigned_to_team=team, to_lead=False)


def _call(item: Item, event: Event) -> Item:
    attempt = Attempt(event.channel, event.outcome, event.at, item.reopened)
    item = replace(
        item, attempts=[*item.attempts, attempt], assignee=item.assignee or event.by, to_lead=False
    )
    if event.outcome in SPOKEN and item.contacted_at is None:
        item = replace(item, contacted_at=event.at)
    return item


def _start(item: Item, event: Event) -> Item:
    return replace(item, assignee=item.assignee or event.by, to_lead=False)


def _resolve(item: Item, event: Event) -> Item:
    return replace(item, resolved_at=event.at, cause=event.cause, remedy=event.remedy)


def _reopen(item: Item, event: Event) -> Item:
    clock = event.clock or Clock()
    return replace(
        item,
        reopened=item.reopened + 1,
        contacted_at=None,
        resolved_at=None,
        closed_at=None,
        escalated="",
        outcome="",
        verification=Verification(response=event.response),
        first_contact_due=clock.first_contact_due,
        first_contact_late=clock.first_contact_late,
        resolve_due=clock.resolve_due,
        resolve_late=clock.resolve_late,
    )


def _close(item: Item, event: Event) -> Item:
    how = "unreachable" if item.state == "unreachable" else "unverified"
    if item.kind == "no_contact":
        how = "no_contact"
    return replace(item, closed_at=event.at, outcome=how)


def _escalate(item: Item, event: Event) -> Item:
    return replace(item, escalated=event.to)


def _verifying(**changes: str) -> Callable[[Item, Event], Item]:
    """Note the event's data, or its time, in the verification."""

    def effect(item: Item, event: Event) -> Item:
        noted = {name: getattr(event, source) for name, source in changes.items()}
        return replace(item, verification=replace(item.verification, **noted))

    return effect


def _over(effect: Callable[[Item, Event], Item]) -> Callable[[Item, Event], Item]:
    """The same, and nothing is being sent any more."""

    def over(item: Item, event: Event) -> Item:
        asked = replace(item.verification, sending_at=None, unsent_at=None)
        return effect(replace(item, verification=asked), event)

    return over


def _verified(item: Item, event: Event) -> Item:
    item = _verifying(response="response")(item, event)
    return replace(item, closed_at=item.closed_at or event.at, outcome="verified")


def _unverified(item: Item, event: Event) -> Item:
    return replace(item, closed_at=event.at, outcome="unverified")


def _erase(item: Item, event: Event) -> Item:
    return blanked(replace(item, erased=True))


def _nothing(item: Item, event: Event) -> Item:
    return item


_EFFECTS: dict[str, Callable[[Item, Event], Item]] = {
    "take": _take,
    "assign": _assign,
    "call": _call,
    "start": _start,
    "resolve": _resolve,
    "reopen": _reopen,
    "close": _close,
    "escalate": _escalate,
    "verify_sending": _verifying(sending_at="at"),
    "verify_unsent": _over(_verifying(unsent_at="at")),
    "verify_sent": _over(_verifying(sent_at="at", link="link")),
    "verify_failed": _over(_verifying(problem="reason")),
    "verify_reminded": _over(_verifying(reminded_at="at")),
    "verified": _verified,
    "unverified": _unverified,
    "erase": _erase,
}
