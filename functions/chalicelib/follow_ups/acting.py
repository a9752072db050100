"""Moves that people make: checked, with the clocks they start, and added to the record."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from ..published import Definitions
from ..storage import Missing
from ..survey import Contract, Rule
from .clocks import started
from .events import SYSTEM, Clock, Event, Item
from .moves import MOVES, IllegalMove, legal
from .port import Record, Stale

DATA = ("to", "team", "channel", "outcome", "note", "cause", "remedy", "reason")
"""What people give with a move."""
LONGEST = 4000


def act(
    record: Record,
    definitions: Definitions,
    id: str,
    version: int,
    move: str,
    data: Mapping[str, str],
    by: str,
    role: str,
    now: int,
) -> Item:
    """Make a move on the follow-up that was seen at ``version``.

    Raises Unknown, Stale, IllegalMove; ValueError where the data are none.
    """
    if not by or by == SYSTEM:
        raise ValueError(f"{by!r} is nobody")
    item = record.get(id)
    if item.version != version:
        raise Stale(item)
    if move not in MOVES:
        raise IllegalMove(f"there is no move `{move}`", legal(item, role))
    event = Event(
        id=id,
        number=version + 1,
        at=now,
        by=by,
        kind=move,
        clock=clock_of(definitions, item, now) if move == "reopen" else None,
    )
    event = replace(event, **checked(data))
    return record.append(id, version, event, role)


def checked(data: Mapping[str, str]) -> dict[str, str]:
    """Raises ValueError, which says what is wrong."""
    for name, value in data.items():
        if name not in DATA:
            raise ValueError(f"a move has no `{name}`; there are: {', '.join(DATA)}")
        if not isinstance(value, str) or len(value) > LONGEST:
            raise ValueError(f"`{name}` must be a text of at most {LONGEST} characters")
    return dict(data)


def clock_of(definitions: Definitions, item: Item, now: int) -> Clock:
    """A fresh clock for a follow-up that is opened again now."""
    rule, contract = rule_of(definitions, item)
    return started(rule, contract, now, item.kind)


def rule_of(definitions: Definitions, item: Item) -> tuple[Rule | None, Contract | None]:
    """The rule as it is now, else as it last was; None where it is in no version any more."""
    try:
        versions = definitions.versions(item.survey)
    except Missing:
        return None, None
    for contract in reversed(versions):
        for rule in contract.follow_ups:
            if rule.id == item.rule:
                return rule, contract
    return None, versions[-1]
