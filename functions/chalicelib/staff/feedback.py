"""What customers said of whoever asks, or of their team: whole answers, the latest first."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ..columns import CUSTOMER
from ..survey import Contract
from . import asking, said
from .asking import Asked
from .desk import Desk, Handler
from .reader import FeedbackOf, Given
from .roles import NotAllowed, Person, Reach, reach

MOST = 100
"""Answers on a page."""


def _feedback(desk: Desk, person: Person, asked: Asked, now: int) -> Any:
    far = reach(person, "feedback")
    if far is Reach.NONE:
        raise NotAllowed("feedback")
    texts = asking.given(asked.query, {"agent", "team", "cursor", "limit"})
    wanted = replace(
        _whose(person, far, texts.get("agent", ""), texts.get("team", "")),
        before=asking.where(asked.query),
        limit=asking.limit(asked.query, MOST, asking.USUAL),
    )
    found = desk.reader.feedback(wanted)
    return {
        "items": [_heard(desk, given) for given in found.items],
        "next": asking.cursor(found.next),
    }


def _whose(person: Person, far: Reach, agent: str, team: str) -> FeedbackOf:
    """Whose customers' answers. Raises NotAllowed."""
    if far is Reach.ALL or (far is Reach.TEAM and team and team in person.teams):
        return FeedbackOf(
            agents=(agent,) if agent else None, teams=(team,) if team else None, narrow=True
        )
    if team or (far is Reach.OWN and agent not in ("", person.sub)):
        raise NotAllowed("feedback")
    if far is Reach.OWN or agent == person.sub:
        return FeedbackOf(agents=(person.sub,))
    teams = tuple(person.teams)
    if agent:
        return FeedbackOf(agents=(agent,), teams=teams, narrow=True)
    return FeedbackOf(agents=(person.sub,), teams=teams)


def _heard(desk: Desk, given: Given) -> dict[str, Any]:
    contract = desk.definitions.contract(given.survey, given.version)
    return {
        "survey": given.survey,
        "title": contract.title,
        "response": given.response,
        "received_at": given.received_at,
        "language": given.language,
        "channel": given.channel,
        "index": given.index,
        "facts": _facts(contract, given),
        "answers": said.answers(contract, given.cells),
    }


def _facts(contract: Contract, given: Given) -> dict[str, str]:
    names = [name for name in contract.attributes if name != CUSTOMER]
    return {name: given.cells[name] for name in names if name in given.cells}


HANDLERS: dict[tuple[str, str], Handler] = {
    ("GET", "/staff/feedback"): _feedback,
}
