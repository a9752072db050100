"""Where answers and contacts are read for staff: here on a laptop, on AWS in a function of its own.

Answers lie in Parquet, whose library is too heavy for the function that answers customers; and what
is personal is nothing that function should have a grant for. So on AWS the API asks the function
that ``ECHOFORM_READER`` names, which has the layer, the grants and no address. Nothing is copied
for staff: what is erased or not kept any longer is gone from here at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol, TypeAlias

import msgspec
from msgspec import Struct

from ..actions import Wave
from ..improving import Low
from ..storage import Store, Unavailable


class Given(Struct, frozen=True, kw_only=True):
    """What one response said, without what is personal: its row of ``responses``."""

    survey: str
    response: str
    version: str
    language: str
    channel: str | None
    received_at: int
    index: float | None
    cells: dict[str, Any]
    """The other columns that say something: attributes and answers."""


class AnswersOf(Struct, frozen=True, tag="answers"):
    survey: str
    response: str


class ContactsOf(Struct, frozen=True, tag="contacts"):
    survey: str
    response: str


class FeedbackOf(Struct, frozen=True, tag="feedback", kw_only=True):
    """Responses of any of these agents or teams; None: of all. Those that are both, where
    ``narrow``."""

    agents: tuple[str, ...] | None = None
    teams: tuple[str, ...] | None = None
    narrow: bool = False
    before: tuple[str, str] | None = None
    """Day and response: where the page before ended."""
    limit: int = 50


class LowsOf(Struct, frozen=True, tag="lows"):
    """Dimensions that are low in a wave; of a segment (``team=T1``), or of all."""

    survey: str
    wave: Wave
    segment: str = ""


class Found(Struct, frozen=True):
    """A page of feedback."""

    items: list[Given]
    next: tuple[str, str] | None


Asked: TypeAlias = AnswersOf | ContactsOf | FeedbackOf | LowsOf
Contacts: TypeAlias = dict[str, Any]


class Reader(Protocol):
    def answers(self, asked: AnswersOf) -> Given | None:
        """What one response answered; None where that is not kept (any longer)."""
        ...

    def contacts(self, asked: ContactsOf) -> Contacts:
        """What one response left that is personal, by column."""
        ...

    def feedback(self, asked: FeedbackOf) -> Found:
        """Newest first."""
        ...

    def lows(self, asked: LowsOf) -> list[Low]:
        """The lowest first, without those that an action is under way for."""
        ...


_GIVEN: msgspec.json.Decoder[Given | None] = msgspec.json.Decoder(Given | None)
_CONTACTS = msgspec.json.Decoder(Contacts)
_FOUND = msgspec.json.Decoder(Found)
_LOWS = msgspec.json.Decoder(list[Low])


class Invoked:
    """The reader that is a function of its own. ``invoke`` sends it bytes and waits for bytes."""

    def __init__(self, invoke: Any) -> None:
        self._invoke = invoke

    def answers(self, asked: AnswersOf) -> Given | None:
        return _GIVEN.decode(self._ask(asked))

    def contacts(self, asked: ContactsOf) -> Contacts:
        return _CONTACTS.decode(self._ask(asked))

    def feedback(self, asked: FeedbackOf) -> Found:
        return _FOUND.decode(self._ask(asked))

    def lows(self, asked: LowsOf) -> list[Low]:
        return _LOWS.decode(self._ask(asked))

    def _ask(self, asked: Asked) -> bytes:
        return bytes(self._invoke(msgspec.json.encode(asked)))


def answer(reader: Reader, event: object) -> Any:
    """What the function replies, as plain data."""
    asked = msgspec.convert(event, Asked)
    kind = str(asked.__struct_config__.tag)
    return msgspec.to_builtins(getattr(reader, kind)(asked))


def here(store: Store) -> Reader:
    """The reader of this process; loads pyarrow."""
    reading: Reader = import_module("chalicelib.staff.reading").Reading(store)
    return reading


def open_reader(store: Store, environ: Mapping[str, str]) -> Reader:
    name = environ.get("ECHOFORM_READER")
    return Invoked(_function(name)) if name else here(store)


def _function(name: str) -> Any:
    client = import_module("boto3").client("lambda")

    def invoke(body: bytes) -> bytes:
        reply = client.invoke(FunctionName=name, Payload=body)
        if "FunctionError" in reply:  # its own log says what
            raise Unavailable(name, reply["FunctionError"])
        return bytes(reply["Payload"].read())

    return invoke
