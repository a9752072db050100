"""Follow-ups: the one thing that is edited. Events, their fold, and where both are kept."""

from __future__ import annotations

from .events import Event, Item
from .moves import MOVES, IllegalMove, fold, legal, moved
from .port import Page, Query, Record, Scope, Stale, Unknown

__all__ = [
    "MOVES",
    "Event",
    "IllegalMove",
    "Item",
    "Page",
    "Query",
    "Record",
    "Scope",
    "Stale",
    "Unknown",
    "fold",
    "legal",
    "moved",
]
