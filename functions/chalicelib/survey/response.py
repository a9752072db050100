"""A submission as it is sent, and the response it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import cast

import msgspec
from msgspec import Raw, Struct

from .conditions import Answer
from .contract import Contract
from .rules import Raw as Sent

_AS_IT_IS = msgspec.json.Encoder().encode
_BY_NAME = msgspec.json.Encoder(order="sorted").encode


class Submission(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """What a page sends. Every retry sends the same bytes."""

    id: str
    version: str
    language: str
    answers: dict[str, Sent]
    duration: int | None = None
    """Seconds from opening the page to the first send."""
    link: str | None = None
    """The link's code."""
    trap: bool = False
    """Whether a field was filled that people do not see."""
    left: str | None = None
    """The mark that the page made when it was put away before this (``break_offs``)."""


class Response(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One person's answers to one survey, as they land."""

    id: str
    survey: str
    version: str
    language: str
    channel: str
    received_at: int
    """Milliseconds since 1970, by the server's clock."""
    answers: dict[str, Answer]
    duration: int | None = None
    attributes: dict[str, str] = {}
    link: str | None = None
    """Hash of the link's code."""
    personal_link: bool = False
    """Whether it counts only with the link's claim. For merge alone; no row has it."""
    entered_by: str | None = None
    """Who asked, where staff entered the answers."""
    recording_consent: bool | None = None
    """Whether the customer agreed to a recording of the conversation; None where none was asked."""
    follow_up: bool = True
    """Whether it may open follow-ups; what is loaded from the past does not."""
    verifies: str = ""
    """The follow-up that its link asks about: whether it helped."""
    trap: bool = False
    """As in the submission. Whoever fills it is thanked like anybody, and learns nothing."""

    scripted: bool = True
    """Whether the page's script sent it. A plain form has no id of its own to be known again by."""

    left: str = ""
    """The name of a mark that says its customer left. For merge alone, which takes it away."""

    @property
    def digest(self) -> str:
        """Names what was said: the same for every retry, another for an edit under one id."""
        return digest_of(self.answers)

    def to_json(self) -> bytes:
        return _AS_IT_IS(self)

    @classmethod
    def from_json(cls, data: bytes) -> Response:
        return _DECODER.decode(data)


def written(answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Typed answers as their canonical JSON, which a response takes in their place.

    They are written once then, for the digest and for the record. Who reads the response back has
    them as a mapping again.
    """
    return cast(dict[str, Answer], Raw(_BY_NAME(answers)))


def digest_of(answers: Mapping[str, Answer]) -> str:
    """16 hex digits of the SHA-256 of typed answers in canonical JSON."""
    canonical = answers if isinstance(answers, Raw) else _BY_NAME(answers)
    return sha256(canonical).hexdigest()[:16]


# Made while one thread imports, as in ``contract``; who decodes submissions finds that type ready.
_DECODER = msgspec.json.Decoder(Response)
msgspec.json.Decoder(Submission)


def index_of(contract: Contract, answers: dict[str, Answer]) -> float | None:
    """The response's index, 0–100: Σ w·(x − low)/(high − low)·100 over what was answered.

    What was not answered (or N/A) is left out and the other weights are scaled up to 1. None where
    nothing weighted was answered. Source: the ACSI's weighted index (Fornell et al. 1996).
    """
    total = weights = 0.0
    for question in contract.weighted:
        answer = answers.get(question.id)
        if not isinstance(answer, int) or question.weight is None:
            continue
        low, high = question.ends
        total += question.weight * (answer - low) / (high - low)
        weights += question.weight
    return total / weights * 100 if weights else None
