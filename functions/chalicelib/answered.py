"""Merged answers, found again by response id: for what is done about one answer, not about many.

Only scheduled jobs and commands import this: it reads Parquet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple, TypeAlias

from . import columns, days, keys, parquet
from .columns import CUSTOMER
from .published import Definitions
from .storage import Missing, Store
from .survey import Answer, Contract, Field, ids
from .survey.questions import NA

Row: TypeAlias = dict[str, Any]

ADDRESSES = {"email": "email", "phone": "sms"}
"""Kinds of field that are an address, best first, and the channel it is of."""


class Answered(NamedTuple):
    """A response as it lies in columns, and what is personal of it (empty where nothing is)."""

    row: Row
    contact: Row


def find(
    store: Store, definitions: Definitions, survey: str, responses: Iterable[str]
) -> dict[str, Answered]:
    """Those of the responses that are there; each part is read once."""
    places: dict[tuple[str, int], list[str]] = defaultdict(list)
    timezone = definitions.current(survey).timezone
    publication = definitions.publication(survey)
    for response in responses:
        day = days.day(ids.time_of(response), timezone)
        places[day, keys.bucket(response, publication.buckets_on(day))].append(response)
    found: dict[str, Answered] = {}
    for (day, bucket), wanted in places.items():
        rows = _rows(store, keys.part(keys.RESPONSES, survey, day, bucket), wanted)
        contacts = _rows(store, keys.part(keys.CONTACTS, survey, day, bucket), wanted)
        for response, row in rows.items():
            contact = contacts.get(response, {})
            if contact.get("digest") != row["digest"]:  # of a rival that lost
                contact = {}
            found[response] = Answered(row, contact)
    return found


def _rows(store: Store, name: str, responses: list[str]) -> dict[str, Row]:
    try:
        data = store.get(name).data
    except Missing:
        return {}
    rows = parquet.decode_where(data, {"response": responses}).to_pylist()
    return {row["response"]: row for row in rows}


def answers(contract: Contract, row: Mapping[str, Any]) -> dict[str, Answer]:
    """The answers in a row, as conditions compare them."""
    found: dict[str, Answer] = {}
    for field in _asked(contract):
        value = row.get(field.id)
        if value is not None:
            found[field.id] = value.isoformat() if isinstance(value, date) else value
        elif columns.has_na(field) and row.get(columns.na(field.id)):
            found[field.id] = NA
    return found


def known(contract: Contract, row: Mapping[str, Any]) -> dict[str, Answer]:
    """What rules are about: answers, attributes (never the customer) and the index."""
    found: dict[str, Answer] = {}
    if not contract.anonymous:
        found |= {n: row[n] for n in contract.attributes if n != CUSTOMER and row.get(n)}
    found |= answers(contract, row)
    if row.get("index") is not None:
        found["index"] = row["index"]
    return found


def addresses(contract: Contract, contact: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Channel and address of whoever answered, best first."""
    return [
        (channel, contact[field.id])
        for kind, channel in ADDRESSES.items()
        for field in contract.fields
        if field.kind == kind and contact.get(field.id)
    ]


def _asked(contract: Contract) -> Iterable[Field]:
    return (field for field in contract.fields if field.rule and not field.personal)
