"""Who may do what: one table, role by act, and nothing that is not in it.

========  ===================================================================================
agent     their own customers: items whose ``agent`` or ``assignee`` they are, and what was
          given to a team of theirs and is nobody's yet
lead      all of their teams
manager   everything
admin     everything
========  ===================================================================================

Of improvement actions an agent sees those they own and those about themselves alone, and notes and
carries out what they own; a lead also has those of their teams. What is about all of a survey, or
about another team, is its managers'.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

from msgspec import Struct

from ..actions import Action
from ..follow_ups.events import Item
from ..follow_ups.port import Scope, in_scope
from ..survey import EchoformError


class Reach(IntEnum):
    """How far an act goes; each reach holds the one before it."""

    NONE = 0
    OWN = 1
    TEAM = 2
    ALL = 3


_AGENT = {"me": Reach.ALL, "queue": Reach.OWN, "item": Reach.OWN, "act": Reach.OWN}
_AGENT |= {"contact": Reach.OWN, "feedback": Reach.OWN}
_AGENT |= {"actions": Reach.OWN, "improve": Reach.OWN}
_LEAD = dict.fromkeys(_AGENT, Reach.TEAM) | {"me": Reach.ALL, "team": Reach.TEAM}
_LEAD |= {"bulk": Reach.TEAM, "open_action": Reach.TEAM}

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


class NotAllowed(EchoformError):
    """This person may not do this, or not to that. Carries the act."""

    def __init__(self, act: str) -> None:
        super().__init__(act)
        self.act = act


def reach(person: Person, act: str) -> Reach:
    """How far this person may go in the act; an unknown role or act goes nowhere."""
    return MAY.get(person.role, {}).get(act, Reach.NONE)


def scope(person: Person, act: str) -> Scope | None:
    """The follow-ups on which this person may act so; None is all. Raises NotAllowed.

    The list, and the look at one item, ask this one function.
    """
    teams = tuple(team for team in person.teams if team)
    match reach(person, act):
        case Reach.NONE:
            raise NotAllowed(act)
        case Reach.OWN:
            return Scope(people=(person.sub,), pools=teams)
        case Reach.TEAM:
            return Scope(people=(person.sub,), teams=teams)
        case Reach.ALL:
            return None


def require(person: Person, act: str, item: Item) -> None:
    """Raises NotAllowed unless this person may do that to the item."""
    mine = scope(person, act)
    if mine is not None and not in_scope(item, mine):
        raise NotAllowed(act)


OWNERS: tuple[str, ...] = ("note", "carry_out")
"""The moves of an agent on an action that is theirs to see to."""


def concerns(person: Person, act: str, action: Action) -> bool:
    """Whether an improvement action is within this person's reach."""
    far = reach(person, act)
    mine = action.owner == person.sub
    about = act == "actions" and action.segment == f"agent={person.sub}"
    team = far >= Reach.TEAM and action.segment in segments(person)
    return far is Reach.ALL or far >= Reach.OWN and (mine or about or team)


def segments(person: Person) -> list[str]:
    """Those of a lead's teams."""
    return [f"team={team}" for team in person.teams if team]
