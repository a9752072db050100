"""Which Parquet columns a survey has, and what a response puts in them.

One table is for analysts (``responses/``), one holds what is personal (``contacts/``). Everything
here is names and plain values, without pyarrow, so that whoever documents, queries or checks
columns can ask here. What a column is called and how it is typed follows from the contract alone;
the columns of several versions are their union, so that old answers read as null where a question
is new.

=============  ===========================================================
string         text, codes
strings        a list of codes
int32, double  numbers
bool, date     as they say
timestamp      milliseconds, UTC
=============  ===========================================================

Of an anonymous survey nothing is kept that joins an answer to its link or customer, or to the logs
of whoever carried it: the id and the digest become keyed hashes; attributes become pseudonyms, so
that they still tell segments apart; moments become days; the duration and the link go.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from hashlib import sha256
from typing import Any, NamedTuple, TypeAlias

from . import days
from .survey import Contract, EchoformError, Field, Response, index_of
from .survey.ids import make, time_of
from .survey.quality import FACTS, Judge
from .survey.questions import NA, Consent
from .survey.rules import LARGEST

Row: TypeAlias = dict[str, object]
"""Values by column; a column without a value is null."""


class Column(NamedTuple):
    name: str
    type: str


class Misfit(EchoformError):
    """A response holds what its contract has no place for."""


CUSTOMER = "customer"

ALWAYS = ("channel", "language", "hour")
"""Columns of every survey by which scores can be cut."""

_BEFORE = (
    Column("response", "string"),
    Column("received_at", "timestamp"),
    Column("hour", "int32"),
    Column("version", "string"),
    Column("language", "string"),
    Column("channel", "string"),
    Column("duration", "int32"),
    Column("link", "string"),
    Column("entered_by", "string"),
    Column("recording_consent", "bool"),
)
_AFTER = (
    Column("index", "double"),
    *(Column(fact, "bool") for fact in FACTS),
    Column("digest", "string"),
)
_CONTACT_BEFORE = _BEFORE[:2]
_CONTACT_AFTER = _AFTER[-1:]

RESERVED = frozenset(
    {column.name for column in (*_BEFORE, *_AFTER)}
    | {CUSTOMER, "dt", "fcr", "flagged", "flags", "responses"}
    | {"index_spread", "reweighted", "moments"}
)
"""What no question and no attribute (but ``customer``) may be called: fixed columns, the day of a
part, and the items that tallies have beside questions."""

_TYPES = {
    "code": "string",
    "codes": "strings",
    "number": "double",
    "date": "date",
    "text": "string",
    "phone": "string",
    "email": "string",
    "true": "bool",
}


def has_na(field: Field) -> bool:
    """Whether "not applicable" is an answer: such a field has a second column, ``<id>_na``."""
    return field.kind == "scale" and len(field.rule or []) > 3


def na(field: str) -> str:
    return f"{field}_na"


def agreed(field: str) -> str:
    """A consent's second column: the hash of the text that was agreed to."""
    return f"{field}_text"


def consent_hash(question: Consent, language: str) -> str:
    """Names the text of a consent as a respondent in that language read it."""
    return sha256(consent_text(question, language).encode()).hexdigest()[:16]


def consent_text(question: Consent, language: str) -> str:
    """What the page shows: the text and, on a line of its own, the hint."""
    shown = [
        text.get(language) or next(iter(text.values()), "")
        for text in (question.text, question.hint or {})
    ]
    return "\n".join(filter(None, shown))


def of(field: Field) -> Iterator[Column]:
    """The columns of one field; a statement has none."""
    if field.rule:
        yield Column(field.id, "int32" if _is_whole(field) else _TYPES[field.kind])
    if has_na(field):
        yield Column(na(field.id), "bool")
    if field.kind == "true":
        yield Column(agreed(field.id), "string")


def attributes(contract: Contract) -> list[str]:
    """The attributes analysts see. Nothing stored joins an anonymous answer to a customer."""
    return [name for name in contract.attributes if not (contract.anonymous and name == CUSTOMER)]


def responses(contracts: Iterable[Contract]) -> tuple[Column, ...]:
    """The columns analysts query, over all versions of a survey, oldest first."""
    versions = list(contracts)
    known = [Column(name, "string") for version in versions for name in attributes(version)]
    asked = [column for version in versions for column in _asked(version, personal=False)]
    return _union([*_BEFORE, *known, *asked, *_AFTER])


def contacts(contracts: Iterable[Contract]) -> tuple[Column, ...]:
    """The columns of what is personal. A response without any of it has no row.

    ``digest`` is that of the response: under one id, only the row with the digest of the response
    that was kept belongs to it.
    """
    versions = list(contracts)
    customer = [Column(CUSTOMER, "string") for v in versions if CUSTOMER in attributes(v)]
    asked = [column for version in versions for column in _asked(version, personal=True)]
    return _union([*_CONTACT_BEFORE, *customer, *asked, *_CONTACT_AFTER])


def clashes(contract: Contract) -> list[str]:
    """Names that would be two columns at once; a contract that has any cannot be stored."""
    asked = [column.name for field in contract.fields for column in of(field)]
    names = [name for name in contract.attributes if name != CUSTOMER] + asked
    return sorted({name for name in names if name in RESERVED or names.count(name) > 1})


