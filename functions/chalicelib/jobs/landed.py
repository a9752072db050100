"""What lies in ``landing/``: from name and bytes to a response and its cells, or why it is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from .. import days, keys
from ..columns import blinded, blinded_id
from ..layout import Cells, Layout, Misfit
from ..published import Definitions, Publication
from ..storage import Missing
from ..survey import Contract, EchoformError, Response
from ..survey.ids import RESPONSE_ID, is_id, time_of

_NAME = re.compile(
    rf"landing/(?P<survey>[^/]+)/(?P<response>{RESPONSE_ID.pattern})-(?P<digest>[0-9a-f]+)\.json"
)
_VERSION = re.compile("[0-9a-f]{16}")
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

REASONS = {
    keys.CONFLICT: "conflict: another body was merged under this id",
    "name": "not the name of a landed response",
    "survey": "no such survey was published",
    "time": "its id is of an impossible time",
    "body": "not a response",
    "twin": "not the response its name says",
    "version": "no such version was published",
    "misfit": "an answer its question has no place for",
}
"""Why something is rejected: the word in its name, and what is told to people."""


class Unmergeable(EchoformError):
    """A landed object has no place in a part: one of REASONS, and more exactly to people."""

    def __init__(self, reason: str, exactly: str = "") -> None:
        super().__init__(exactly or REASONS[reason])
        self.reason = reason


class Part(NamedTuple):
    """A file of responses, and the file of contacts beside it."""

    survey: str
    day: str
    bucket: int


class Landed(NamedTuple):
    """``id`` and ``digest`` are as its rows have them."""

    key: str
    id: str
    digest: str
    body: bytes
    response: Response
    """Its answers are as they lie in columns."""
    contract: Contract
    personal: bool
    """Whether it has a row of ``contacts``."""


class Reject(NamedTuple):
    """A landed object that cannot be merged; without a body it is gone already."""

    key: str
    body: bytes | None
    reason: str
    exactly: str


class _Head(Struct):
    """What says how the rest is to be read."""

    id: str
    survey: str
    version: str


_HEAD = msgspec.json.Decoder(_Head)


class Landing:
    """Reads what landed, for one merge. ``secret`` makes customers pseudonyms."""

    def __init__(self, definitions: Definitions, secret: bytes) -> None:
        self._definitions = definitions
        self._secret = secret
        self._layouts: dict[tuple[str, str], tuple[Contract, Layout]] = {}
        self._live: dict[str, tuple[Publication, Contract, Layout]] = {}

    def place(self, key: str) -> tuple[Part, str]:
        """The part and the response id that a name speaks of. Raises Unmergeable."""
        name = _NAME.fullmatch(key)
        if name is None:
            raise Unmergeable("name")
        survey, response, digest = name.groups()
        publication, contract, layout = self._of(survey)
        try:
            day = days.day(time_of(response), contract.timezone)
        except (ValueError, OverflowError):
            raise Unmergeable("time") from None
        buckets = publication.buckets_on(day)
        kept = layout.kept_name(response, digest)[0] if buckets > 1 else response
        return Part(survey, day, keys.bucket(kept, buckets)), response

    def read(self, key: str, body: bytes) -> Landed:
        """The response in a landed object, whose name has its place. Raises Unmergeable."""
        survey, _, name = key.removeprefix(keys.LANDING).partition("/")
        id, _, digest = name.removesuffix(".json").partition("-")
        try:
            head = _HEAD.decode(body)
        except UNREADABLE:
            raise Unmergeable("body") from None
        if (head.survey, head.id) != (survey, id):
            raise Unmergeable("twin")
        contract, layout = self._version(survey, head.version)
        try:
            response = layout.decode(body)
        except Misfit as misfit:
            raise Unmergeable("misfit", str(misfit)) from None
        except UNREADABLE:
            raise Unmergeable("body") from None
        personal = layout.is_personal(response)
        return Landed(key, *layout.kept_name(id, digest), body, response, contract, personal)

    def shown(self, reject: Reject) -> Reject:
        """As it may be kept among the rejected, where people look.

        Of an anonymous survey without what leads to whoever answered, as in its rows. A body that
        is no response says nothing we know how to hide, and stays as it came.
        """
        name = _NAME.fullmatch(reject.key)
        try:
            contract = self._definitions.current(name["survey"]) if name else None
        except Missing:
            contract = None
        if name is None or contract is None or not contract.anonymous:
            return reject
        timezone, secret = contract.timezone, self._secret
        digest = blinded("digest", name["digest"], secret)
        key = keys.landing(contract.id, blinded_id(name["response"], timezone, secret), digest)
        body = reject.body
        with suppress(*UNREADABLE):
            said = Response.from_json(body or b"")
            body = replace(
                said,
                id=blinded_id(said.id, timezone, secret) if is_id(said.id) else "",
                received_at=days.start(said.received_at, timezone),
                attributes={n: blinded(n, v, secret) for n, v in said.attributes.items()},
                duration=None,
                link=None,
                entered_by=None,
            ).to_json()
        return reject._replace(key=key, body=body)

    def cells(self, found: Sequence[Landed]) -> list[tuple[Cells, Cells]]:
        """Cells of ``responses`` and of ``contacts``, for the responses of each version."""
        versions: dict[str, list[Landed]] = {}
        for each in found:
            versions.setdefault(each.contract.version, []).append(each)
        return [
            self._version(these[0].contract.id, version)[1].cells(
                [each.response for each in these], [(each.id, each.digest) for each in these]
            )
            for version, these in versions.items()
        ]

    def _of(self, survey: str) -> tuple[Publication, Contract, Layout]:
        """What is live when the survey is first met; time zone and buckets of days that are under
        way never change."""
        live = self._live.get(survey)
        if live is None:
            try:
                publication = self._definitions.publication(survey)
                contract, layout = self._version(survey, publication.version)
            except Missing:
                raise Unmergeable("survey") from None
            live = self._live[survey] = publication, contract, layout
        return live

    def _version(self, survey: str, version: str) -> tuple[Contract, Layout]:
        found = self._layouts.get((survey, version))
        if found is None:
            contract = self._contract(survey, version)
            found = contract, Layout(contract, self._secret)
            self._layouts[survey, version] = found
        return found

    def _contract(self, survey: str, version: str) -> Contract:
        if _VERSION.fullmatch(version):
            with suppress(Missing):
                return self._definitions.contract(survey, version)
        raise Unmergeable("version")


def rejected(key: str, body: bytes, reason: str, exactly: str = "") -> bytes:
    """What is kept of an object that cannot be merged: the reason, and all of it.

    ``body`` as it was where that is JSON, else ``bytes`` in base 64.
    """
    kept: dict[str, object] = {"reason": exactly or REASONS[reason], "landed": key}
    try:
        msgspec.json.decode(body)
    except UNREADABLE:
        return msgspec.json.encode({**kept, "bytes": body})
    return msgspec.json.encode({**kept, "body": msgspec.Raw(body)})


def rejected_key(day: str, key: str, reason: str) -> str:
    survey, _, rest = key.removeprefix(keys.LANDING).partition("/")
    name = (rest or survey).removesuffix(".json").replace("/", "-")
    return keys.rejected(day, survey, name, reason)
