"""Links over HTTP: whether one still takes an answer, before anybody fills in a page for nothing.

The code comes in the body, so that it stays out of access logs. What the link knows is
told to nobody, but for the attributes that the survey's own texts say to whoever opens it. Whose
invitation it is, is marked as opened; for a code that is unknown nothing is read or written more
than for one that is expired.
"""

from __future__ import annotations

from contextlib import suppress

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from . import days
from .accept import standing
from .collecting import JSON, Reply, decoded, refusal
from .invitations.learning import hear
from .invitations.record import Step
from .published import Definitions
from .storage import StorageError, Store
from .survey import Refused


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    survey: str
    code: str


_DECODER = msgspec.json.Decoder(Question)


def standing_of(store: Store, definitions: Definitions, body: bytes, now: int) -> Reply:
    """Answer ``{"survey": …, "code": …}`` with the link's standing."""
    try:
        asked = decoded(_DECODER, body)
        found = standing(store, definitions, asked.survey, asked.code, now)
    except Refused as refused:
        return refusal(refused)
    if found.invitation:
        _opened(store, definitions, asked.survey, found.invitation, now)
    told = replace(found, invitation="")
    return Reply(200, msgspec.json.encode(told), {"Content-Type": JSON})


def _opened(store: Store, definitions: Definitions, survey: str, invitation: str, now: int) -> None:
    """Mark that an invitation was opened. Nobody waits for it longer than one write."""
    contract = definitions.current(survey)
    at = days.start(now, contract.timezone) if contract.anonymous else now
    with suppress(StorageError):  # a page is worth more than knowing that it was opened
        hear(store, survey, invitation, Step("opened", at))
