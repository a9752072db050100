"""What becomes of landed responses, decided before anything is done: pure, and the same for every
merger that has seen the same part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from .. import days, keys
from ..survey import Answer, Contract, Response, Scaled, holds, index_of
from ..survey.questions import YesNo
from ..tombstones import Tombstones
from .landed import Landed

LOW = 0.25
"""Of a scale: 2 of 5."""


class Mark(Struct, frozen=True, omit_defaults=True):
    """What a mark says of a follow-up that is due, or of one that was verified."""

    version: str
    received_at: int
    verifies: str = ""
    """The follow-up that the customer was asked about, by which link, and whether it helped."""
    link: str = ""
    helped: bool = False
    start_at: int | None = None
    """When the clock starts, where that is not when the answer came: it was opened on request."""


class Decision(NamedTuple):
    """What becomes of landed responses."""

    new: list[Landed]
    known: list[Landed]
    conflicts: list[Landed]
    later: list[Landed]
    """Their rival goes in first."""


def order(landed: Landed) -> tuple[int, str]:
    """Of rivals the first goes in."""
    return landed.response.received_at, landed.digest


def decide(found: Iterable[Landed], settled: dict[str, str]) -> Decision:
    """``settled``: digests by response id, of the responses already in the part."""
    decision = Decision([], [], [], [])
    won: set[str] = set()
    for each in sorted(found, key=order):
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
    verifies = landed.response.verifies
    if not landed.response.follow_up or not (contract.follow_ups or verifies):
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
    mark = Mark(response.version, received_at)
    met = [rule for rule in contract.follow_ups if holds(rule.when, known)]
    if verifies:  # the follow-up it is about is taken up again; a second one would help nobody
        helped = not met and _helped(contract, response.answers)
        mark = replace(mark, verifies=verifies, link=response.link or "", helped=helped)
        yield keys.verdict(response.survey, landed.id), msgspec.json.encode(mark)
        return
    for rule in met:
        yield keys.due(response.survey, landed.id, rule.id), msgspec.json.encode(mark)


def _helped(contract: Contract, answers: dict[str, Answer]) -> bool:
    """Whether the customer says so: the problem is solved, and nothing is rated as low as 2 of 5.

    Where the verification survey has rules of its own, these say what is bad; this comes on top.
    """
    for question in contract.questions:
        answer = answers.get(question.id)
        if isinstance(question, YesNo) and question.role == "solved" and answer == "no":
            return False
        if not contract.follow_ups and isinstance(question, Scaled) and isinstance(answer, int):
            low, high = question.ends
            if (answer - low) / (high - low) <= LOW:
                return False
    return True


def living(decision: Decision, erased: Tombstones) -> tuple[Decision, list[Landed]]:
    """The decision about those that were not erased, and those that were."""
    if not erased:
        return decision, []
    gone = [each for some in decision for each in some if each.id in erased]
    names = {each.key for each in gone}
    return Decision(*([each for each in some if each.key not in names] for some in decision)), gone
