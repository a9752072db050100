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

from . import claims, columns, days, links
from .accept import ended
from .collecting import JSON, Reply, decoded, refusal
from .invitations.invitation import Step
from .invitations.learning import hear
from .links import Link
from .published import Definitions
from .storage import Missing, StorageError, Store
from .survey import Contract, Refused


class Asked(Struct, frozen=True, forbid_unknown_fields=True):
    survey: str
    code: str


class Standing(Struct, frozen=True, omit_defaults=True):
    """Of a link; of an open one also the attributes that the survey's own texts say."""

    status: str
    attributes: dict[str, str] = {}
    invitation: str = ""
    """Whose link it is, if it is open. The page is not told."""


_DECODER = msgspec.json.Decoder(Asked)


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


def standing(store: Store, definitions: Definitions, survey: str, code: str, now: int) -> Standing:
    """Whether a link still takes an answer: ``open``, ``answered``, ``expired`` or ``closed``.

    A link that is unknown or another survey's is expired like any other, and is found out with the
    same two reads, so that its time tells nothing either; in a closed survey all links are closed
    alike.

    Raises:
        Refused: there is no such survey.
    """
    try:
        publication = definitions.publication(survey)
    except Missing:
        raise Refused("not_found") from None
    if publication.closed_at is not None and publication.closed_at <= now:
        return Standing("closed")  # whatever the code
    link = links.look_up(store, code)
    held = claims.held(store, survey, links.hash_of(code))
    if link is None or link.survey != survey:
        return Standing("expired")
    if link.personal and held:
        return Standing("answered")
    if ended(publication, publication.version, link, now):
        return Standing("expired")
    told = _told(definitions.current(survey), link)
    return Standing("open", told, link.invitation)


def _told(contract: Contract, link: Link) -> dict[str, str]:
    """What the page may know of a link: what a text of the survey says to whoever has it."""
    if not link.attributes:
        return {}
    known = columns.attributes(contract)
    told = (name for name in contract.told if name in known)
    return {name: link.attributes[name] for name in told if name in link.attributes}


def _opened(store: Store, definitions: Definitions, survey: str, invitation: str, now: int) -> None:
    """Mark that an invitation was opened. Nobody waits for it longer than one write."""
    contract = definitions.current(survey)
    at = days.start(now, contract.timezone) if contract.anonymous else now
    with suppress(StorageError):  # a page is worth more than knowing that it was opened
        hear(store, survey, invitation, Step("opened", at))
