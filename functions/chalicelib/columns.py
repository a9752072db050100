"""Which Parquet columns a survey has.

One table is for analysts (``responses/``), one holds what is personal (``contacts/``). Everything
here is names, without pyarrow, so that whoever documents, queries or checks columns can ask here;
what a response puts in them is ``layout``. What a column is called and how it is typed follows from
the contract alone; the columns of several versions are their union, so that old answers read as
null where a question is new.

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
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple

from . import days
from .survey import Contract, Field
from .survey.ids import make, time_of
from .survey.quality import FACTS
from .survey.questions import Consent


class Column(NamedTuple):
    name: str
    type: str


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
    "order": "strings",
    "number": "double",
    "date": "date",
    "text": "string",
    "phone": "string",
    "email": "string",
    "true": "bool",
    "files": "strings",
    "value": "double",
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


def coded(contracts: Iterable[Contract]) -> set[str]:
    """Columns of ``responses`` that have few values, from lists."""
    versions = list(contracts)
    asked = [field for version in versions for field in version.fields if not field.personal]
    return {
        *("version", "language", "channel"),
        *(name for version in versions for name in attributes(version) if name != CUSTOMER),
        *(field.id for field in asked if field.kind == "code"),
        *(agreed(field.id) for field in asked if field.kind == "true"),
    }


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
