"""Who may do what: one table, role by act, and nothing that is not in it.

========  ===================================================================================
agent     their own customers: items whose ``agent`` or ``assignee`` they are, and what was
          given to a team of theirs and is nobody's yet
lead      all of their teams
manager   everything
admin     everything
========  ===================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Protocol

from msgspec import Struct


class Reach(IntEnum):
    """How far an act goes; each reach holds the one before it."""

    NONE = 0
    OWN = 1
    TEAM = 2
    ALL = 3


_AGENT = {"me": Reach.ALL, "queue": Reach.OWN, "item": Reach.OWN, "act": Reach.OWN}
_AGENT |= {"contact": Reach.OWN, "feedback": Reach.OWN}
_LEAD = dict.fromkeys(_AGENT, Reach.TEAM) | {"me": Reach.ALL, "team": Reach.TEAM}
_LEAD |= {"bulk": Reach.TEAM}

MAY: Mapping[str, Mapping[str, Reach]] = MappingProxyType(
    {
        "agent": _AGENT,
        "lead": _LEAD,
        "manager": dict.fromkeys(_LEAD, Reach.ALL),
        "admin": dict.fromkeys(_LEAD, Reach.ALL),
    }
)
"""The acts of each role, and how far each reaches."""

RANK = (*MAY,)
"""The roles, from the least on."""


class Person(Struct, frozen=True, kw_only=True):
    """Whoever a token speaks for."""

    sub: str
    role: str
    teams: list[str] = []
    language: str = ""
    expires_at: int = 0
    """Milliseconds since 1970."""


class Held(Protocol):
    """What an item says of whose it is. Empty strings are nobody."""

    @property
    def agent(self) -> str: ...
    @property
    def team(self) -> str: ...
    @property
    def assignee(self) -> str: ...
    @property
    def assigned_to_team(self) -> str: ...


def reach(person: Person, act: str) -> Reach:
    """How far this person may go in the act; an unknown role or act goes nowhere."""
    return MAY.get(person.role, {}).get(act, Reach.NONE)


def may(person: Person, act: str, item: Held) -> bool:
    """Whether this person may do that to the item."""
    return reach(person, act) >= _distance(person, item)


def _distance(person: Person, item: Held) -> Reach:
    """The least reach that gets to the item."""
    if person.sub and person.sub in (item.agent, item.assignee):
        return Reach.OWN
    if item.assigned_to_team in person.teams and item.assigned_to_team and not item.assignee:
        return Reach.OWN
    mine = {team for team in person.teams if team}
    return Reach.TEAM if mine & {item.team, item.assigned_to_team} else Reach.ALL
