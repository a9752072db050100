"""CRM: what was learnt of known customers goes back to where the company keeps them.

Two things are told, each as signed JSON (``channels.webhook``) under a key of its own: a response
that was merged, and a follow-up that was closed. The receiver sees a key again where a run was cut
off between the telling and the noting, and does nothing then: so each is done exactly once.

Beside each part lies what was told of it, with the part's tag: a part that did not change is not
read again. Of what is older than a week nothing is told: that is ``echoform customers``. No answer
in words goes out, no telephone number and no address.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http.client import HTTPException
from typing import Any

import msgspec
from msgspec import Struct

from .. import answered, days, improving, keys, parts
from ..channels.configured import Crm
from ..channels.pacing import Pace
from ..channels.port import Unavailable
from ..channels.webhook import NEVER, signed
from ..columns import CUSTOMER
from ..days import DAY_MS
from ..follow_ups.events import Item
from ..follow_ups.opening import open_record
from ..follow_ups.port import Query, Record, every
from ..published import Definitions
from ..settings import Settings
from ..site import read_site
from ..storage import Exists, Missing, Stale, Store
from ..survey import Contract, EchoformError

LATEST_DAYS = 7
OPEN_DAYS = 60
"""Follow-ups opened earlier are not looked through."""
AT_ONCE = 50
"""Told, and then noted."""
ENOUGH_S = 20.0
_TAKEN = range(200, 300)

Tell = Callable[[str, dict[str, Any]], bool]
"""Tell the CRM something under a key; False where it never wants it. Raises Unavailable."""


class Done(Struct):
    responses: int = 0
    follow_ups: int = 0
    refused: int = 0
    postponed: int = 0
    """The CRM takes nothing now: again in the next run."""


class Noted(Struct, frozen=True):
    """What was told of a place, and its tag then."""

    tag: str = ""
    told: list[str] = []


_DECODER = msgspec.json.Decoder(Noted)


def run(
    store: Store, settings: Settings, now: int, left: Callable[[], float] = lambda: math.inf
) -> Done:
    configured = read_site(store).crm
    if configured is None:
        return Done()
    return tell_all(store, open_record(settings), hook(configured, os.environ), now, left)


def hook(configured: Crm, environ: Mapping[str, str]) -> Tell:
    """Raises EchoformError: the secret is not set."""
    secret = environ.get(configured.secret_from, "").encode()
    if not secret:
        raise EchoformError(f"crm: the environment variable {configured.secret_from} is not set")
    pace = Pace(configured.per_second)

    def tell(key: str, body: dict[str, Any]) -> bool:
        pace.keep()
        try:
            data = msgspec.json.encode({"key": key, **body})
            status, _ = signed(configured.url, secret, key, data, time.time())
        except (OSError, HTTPException) as error:  # perhaps it was taken: its key says so
            raise Unavailable(f"the CRM: {type(error).__name__}") from None
        if status not in _TAKEN and status not in NEVER:
            raise Unavailable(f"the CRM: {status}")
        return status in _TAKEN

    return tell


def tell_all(
    store: Store,
    record: Record,
    tell: Tell,
    now: int,
    left: Callable[[], float] = lambda: math.inf,
) -> Done:
    """Tell what is new, as far as the time and the CRM allow."""
    definitions, done = Definitions(store), Done()
    try:
        for survey in definitions.surveys():
            contracts = definitions.versions(survey)
            if contracts[-1].anonymous or CUSTOMER not in contracts[-1].attributes:
                continue
            _forget(store, survey, now)
            for place, tag in _places(store, survey, now):
                noted = _noted(store, place)
                if noted.tag != tag:
                    new = _responses(store, contracts, place, now)
                    done.responses += _told(store, place, tag, noted, new, tell, done, left)
            place = keys.crm(survey, "closed")
            noted = _noted(store, place)
            closed = _closed(store, definitions, record, survey, noted, now)
            done.follow_ups += _told(store, place, "", noted, closed, tell, done, left)
    except Unavailable:
        done.postponed += 1
    return done


def _first(now: int) -> str:
    return days.day(now - (LATEST_DAYS + 1) * DAY_MS, "UTC")


def _forget(store: Store, survey: str, now: int) -> None:
    """Take away the notes of days of which nothing is told any more: they hold responses' ids."""
    listed = (entry.key for entry in store.list(f"{keys.CRM}{survey}/"))
    store.delete([key for key in listed if "/dt=" in key and keys.day_of(key) < _first(now)])


