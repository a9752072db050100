"""Break-offs over HTTP: a page that is put away tells that somebody left, if they began.

The name of the mark is the whole body, and it is stored without anything in it. Nobody waits for
the reply: ``sendBeacon`` has none to give to the page.
"""

from __future__ import annotations

from contextlib import suppress

from . import break_offs
from .accept import ended, in_time
from .break_offs import BreakOff
from .collecting import Reply, refusal
from .published import Definitions
from .storage import Exists, Missing, Store
from .survey import Contract, Refused
from .survey.questions import Calculated, Hidden, Statement

LARGEST_NAME = 256
_UNASKED = (Calculated, Hidden, Statement)


def break_off(store: Store, definitions: Definitions, survey: str, body: bytes, now: int) -> Reply:
    """Keep the mark that the body names. Again, it changes nothing."""
    try:
        mark, contract = _told(definitions, survey, body, now)
    except Refused as refused:
        return refusal(refused)
    with suppress(Exists):
        store.create(break_offs.key(survey, contract.timezone, mark), b"")
    return Reply(204, b"", {})


def _told(
    definitions: Definitions, survey: str, body: bytes, now: int
) -> tuple[BreakOff, Contract]:
    """What the body says, and the contract it speaks of. Raises Refused."""
    if len(body) > LARGEST_NAME:
        raise Refused("too_large")
    try:
        publication = definitions.publication(survey)
    except Missing:
        raise Refused("not_found") from None
    mark = break_offs.named(body.decode("ascii", "replace"))
    if mark is None:
        raise Refused("malformed")
    if not in_time(mark.id, now):
        raise Refused("clock")
    over = ended(publication, mark.version, None, now)
    if over:
        raise Refused(over)
    contract = definitions.contract(survey, mark.version)
    if contract.anonymous:  # its pages tell nothing: when somebody left could be set beside a link
        raise Refused("not_found")
    if mark.language not in contract.languages or mark.question not in _asked(contract):
        raise Refused("malformed")
    return mark, contract


def _asked(contract: Contract) -> set[str]:
    """The fields that people fill in themselves: questions, and the words beside a choice."""
    asked = (each for each in contract.questions if not isinstance(each, _UNASKED))
    return {field.id for each in asked for field in each.fields()}
