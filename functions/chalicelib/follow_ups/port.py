"""The port of the record: events of follow-ups, only ever added to, and the items they make.

Two adapters, SQLite and DynamoDB, hold to one contract test. Versions are optimistic: whoever moves
an item says which version they saw, and one of two at once is told that it has moved.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec
from msgspec import Struct

from ..survey import EchoformError
from .events import OPEN, Event, Item
from .performance import Counted

MOST = 200
"""Items on a page."""
NEVER = 1 << 53
"""What sorts where nothing is due: after everything."""


class Unknown(EchoformError):
    """There is no such follow-up."""


class Stale(EchoformError):
    """Somebody else was first. ``item`` is as it is now."""

    def __init__(self, item: Item) -> None:
        super().__init__(f"{item.id} has moved since: it is {item.state} now")
        self.item = item


class Scope(Struct, frozen=True):
    """Whose follow-ups: those for which any of these holds."""

    people: tuple[str, ...] = ()
    """Assigned to, or of a service by, one of them."""
    teams: tuple[str, ...] = ()
    """Assigned to, or of a service by, one of these teams."""
    pools: tuple[str, ...] = ()
    """Waiting in one of these teams for anybody to take (not for its lead)."""


class Query(Struct, frozen=True, kw_only=True):
    """Which follow-ups; what is left empty does not matter."""

    scope: Scope | None = None
    """None: everybody's."""
    assignee: str = ""
    team: str = ""
    """Assigned to this team."""
    states: tuple[str, ...] = ()
    priority: str = ""
    survey: str = ""
    due_before: int | None = None
    """Overdue at this moment."""
    opened_from: int | None = None
    opened_to: int | None = None
    """Before this moment."""
    text: str = ""
    """Somewhere in its title, comment, masked customer, facts or id; case does not count."""


class Page(Struct, frozen=True):
    items: list[Item]
    next: str | None
    """The cursor of the page after; None at the end."""


class Counts(Struct, frozen=True):
    open: int
    overdue: int


class Row(Struct, frozen=True, omit_defaults=True):
    """What a record holds, one by one, so that it can be copied to another: ``kind`` is ``item``,
    ``event``, ``forgotten`` (an id) or ``revoked`` (a person, and when)."""

    kind: str
    id: str
    number: int = 0
    body: str = ""


class Record(Protocol):
    """Keeps follow-ups."""

    def rows(self) -> Iterator[Row]:
        """All there is, in no order."""
        ...

    def put(self, rows: Iterable[Row]) -> None:
        """Put rows of another record in. A follow-up that is here and as far stays as it is."""
        ...

    def open(self, event: Event) -> bool:
        """Begin a follow-up with its ``open`` event. False, and nothing done, where it is there
        already or was forgotten."""
        ...

    def append(self, id: str, version: int, event: Event, role: str | None = None) -> Item:
        """Add an event to the follow-up that was seen at ``version``; its number is set here.

        Raises Unknown, Stale (carrying the item now), IllegalMove (also where nobody of ``role``
        may).
        """
        ...

    def get(self, id: str) -> Item:
        """Raises Unknown."""
        ...

    def history(self, id: str) -> list[Event]:
        """Every event, oldest first. Raises Unknown."""
        ...

    def page(self, query: Query, cursor: str | None = None, limit: int = MOST) -> Page:
        """In the order of ``next_due``, what is overdue first; raises ValueError for a cursor that
        is none of ours."""
        ...

    def scan(self, query: Query) -> Iterator[Item | Counted]:
        """All that a query finds, in one pass and in no order: what figures need of them."""
        ...

    def counts(self, query: Query, now: int) -> Counts:
        """How many of them are open, and overdue."""
        ...

    def alarmed(self, now: int, after: tuple[int, str] = (0, ""), limit: int = 1000) -> list[Item]:
        """Those that have something to do by themselves by now, the longest waiting first.

        ``after``: ``alarm_at`` and id of the last that was seen.
        """
        ...

    def unlanded(self, after: tuple[int, str] = (0, ""), limit: int = 1000) -> list[Item]:
        """Those that moved since they were landed as a table, the first opened first.

        ``after``: ``opened_at`` and id of the last that was seen.
        """
        ...

    def landed(self, id: str, version: int) -> None:
        """It was landed as it was at this version; one that moved since is still to be."""
        ...

    def forget(self, id: str, at: int) -> bool:
        """Take out what is personal, for good: also one opened later under this id stays out.

        Says whether there was one.
        """
        ...

    def revoke(self, sub: str, at: int) -> None:
        """Tokens that this person was given before ``at`` are not good any more."""
        ...

    def revoked_since(self, sub: str) -> int:
        """Tokens older than this (milliseconds) are not good; 0: nothing was revoked."""
        ...


def every(record: Record, query: Query) -> Iterator[Item]:
    """All that a query finds, page by page."""
    cursor = None
    while True:
        page = record.page(query, cursor)
        yield from page.items
        if page.next is None:
            return
        cursor = page.next


def due_key(item: Item) -> tuple[int, str]:
    """What pages are sorted by."""
    return (NEVER if item.next_due is None else item.next_due, item.id)


def cursor_of(item: Item) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(due_key(item))).decode().rstrip("=")


def read_cursor(cursor: str | None) -> tuple[int, str]:
    """What the page begins after. Raises ValueError."""
    if not cursor:
        return (0, "")
    try:
        data = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        due, id = msgspec.json.decode(data, type=tuple[int, str])
    except (ValueError, msgspec.MsgspecError):
        raise ValueError(f"not a cursor: {cursor!r}") from None
    return (due, id)


def searched(item: Item) -> str:
    """The text that queries look in."""
    parts: Iterable[str] = [
        item.id, *item.title.values(), item.comment, item.customer_masked, *item.facts.values(),
    ]  # fmt: skip
    return "\n".join(parts).casefold()


def matches(item: Item, query: Query) -> bool:
    """Whether a query means this item: for adapters whose store cannot say all of it, and tests."""
    scope = query.scope
    due = item.next_due
    return (
        (scope is None or in_scope(item, scope))
        and query.assignee in ("", item.assignee)
        and query.team in ("", item.assigned_to_team)
        and (not query.states or item.state in query.states)
        and query.priority in ("", item.priority)
        and query.survey in ("", item.survey)
        and (query.due_before is None or due is not None and due < query.due_before)
        and (query.opened_from is None or item.opened_at >= query.opened_from)
        and (query.opened_to is None or item.opened_at < query.opened_to)
        and query.text.casefold() in searched(item)
    )


def in_scope(item: Item, scope: Scope) -> bool:
    """Whether the follow-up is within somebody's reach."""
    teams = {item.assigned_to_team, item.team} - {""}
    waits = not item.assignee and not item.to_lead and item.state in OPEN
    return bool(
        {item.assignee, item.agent} - {""} & set(scope.people)
        or teams & set(scope.teams)
        or (waits and item.assigned_to_team and item.assigned_to_team in scope.pools)
    )