def _places(store: Store, survey: str, now: int) -> Iterator[tuple[str, str]]:
    """Where it is noted what was told of each part of these days, and the part's tag."""
    for entry in store.list(f"{keys.CONTACTS}{survey}/"):
        if keys.day_of(entry.key) >= _first(now):
            name = entry.key.removeprefix(f"{keys.CONTACTS}{survey}/").removesuffix(".parquet")
            yield keys.crm(survey, name), entry.tag


def _responses(
    store: Store, contracts: list[Contract], place: str, now: int
) -> dict[str, dict[str, Any] | None]:
    """What is there to tell of a part, by response; None where that is nothing."""
    survey = contracts[-1].id
    part = place.removeprefix(f"{keys.CRM}{survey}/").removesuffix(".json") + ".parquet"
    rows = parts.read(store, f"{keys.RESPONSES}{survey}/{part}").rows
    beside = parts.read(store, f"{keys.CONTACTS}{survey}/{part}").rows
    if rows is None or beside is None or CUSTOMER not in beside.column_names:
        return {}
    known = {(c["response"], c["digest"]): c[CUSTOMER] for c in beside.to_pylist()}
    names = improving.ratings(contracts)
    since = now - LATEST_DAYS * DAY_MS
    found: dict[str, dict[str, Any] | None] = {}
    for row in rows.filter(parts.among(rows["response"], {one for one, _ in known})).to_pylist():
        customer = known.get((row["response"], row["digest"]))
        at = round(row["received_at"].timestamp() * 1000)
        if not customer or at < since:
            continue
        found[f"response-{row['response']}"] = {
            "kind": "response",
            "survey": survey,
            "response": row["response"],
            "customer": customer,
            "received_at": at,
            "language": row["language"],
            "channel": row["channel"],
            "index": row["index"],
            "scores": {n: row[n] for n in names if row.get(n) is not None},
        }
    return found


def _closed(
    store: Store, definitions: Definitions, record: Record, survey: str, noted: Noted, now: int
) -> dict[str, dict[str, Any] | None]:
    """Follow-ups that were closed, by id and round."""
    query = Query(survey=survey, states=("closed",), opened_from=now - OPEN_DAYS * DAY_MS)
    since, told = now - LATEST_DAYS * DAY_MS, set(noted.told)
    items = {
        name: item
        for item in every(record, query)
        if (item.closed_at or 0) >= since and not item.erased
        and (name := f"follow-up-{item.id}-{item.reopened}")
    }  # fmt: skip
    new = {name: item for name, item in items.items() if name not in told}
    wanted = {item.response for item in new.values()}
    found = answered.find(store, definitions, survey, wanted) if wanted else {}
    customers = {name: found[name].contact.get(CUSTOMER) for name in found}
    return {name: _follow_up(item, customers.get(item.response)) for name, item in items.items()}


def _follow_up(item: Item, customer: str | None) -> dict[str, Any] | None:
    if not customer:
        return None
    facts = ("response", "rule", "priority", "outcome", "cause", "remedy", "closed_at", "reopened")
    told = {name: getattr(item, name) for name in facts}
    return {
        "kind": "follow_up",
        "survey": item.survey,
        "follow_up": item.id,
        "customer": customer,
        **told,
    }


def _told(
    store: Store,
    place: str,
    tag: str,
    noted: Noted,
    found: Mapping[str, dict[str, Any] | None],
    tell: Tell,
    done: Done,
    left: Callable[[], float],
) -> int:
    """Tell what was not told yet, and note it; how many were taken. Raises Unavailable."""
    there, count = [name for name in noted.told if name in found], 0
    known, whole = set(there), True
    try:
        for name, body in found.items():
            if name in known:
                continue
            if left() < ENOUGH_S:
                whole = False
                break
            if body is not None:
                taken = tell(name, body)
                count += taken
                done.refused += not taken
            there.append(name)
            if count % AT_ONCE == AT_ONCE - 1:
                _note(store, place, Noted("", there))
    except Unavailable:
        whole = False
        raise
    finally:  # also where the CRM takes no more: what it took is noted
        made = Noted(tag if whole else "", there)
        if made != noted:
            _note(store, place, made)
    return count


def _noted(store: Store, place: str) -> Noted:
    try:
        return _DECODER.decode(store.get(place).data)
    except Missing:
        return Noted()


def _note(store: Store, place: str, noted: Noted) -> None:
    """Of two runs at once the later's notes stay; what it tells again has the same key."""
    while True:
        with suppress(Exists, Stale):
            try:
                stored = store.get(place)
            except Missing:
                return store.create(place, msgspec.json.encode(noted))
            return store.replace(place, msgspec.json.encode(noted), stored.tag)
