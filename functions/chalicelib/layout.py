"""How responses lie in columns: bodies decoded into the types of their columns, cells by column.

A contract becomes a type, so msgspec decodes and checks at once what landed, in C: Arrow would take
1.5 for 1 and "ab" for ["a", "b"], and fail for a whole part where one number is too large. Cells
are then made column by column, and what many responses share is worked out once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import date
from itertools import compress
from operator import attrgetter
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from . import columns, days
from .columns import CUSTOMER, blinded, blinded_id, consent_hash, pseudonym
from .survey import Contract, EchoformError, Response, index_of
from .survey.ids import time_of
from .survey.quality import Judge
from .survey.questions import NA, Consent
from .survey.rules import LARGEST

Cells: TypeAlias = dict[str, list[Any]]
"""Values by column, as many in each; a column without values is null."""

_Value = TypeVar("_Value", bound=Hashable)
_Made = TypeVar("_Made")


class Misfit(EchoformError):
    """A response holds what its contract has no place for."""


_WHOLE = Annotated[int, Meta(ge=-LARGEST, le=LARGEST)]
_TYPES: dict[str, tuple[Any, str]] = {
    "string": (str, "not a text"),
    "strings": (list[str], "not a list of texts"),
    "int32": (_WHOLE, "not a whole number of 32 bits"),
    "double": (float, "not a number"),
    "date": (date, "not a day"),
    "bool": (bool, "not true"),
}
"""What an answer must be for its column, and what is said of one that is not."""
_MOMENT = Annotated[int, Meta(ge=0, le=253_402_300_799_999)]
"""Up to the year 9999, where calendars end."""
_AS_THEY_ARE = (
    "received_at",
    "version",
    "language",
    "channel",
    "duration",
    "link",
    "entered_by",
    "recording_consent",
)
_UNBLUNTED = ("hour", "duration", "link", "late", "entered_by")
"""By which somebody could be found."""


class Layout:
    """How the responses of one contract lie in columns. ``key`` makes customers pseudonyms."""

    def __init__(self, contract: Contract, key: bytes) -> None:
        self._contract = contract
        self._key = key
        self._judge = Judge(contract)
        self._attributes = columns.attributes(contract)
        self._fields = {field.id: field for field in contract.fields if field.rule}
        self._consents = {
            question.id: {
                language: consent_hash(question, language) for language in contract.languages
            }
            for question in contract.questions
            if isinstance(question, Consent)
        }
        self._weighted = [question.id for question in contract.weighted]
        self._places = {name: f"A{number}" for number, name in enumerate(self._fields)}
        self._trues = [self._places[f.id] for f in self._fields.values() if f.kind == "true"]
        self._personal = [self._places[f.id] for f in self._fields.values() if f.personal]
        self._decode = self._decoder()

    def _decoder(self) -> Callable[[bytes], Response]:
        sheet = msgspec.defstruct(
            "LandedAnswers",
            [
                (place, self._type(name) | None, None)  # None is no answer
                for name, place in self._places.items()
            ],
            rename={place: name for name, place in self._places.items()},
            frozen=True,
            kw_only=True,
            forbid_unknown_fields=True,
            gc=False,
        )
        response = msgspec.defstruct(
            "LandedResponse",
            [("answers", sheet), ("received_at", _MOMENT), ("duration", _WHOLE | None, None)],
            bases=(Response,),
            frozen=True,
            kw_only=True,
            gc=False,
        )
        return msgspec.json.Decoder(response).decode  # type: ignore[return-value]

    def _type(self, name: str) -> Any:
        wanted = self._column_type(name)[0]
        return wanted | Literal[NA] if columns.has_na(self._fields[name]) else wanted

    def _column_type(self, name: str) -> tuple[Any, str]:
        return _TYPES[next(columns.of(self._fields[name])).type]

    def decode(self, body: bytes) -> Response:
        """The response, its answers as they lie in columns, for ``cells`` alone.

        Raises:
            Misfit: an answer belongs to no question, or is of another type than its column.
            MsgspecError, UnicodeDecodeError, RecursionError: it is no response at all.
        """
        try:
            response = self._decode(body)
        except msgspec.MsgspecError:
            raise Misfit(self._fault(Response.from_json(body))) from None
        if any(getattr(response.answers, place) is False for place in self._trues):
            raise Misfit(_TYPES["bool"][1])
        return response

    def _fault(self, response: Response) -> str:
        for name, answer in response.answers.items():
            if name not in self._fields:
                return "an answer to no question"
            try:
                msgspec.convert(answer, self._type(name))
            except msgspec.ValidationError:
                return self._column_type(name)[1]
        return f"a moment or duration that is {_TYPES['int32'][1]}"

    def is_personal(self, response: Response) -> bool:
        """Whether it has cells in ``contacts``."""
        answers = response.answers
        return bool(CUSTOMER in self._attributes and response.attributes.get(CUSTOMER)) or any(
            getattr(answers, place) is not None for place in self._personal
        )

    def kept_name(self, response: str, digest: str) -> tuple[str, str]:
        """The id and the digest that its rows have."""
        if not self._contract.anonymous:
            return response, digest
        hidden = blinded_id(response, self._contract.timezone, self._key)
        return hidden, blinded("digest", digest, self._key)

    def cells(
        self, found: Sequence[Response], names: Sequence[tuple[str, str]]
    ) -> tuple[Cells, Cells]:
        """Cells of ``responses``, and of ``contacts`` for those that have something personal.

        ``names``: the ids and digests that rows have.
        """
        timezone = self._contract.timezone
        minted = [time_of(each.id) for each in found]
        given = self._given(found)
        kept: Cells = {name: [*map(attrgetter(name), found)] for name in _AS_THEY_ARE}
        kept["response"], kept["digest"] = map(list, zip(*names, strict=True))
        kept["hour"] = [days.quarter(ms, timezone).hour for ms in minted]
        kept["index"] = self._indexes(given, len(found))
        kept |= self._judge.facts(found, given, minted)
        for name in self._attributes:
            kept[name] = [each.attributes.get(name) or None for each in found]
        personal: Cells = {}
        if CUSTOMER in kept:
            personal[CUSTOMER] = kept[CUSTOMER]
            kept[CUSTOMER] = _each(lambda one: one and pseudonym(one, self._key), kept[CUSTOMER])
        for name, answers in given.items():
            cells = personal if self._fields[name].personal else kept
            cells |= self._answered(name, answers, kept["language"])
        if self._contract.anonymous:
            kept |= self._blunted(kept)
        held = [row.count(None) < len(row) for row in zip(*personal.values(), strict=True)]
        personal |= {name: kept[name] for name in ("response", "received_at", "digest")}
        return kept, {name: [*compress(cells, held)] for name, cells in personal.items()}

    def _given(self, found: Sequence[Response]) -> Cells:
        sheets = [each.answers for each in found]
        return {name: [*map(attrgetter(place), sheets)] for name, place in self._places.items()}

    def _indexes(self, given: Cells, count: int) -> list[float | None]:
        if not self._weighted:
            return [None] * count
        return _each(
            lambda ratings: index_of(
                self._contract, dict(zip(self._weighted, ratings, strict=True))
            ),
            zip(*(given[name] for name in self._weighted), strict=True),
        )

    def _answered(self, name: str, answers: list[Any], languages: list[str]) -> Cells:
        """The columns of one field."""
        cells: Cells = {name: answers}
        if columns.has_na(self._fields[name]):
            cells[columns.na(name)] = [None if a is None else a == NA for a in answers]
            cells[name] = [None if a == NA else a for a in answers]
        if name in self._consents:
            texts = self._consents[name]
            cells[columns.agreed(name)] = [
                None if answer is None else texts.get(language)
                for answer, language in zip(answers, languages, strict=True)
            ]
        return cells

    def _blunted(self, kept: Cells) -> Cells:
        """What replaces the cells by which somebody could be found."""
        timezone = self._contract.timezone
        return {
            "received_at": _each(lambda ms: days.start(ms, timezone), kept["received_at"]),
            **{name: [None] * len(kept["response"]) for name in _UNBLUNTED},
            **{name: self._blinded(name, kept[name]) for name in self._attributes},
        }

    def _blinded(self, name: str, values: list[str | None]) -> list[str | None]:
        return _each(lambda value: value and blinded(name, value, self._key), values)


def _each(act: Callable[[_Value], _Made], values: Iterable[_Value]) -> list[_Made]:
    """What ``act`` makes of each value; once of those that are alike."""
    listed = [*values]
    made = {value: act(value) for value in set(listed)}
    return [made[value] for value in listed]
