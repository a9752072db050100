"""What becomes of landed responses, decided before anything is done: pure, and the same for every
merger that has seen the same part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from .. import days, keys
from ..survey import Response, holds, index_of
from ..tombstones import Tombstones
from .landed import Landed


class Decision(NamedTuple):
    """What becomes of landed responses."""

    new: list[Landed]
    known: list[Landed]
    conflicts: list[Landed]
    later: list[Landed]
    """Their rival goes in first."""


def decide(found: Iterable[Landed], settled: dict[str, str]) -> Decision:
    """``settled``: digests by response id, of the responses already in the part."""
    decision = Decision([], [], [], [])
    won: set[str] = set()
    for each in sorted(found, key=lambda one: (one.response.received_at, one.digest)):
        in_part = settled.get(each.id)
        if in_part is not None:
            (decision.known if in_part == each.digest else decision.conflicts).append(each)
        elif each.id in won:
            decision.later.append(each)
        else:
            won.add(each.id)
            decision.new.append(each)
    return decision


def due(landed: Landed) -> Iterator[tuple[str, bytes]]:
    """Key and body of a mark for each follow-up that a response makes due."""
    contract = landed.contract
    if not landed.response.follow_up or not contract.follow_ups:
        return
    response = Response.from_json(landed.body)  # answers as rules compare them
    received_at = response.received_at
    known: dict[str, Any] = {**response.answers}
    if contract.anonymous:
        received_at = days.start(received_at, contract.timezone)
    else:
        known = {**response.attributes, **known}
    index = index_of(contract, response.answers)
    if index is not None:
        known["index"] = index
    mark = {"version": response.version, "received_at": received_at}
    for rule in contract.follow_ups:
        if holds(rule.when, known):
            yield keys.due(response.survey, landed.id, rule.id), msgspec.json.encode(mark)


def living(decision: Decision, erased: Tombstones) -> tuple[Decision, list[Landed]]:
    """The decision about those that were not erased, and those that were."""
    if not erased:
        return decision, []
    gone = [each for some in decision for each in some if each.id in erased]
    names = {each.key for each in gone}
    return Decision(*([each for each in some if each.key not in names] for some in decision)), gone
