"""Links over HTTP: whether one still takes an answer, before anybody fills in a page for nothing.

The code comes in the body, so that it stays out of access logs. What the link knows is
told to nobody, but for the attributes that the survey's own texts say to whoever opens it.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from .accept import standing
from .collecting import JSON, Reply, refusal
from .published import Definitions
from .storage import Store
from .survey import Refused

_LARGEST_BODY = 1024


class Question(Struct, frozen=True, forbid_unknown_fields=True):
    survey: str
    code: str


_DECODER = msgspec.json.Decoder(Question)


def standing_of(store: Store, definitions: Definitions, body: bytes, now: int) -> Reply:
    """Answer ``{"survey": …, "code": …}`` with the link's standing."""
    try:
        asked = _read(body)
        found = standing(store, definitions, asked.survey, asked.code, now)
    except Refused as refused:
        return refusal(refused)
    return Reply(200, msgspec.json.encode(found), {"Content-Type": JSON})


def _read(body: bytes) -> Question:
    if len(body) > _LARGEST_BODY:
        raise Refused("too_large")
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Refused("malformed") from None