class Layout:
    """How the responses of one contract lie in columns. ``key`` makes customers pseudonyms."""

    def __init__(self, contract: Contract, key: bytes) -> None:
        self._contract = contract
        self._key = key
        self._judge = Judge(contract)
        self._consents = {
            (question.id, language): consent_hash(question, language)
            for question in contract.questions
            if isinstance(question, Consent)
            for language in contract.languages
        }
        self._attributes = attributes(contract)
        self._places = {
            field.id: _Place(
                field.personal,
                na(field.id) if has_na(field) else "",
                _whole if _is_whole(field) else _VALUES[field.kind],
            )
            for field in contract.fields
            if field.rule
        }

    def rows(self, response: Response, digest: str) -> tuple[Row, Row | None]:
        """Its row of ``responses``, and its row of ``contacts`` where anything is personal.

        Raises:
            Misfit: an answer belongs to no question, or is of another type than its column.
        """
        row: Row = {
            "response": response.id,
            "received_at": response.received_at,
            "hour": days.quarter(time_of(response.id), self._contract.timezone).hour,
            "version": response.version,
            "language": response.language,
            "channel": response.channel,
            "duration": None if response.duration is None else _whole(response.duration),
            "link": response.link,
            "entered_by": response.entered_by,
            "recording_consent": response.recording_consent,
            "index": index_of(self._contract, response.answers),
            "digest": digest,
            **self._judge.facts(response),
        }
        personal: Row = {}
        for name in self._attributes:
            row[name] = response.attributes.get(name)
        if customer := row.get(CUSTOMER):
            personal[CUSTOMER] = customer
            row[CUSTOMER] = pseudonym(str(customer), self._key)
        for name, answer in response.answers.items():
            place = self._places.get(name)
            if place is None:
                raise Misfit("an answer to no question")
            cells = personal if place.personal else row
            if place.na:
                cells[place.na] = answer == NA
            if not (place.na and answer == NA):
                cells[name] = place.value(answer)
            if (name, response.language) in self._consents:
                cells[agreed(name)] = self._consents[name, response.language]
        if self._contract.anonymous:
            row |= self._blunted(row)
        if personal:
            personal |= {name: row[name] for name in ("response", "received_at", "digest")}
        return row, personal or None

    def _blunted(self, row: Row) -> Row:
        """What replaces the cells by which somebody could be found."""
        timezone = self._contract.timezone
        hidden = [*self._attributes, "digest"]
        return {
            "response": blinded_id(str(row["response"]), timezone, self._key),
            "received_at": days.start(int(str(row["received_at"])), timezone),
            **dict.fromkeys(("hour", "duration", "link", "late", "entered_by")),
            **{name: blinded(name, row[name], self._key) for name in hidden if row[name]},
        }


class _Place(NamedTuple):
    personal: bool
    na: str
    """The column that says "not applicable", where there is one."""
    value: Callable[[Any], object]


def pseudonym(customer: str, key: bytes) -> str:
    """The same for one customer everywhere; without the key it names nobody."""
    return hmac.digest(key, customer.encode(), "sha256").hex()[:16]


def blinded(name: str, value: object, key: bytes) -> str:
    """What an anonymous survey keeps instead of a value: without the key it leads nowhere."""
    return hmac.digest(key, f"anonymous {name} {value}".encode(), "sha256").hex()[:32]


def blinded_id(response: str, timezone: str, key: bytes) -> str:
    """What an anonymous survey keeps instead of a response's id: an id of the same day."""
    hidden = hmac.digest(key, f"anonymous response {response}".encode(), "sha256")
    return make(days.start(time_of(response), timezone), int.from_bytes(hidden[:10], "big"))


def _is_whole(field: Field) -> bool:
    return field.kind == "scale" or (field.kind == "number" and not (field.rule or [])[3])


def _asked(contract: Contract, personal: bool) -> Iterator[Column]:
    for field in contract.fields:
        if field.personal is personal:
            yield from of(field)


def _union(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Each name once, as it was first typed."""
    first: dict[str, Column] = {}
    for column in columns:
        first.setdefault(column.name, column)
    return tuple(first.values())


# Arrow would take 1.5 for 1 and "ab" for ["a", "b"]; so types are looked at here.


def _text(value: Any) -> str:
    if type(value) is not str:
        raise Misfit("not a text")
    return value


def _texts(value: Any) -> list[str]:
    if type(value) is not list:
        raise Misfit("not a list")
    return [_text(item) for item in value]


def _whole(value: Any) -> int:
    if type(value) is not int or abs(value) > LARGEST:
        raise Misfit("not a whole number of 32 bits")
    return value


def _number(value: Any) -> float:
    if type(value) is float or type(value) is int:
        return value
    raise Misfit("not a number")


def _day(value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise Misfit("not a day") from None


def _true(value: Any) -> bool:
    if value is not True:
        raise Misfit("not true")
    return True


_VALUES: dict[str, Callable[[Any], object]] = {
    "code": _text,
    "codes": _texts,
    "number": _number,
    "date": _day,
    "text": _text,
    "phone": _text,
    "email": _text,
    "true": _true,
}
