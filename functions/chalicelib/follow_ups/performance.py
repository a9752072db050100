"""How a team follows up: arithmetic on items, pure.

Nobody is left out of a denominator for being hard to reach: who was never spoken to counts as not
contacted in time as soon as that was due. A follow-up that was reopened is measured from the
customer's answer to the last solution, and by its present clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import fmean, median
from typing import TypeAlias

from msgspec import Struct

from ..survey import Contract
from ..survey.questions import Nps
from .events import OPEN, Item

HOUR_MS = 60 * 60 * 1000
DETRACTING = 6
"""Up to this rating customers would not recommend us."""


def promoting(contracts: Iterable[Contract]) -> frozenset[str]:
    """The questions that ask whether somebody would recommend us, of any version."""
    return frozenset(q.id for each in contracts for q in each.questions if isinstance(q, Nps))


def is_detractor(item: Item | Counted, asked: Iterable[str]) -> bool | None:
    """Of those that ``promoting`` found; None where the customer answered none of them."""
    given = [item.scores[name] for name in asked if name in item.scores]
    return any(score <= DETRACTING for score in given) if given else None


class Counted(Struct, frozen=True, kw_only=True):
    """What of a follow-up is counted, by the same names: read alone, it is read twice as fast."""

    survey: str
    assignee: str
    kind: str
    state: str
    outcome: str
    next_due: int | None
    first_contact_due: int | None
    contacted_at: int | None
    resolved_at: int | None
    received_at: int
    reopened: int
    scores: dict[str, int | float]


class Share(Struct, frozen=True):
    n: int
    """Of how many."""
    share: float | None
    """None of nobody."""


class Hours(Struct, frozen=True):
    n: int
    median: float | None
    mean: float | None


class Figures(Struct, frozen=True, kw_only=True):
    items: int
    open: int
    overdue: int
    first_contact_on_time: Share
    """Of those to be called whose first contact was made or is overdue."""
    hours_to_solution: Hours
    """From the customer's answer on."""
    reopened: int
    """Follow-ups that were, at least once."""
    verified_closed: int
    """The customer said it helped."""
    unverified: int
    """Closed, and the customer did not say."""
    unreachable: int
    """Given up, or closed so."""
    detractors: int
    """Follow-ups of customers who would not recommend us (0–6)."""
    recovered_detractors: int
    """Those of them who said it helped."""


Detractor: TypeAlias = Callable[[Item | Counted], bool]


class Tally:
    """Counts items one by one, so that a year of them is never held at once."""

    def __init__(self, now: int, detractor: Detractor) -> None:
        self._now = now
        self._detractor = detractor
        self._count = dict.fromkeys(
            (
                "items", "open", "overdue", "due", "on_time", "reopened", "verified_closed",
                "unverified", "unreachable", "detractors", "recovered",
            ),
            0,
        )  # fmt: skip
        self._hours: list[float] = []

    def add(self, item: Item | Counted) -> None:
        count, now = self._count, self._now
        due, contacted = item.first_contact_due, item.contacted_at
        verified = item.outcome == "verified"
        count["items"] += 1
        count["open"] += item.state in OPEN
        count["overdue"] += item.next_due is not None and item.next_due < now
        if item.kind == "call" and due is not None:
            count["due"] += contacted is not None or due < now
            count["on_time"] += contacted is not None and contacted <= due
        count["reopened"] += item.reopened > 0
        count["verified_closed"] += verified
        count["unverified"] += item.outcome == "unverified"
        count["unreachable"] += "unreachable" in (item.state, item.outcome)
        if self._detractor(item):
            count["detractors"] += 1
            count["recovered"] += verified
        if item.resolved_at is not None:
            self._hours.append((item.resolved_at - item.received_at) / HOUR_MS)

    def join(self, other: Tally) -> None:
        """Count what another has counted."""
        for name, count in other._count.items():
            self._count[name] += count
        self._hours += other._hours

    def figures(self) -> Figures:
        count, hours = self._count, self._hours
        return Figures(
            items=count["items"],
            open=count["open"],
            overdue=count["overdue"],
            first_contact_on_time=_share(count["on_time"], count["due"]),
            hours_to_solution=Hours(
                len(hours), median(hours) if hours else None, fmean(hours) if hours else None
            ),
            reopened=count["reopened"],
            verified_closed=count["verified_closed"],
            unverified=count["unverified"],
            unreachable=count["unreachable"],
            detractors=count["detractors"],
            recovered_detractors=count["recovered"],
        )


def performance(
    items: Iterable[Item | Counted], now: int, detractor: Detractor
) -> tuple[Figures, dict[str, Figures]]:
    """The figures of all, and of each assignee ("" is nobody)."""
    whole, by = Tally(now, detractor), dict[str, Tally]()
    for item in items:
        if item.assignee not in by:
            by[item.assignee] = Tally(now, detractor)
        by[item.assignee].add(item)
    for each in by.values():
        whole.join(each)
    return whole.figures(), {name: by[name].figures() for name in sorted(by)}


def _share(some: int, n: int) -> Share:
    return Share(n, some / n if n else None)
