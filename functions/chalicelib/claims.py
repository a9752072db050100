"""The one answer of a personal link.

The guard is one object, ``claims/<survey>/<code hash>.json``: created once, never changed, so there
is no moment at which a second answer could slip past it. It says which answer has the link, and
nothing of what was answered.

Before the claim, the submission itself is put into ``claiming/``, under the name it will land by.
It is removed when it is in a part (``settled``), or when the link turns out to be another's. So
what lies there is exactly what accept may have been cut off with; the sweep lists that alone, never
the claims, and does the steps that are left (``take``, then land), which are harmless to repeat.

An anonymous survey's claim must not lead from the link to the answer. It holds a proof instead, an
HMAC of the response's id under the link's code: the person who retries can make it again, but the
code is stored nowhere. For the same reason nothing is put into ``claiming/``: a crash between claim
and landing is healed by that person's retry, and not by the sweep.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from contextlib import suppress

import msgspec
from msgspec import Struct

from . import keys, links
from .storage import Exists, Missing, Store
from .survey import Contract, Refused, Response


class Claim(Struct, frozen=True, omit_defaults=True):
    """Which answer has a link: by its id and digest, or by proof alone."""

    id: str = ""
    digest: str = ""
    proof: str = ""

    def is_of(self, other: Claim) -> bool:
        """Whether both are the same person's: an edit under one id is."""
        return (self.id, self.proof) == (other.id, other.proof)


_DECODER = msgspec.json.Decoder(Claim)


def of(contract: Contract, response: Response, code: str) -> Claim:
    """The claim that a response makes on the link of a code."""
    if contract.anonymous:
        proof = hmac.digest(links.canonical(code).encode(), response.id.encode(), "sha256")
        return Claim(proof=proof.hex())
    return Claim(response.id, response.digest)


def held(store: Store, survey: str, link: str) -> Claim | None:
    """The claim on a link, by the hash of its code."""
    try:
        return _DECODER.decode(store.get(keys.claim(survey, link)).data)
    except Missing:
        return None


def take(store: Store, link: str, mine: Claim, response: Response) -> Response | None:
    """Claim the link, or find out who did; returns the response that is to land.

    That is this one, or the one the same person sent first; None where it is in a part already.

    Raises:
        Refused: the link has the answer of another.
    """
    holder = held(store, response.survey, link) or _claim(store, link, mine, response)
    if holder != mine:
        store.delete([keys.claiming(response.survey, mine.id, mine.digest)] if mine.id else [])
    if not holder.is_of(mine):
        raise Refused("already_answered")
    if holder is mine or holder.proof:
        return response
    try:
        found = store.get(keys.claiming(response.survey, holder.id, holder.digest))
    except Missing:
        return None
    return Response.from_json(found.data)


def settled(landed: Iterable[str]) -> Iterator[str]:
    """Landing objects that are to be deleted, each after its submission in ``claiming/``."""
    for key in landed:
        yield key.replace(keys.LANDING, keys.CLAIMING, 1)
        yield key


def unlanded(store: Store) -> Iterator[str]:
    """Names in ``claiming/`` that are not in ``landing/``: two listings side by side, no reads."""
    landing = (entry.key for entry in store.list(keys.LANDING))
    landed: str | None = ""
    for entry in store.list(keys.CLAIMING):
        wanted = entry.key.replace(keys.CLAIMING, keys.LANDING, 1)
        while landed is not None and landed < wanted:
            landed = next(landing, None)
        if landed != wanted:
            yield entry.key


def _claim(store: Store, link: str, mine: Claim, response: Response) -> Claim:
    """Make the claim, the submission before it. Returns the claim that holds."""
    if mine.id:
        with suppress(Exists):
            store.create(keys.claiming(response.survey, mine.id, mine.digest), response.to_json())
    try:
        store.create(keys.claim(response.survey, link), msgspec.json.encode(mine))
    except Exists:
        return _DECODER.decode(store.get(keys.claim(response.survey, link)).data)
    return mine
