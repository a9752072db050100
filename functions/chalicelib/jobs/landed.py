"""What lies in ``landing/``: from a name and bytes to the rows of a response, or why it is none."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from .. import days, keys
from ..columns import Layout, Misfit, Row, blinded, blinded_id
from ..published import Definitions
from ..storage import Missing
from ..survey import Contract, EchoformError, Response
from ..survey.ids import RESPONSE_ID, is_id, time_of

_NAME = re.compile(
    rf"landing/(?P<survey>[^/]+)/(?P<response>{RESPONSE_ID.pattern})-(?P<digest>[0-9a-f]+)\.json"
)
_VERSION = re.compile("[0-9a-f]{16}")


class Unmergeable(EchoformError):
    """A landed object has no place in a part. The message says why, to people."""


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
    contract: Contract
    row: Row
    contact: Row | None


class Landing:
    """Reads what landed. ``secret`` makes customers pseudonyms."""

    def __init__(self, definitions: Definitions, secret: bytes) -> None:
        self._definitions = definitions
        self._secret = secret
        self._layouts: dict[str, Layout] = {}

    def place(self, key: str) -> tuple[Part, str]:
        """The part and the response id that a name speaks of. Raises Unmergeable."""
        name = _NAME.fullmatch(key)
        if name is None:
            raise Unmergeable("not the name of a landed response")
        survey, response = name["survey"], name["response"]
        try:
            contract = self._definitions.current(survey)
            publication = self._definitions.publication(survey)
        except Missing:
            raise Unmergeable("no such survey was published") from None
        try:
            day = days.day(time_of(response), contract.timezone)
        except (ValueError, OverflowError):
            raise Unmergeable("its id is of an impossible time") from None
        kept = response
        if contract.anonymous:
            kept = blinded_id(response, contract.timezone, self._secret)
        return Part(survey, day, keys.bucket(kept, publication.buckets_on(day))), response

    def read(self, key: str, body: bytes) -> Landed:
        """The response in a landed object. Raises Unmergeable."""
        name = _NAME.fullmatch(key)
        try:
            response = Response.from_json(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Unmergeable("not a response") from None
        if name is None or (response.survey, response.id) != (name["survey"], name["response"]):
            raise Unmergeable("not the response its name says")
        contract = self._contract(response)
        layout = self._layouts.get(contract.version)
        if layout is None:
            layout = self._layouts[contract.version] = Layout(contract, self._secret)
        try:
            row, contact = layout.rows(response, name["digest"])
        except (Misfit, OverflowError, ValueError) as misfit:
            raise Unmergeable(str(misfit)) from None
        known = str(row["response"]), str(row["digest"])
        return Landed(key, *known, body, response, contract, row, contact)

    def shown(self, key: str, body: bytes = b"") -> tuple[str, bytes]:
        """Name and body as they may be kept among the rejected, where people look.

        Of an anonymous survey without what leads to whoever answered, as in its rows. A body that
        is no response says nothing we know how to hide, and stays as it came.
        """
        name = _NAME.fullmatch(key)
        try:
            contract = self._definitions.current(name["survey"]) if name else None
        except Missing:
            contract = None
        if name is None or contract is None or not contract.anonymous:
            return key, body
        timezone, secret = contract.timezone, self._secret
        digest = blinded("digest", name["digest"], secret)
        shown = keys.landing(contract.id, blinded_id(name["response"], timezone, secret), digest)
        with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            said = Response.from_json(body)
            body = replace(
                said,
                id=blinded_id(said.id, timezone, secret) if is_id(said.id) else "",
                received_at=days.start(said.received_at, timezone),
                attributes={n: blinded(n, v, secret) for n, v in said.attributes.items()},
                duration=None,
                link=None,
                entered_by=None,
            ).to_json()
        return shown, body

    def _contract(self, response: Response) -> Contract:
        if _VERSION.fullmatch(response.version):
            with suppress(Missing):
                return self._definitions.contract(response.survey, response.version)
        raise Unmergeable("no such version was published")


def rejected(key: str, body: bytes, reason: str) -> bytes:
    """What is kept of an object that cannot be merged: the reason, and all of it.

    ``body`` as it was where that is JSON, else ``bytes`` in base 64.
    """
    kept: dict[str, object] = {"reason": reason, "landed": key}
    try:
        msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return msgspec.json.encode({**kept, "bytes": body})
    return msgspec.json.encode({**kept, "body": msgspec.Raw(body)})


def rejected_key(day: str, key: str) -> str:
    survey, _, rest = key.removeprefix(keys.LANDING).partition("/")
    return keys.rejected(day, survey, (rest or survey).removesuffix(".json").replace("/", "-"))
