"""A small survey, responses to it as they land, and what merging made of them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from threading import Lock
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa

from chalicelib import keys, parquet
from chalicelib.published import publish
from chalicelib.storage import Entry, Store, Stored
from chalicelib.survey import Choice, Contract, Response, Rule, Section, ids
from chalicelib.survey.questions import (
    AnyQuestion,
    Consent,
    Date,
    LongText,
    Multiple,
    Nps,
    Number,
    Phone,
    Rating,
    Single,
    YesNo,
)

KEY = b"secret"
NOW = 1_795_000_000_000


def choices(*codes: str) -> list[Choice]:
    return [Choice(code, {"en": code.title()}) for code in codes]


def contract(
    *more: AnyQuestion, id: str = "service", timezone: str = "Asia/Shanghai", **other: Any
) -> Contract:
    """A survey with something of every column; ``more`` is asked at its end."""
    asked: list[AnyQuestion] = [
        Single(
            id="kind", text={"en": "Kind"}, choices=choices("repair", "advice"), segment=True,
            other=True,
        ),
        Rating(id="speed", text={"en": "Speed"}, weight=0.6, na=True),
        Rating(id="care", text={"en": "Care"}, weight=0.4),
        Nps(id="recommend", text={"en": "Recommend"}),
        Multiple(id="improve", text={"en": "Improve"}, choices=choices("price", "time", "skill")),
        Single(
            id="contacts", text={"en": "Contacts"}, choices=choices("once", "more"),
            role="contacts",
        ),
        YesNo(id="solved", text={"en": "Solved"}, role="solved"),
        Number(id="price", text={"en": "Price"}, decimals=2),
        Number(id="visits", text={"en": "Visits"}),
        Date(id="bought", text={"en": "Bought"}),
        LongText(id="comment", text={"en": "Comment"}),
        Consent(id="agree", text={"en": "Agree"}),
        Phone(id="phone", text={"en": "Phone"}, personal=True),
    ]  # fmt: skip
    return Contract(
        id=id,
        title={"en": "Service"},
        languages=["en"],
        timezone=timezone,
        attributes=["customer", "agent"],
        sections=[Section(id="all", questions=[*asked, *more])],
        follow_ups=[
            Rule(id="unhappy", when=["<=", "speed", 2], title={"en": "Unhappy"}),
            Rule(id="vip", when=["and", ["==", "agent", "a1"], ["<", "index", 50.0]], title={}),
        ],
        **other,
    )


def at(text: str, zone: str = "Asia/Shanghai") -> int:
    """Milliseconds of a time on the survey's clocks."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


NOON = at("2026-05-17T12:00")


def said(number: int, survey: Contract, ms: int = NOON, **other: Any) -> Response:
    """The response with that number: always the same id."""
    answers = other.pop("answers", {"speed": number % 5 + 1, "care": 4})
    return Response(
        id=ids.make(ms, zlib.crc32(b"%d" % number) << 16 | number),
        survey=survey.id,
        version=survey.version,
        language="en",
        channel=other.pop("channel", "open"),
        received_at=other.pop("received_at", ms + number),
        answers=answers,
        **other,
    )


def land(store: Store, *responses: Response) -> list[str]:
    """Put responses where accept puts them."""
    names = [keys.landing(r.survey, r.id, r.digest) for r in responses]
    for name, response in zip(names, responses, strict=True):
        store.create(name, response.to_json())
    return names


def live(store: Store, *versions: Contract) -> None:
    for number, version in enumerate(versions):
        publish(store, version, NOW + number)


def names(store: Store, prefix: str) -> list[str]:
    return [entry.key for entry in store.list(prefix)]


def rows(store: Store, prefix: str = keys.RESPONSES) -> list[dict[str, Any]]:
    """Every row of a table's parts."""
    tables = [parquet.decode(store.get(name).data) for name in names(store, prefix)]
    if not tables:
        return []
    found: list[dict[str, Any]] = pa.concat_tables(tables, promote_options="default").to_pylist()
    return found


def rejected(store: Store) -> list[dict[str, Any]]:
    return [msgspec.json.decode(store.get(name).data) for name in names(store, "rejected/")]


class Crash(BaseException):
    """The process died."""


class Mortal:
    """A store whose process dies at its n-th call: before doing it, or after, unacknowledged."""

    def __init__(self, store: Store, call: int, *, after: bool) -> None:
        self._store = store
        self._left = call
        self._after = after
        self._lock = Lock()

    def get(self, key: str) -> Stored:
        self._call()
        return self._store.get(key)

    def create(self, key: str, data: bytes) -> None:
        self._do(lambda: self._store.create(key, data))

    def replace(self, key: str, data: bytes, tag: str) -> None:
        self._do(lambda: self._store.replace(key, data, tag))

    def list(self, prefix: str) -> Iterator[Entry]:
        self._call()
        return self._store.list(prefix)

    def delete(self, keys: Iterable[str]) -> None:
        for key in [*keys]:  # a batch may be cut off anywhere
            self._do(lambda key=key: self._store.delete([key]))  # type: ignore[misc]

    def _call(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left < 0:
                raise Crash

    def _do(self, act: Any) -> None:
        with self._lock:
            self._left -= 1
            dies = self._left < 0
            if dies and not (self._after and self._left == -1):
                raise Crash
            act()
            if dies:
                raise Crash
