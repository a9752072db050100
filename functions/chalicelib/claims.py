"""The one answer of a personal link.

The guard is one object, ``claims/<survey>/<code hash>.json``: created once, so there is no moment
at which a second answer could slip past it. It says which answer has the link, and nothing of what
was answered.

An answer lands before its link is claimed for it. So a claim says that its answer is stored, and a
retry needs nothing else. What was cut off between the two, or was slower than another, lies in
``landing/``, where its mark (``personal_link``) makes merge look: it makes the claim where there is
none, and lets go an answer whose link is another's. Nobody has a receipt for that one.

A claim never goes, so what was read of it stays true: what was refused by it is never counted, and
may be let go. An erasure only takes out of it whose it was (``forget``); the link stays used.

An anonymous survey's claim must not lead from the link to the answer. It holds a proof instead, an
HMAC of the response's id under the link's code: the person who retries can make it again, but the
code is stored nowhere. Merge can make nothing of it, so there the link is claimed first, and a
crash before the answer lands is healed by that person's retry alone.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection

import msgspec
from msgspec import Struct

from . import keys, links
from .storage import Exists, Missing, Stale, Store
from .survey import Contract, Response


class Claim(Struct, frozen=True, omit_defaults=True):
    """Which answer has a link: by its id and digest, or by proof alone."""

    id: str = ""
    digest: str = ""
    proof: str = ""

    def is_of(self, other: Claim) -> bool:
        """Whether both are the same person's: an edit under one id is."""
        return (self.id, self.proof) == (other.id, other.proof)


NOBODYS = Claim()
"""Whose answer it was has been erased."""
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


def make(store: Store, survey: str, link: str, mine: Claim) -> Claim:
    """Claim a link that nobody had just now. Returns the claim that holds."""
    key = keys.claim(survey, link)
    try:
        store.create(key, msgspec.json.encode(mine))
    except Exists:
        return _DECODER.decode(store.get(key).data)
    return mine


def forget(store: Store, survey: str, link: str, responses: Collection[str]) -> bool:
    """Take out of a claim whose it was, if that is one of these or not told; whether it was."""
    key = keys.claim(survey, link)
    while True:
        try:
            stored = store.get(key)
            claim = _DECODER.decode(stored.data)
            if claim == NOBODYS or (claim.id and claim.id not in responses):
                return False
            store.replace(key, msgspec.json.encode(NOBODYS), stored.tag)
            return True
        except Missing:
            return False
        except Stale:  # another erasure was first
            continue
