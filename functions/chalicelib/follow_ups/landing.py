"""Follow-ups as tables: a row each as it is now, and a row for each of their events.

Both lie under the day the follow-up was opened, and are written again when it moved: the record
remembers what moved since it was landed, so nothing else of it is read. A part is read before the
follow-ups are, and replaced only as it was read: of two at once none writes over newer rows.

Nobody can be found in them: neither the masked customer nor any text that people typed is there.
Of an erased person what is left is for counting, under a pseudonym in place of the response's id.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from .. import columns, days, keys, parquet, versions
from ..columns import CUSTOMER, Column, pseudonym
from ..published import Definitions
from ..storage import Exists, Missing, Stale, Store
from ..survey import Contract
from .events import SYSTEM, Event, Item
from .performance import is_detractor, promoting
from .port import Record

AT_ONCE = 2000
ENOUGH_S = 20.0
"""More are begun only where so much time is left."""
BEFORE = tuple(
    Column(name, "string")
    for name in (
        "follow_up", "response", "rule", "priority", "kind", "state", "agent", "team", "assignee",
        "assigned_to_team", "language",
    )
)  # fmt: skip
AFTER = (
    Column("detractor", "bool"),
    Column("received_at", "timestamp"),
    Column("opened_at", "timestamp"),
    Column("first_contact_due", "timestamp"),
    Column("contacted_at", "timestamp"),
    Column("first_contact_on_time", "bool"),
    Column("resolve_due", "timestamp"),
    Column("resolved_at", "timestamp"),
    Column("resolved_on_time", "bool"),
    Column("closed_at", "timestamp"),
    Column("attempts", "int32"),
    Column("reopened", "int32"),
    Column("escalated", "string"),
    Column("verification_sent_at", "timestamp"),
    Column("verification_reminded_at", "timestamp"),
    Column("verification_response", "string"),
    Column("outcome", "string"),
    Column("erased", "bool"),
)
EVENTS = (
    Column("follow_up", "string"),
    Column("number", "int32"),
    Column("happened_at", "timestamp"),
    Column("who", "string"),
    Column("what", "string"),
    Column("assigned_to", "string"),
    Column("team", "string"),
    Column("channel", "string"),
    Column("outcome", "string"),
    Column("reason", "string"),
    Column("verification_response", "string"),
)
_FIXED = frozenset(column.name for column in (*BEFORE, *AFTER))


class Landed(Struct, frozen=True):
    """What a run did, in follow-ups."""

    follow_ups: int = 0
    waiting: int = 0
    """Another run was in the way: left to the next."""


class _Part(NamedTuple):
    survey: str
    day: str


def table(contracts: Iterable[Contract]) -> tuple[Column, ...]:
    """The columns of a survey's follow-ups, over all its versions."""
    known = [
        name
        for contract in contracts
        if not contract.anonymous
        for name in columns.attributes(contract)
    ]
    named = [
        Column(name, "string")
        for name in dict.fromkeys(known)
        if name not in _FIXED and name != CUSTOMER
    ]
    return (*BEFORE, *named, *AFTER)


def land(
    store: Store, record: Record, key: bytes, left: Callable[[], float], at_once: int = AT_ONCE
) -> Landed:
    """Land what moved since it was landed.

    Raises ExceptionGroup at the end, where some could not be; the others were.
    """
    definitions = Definitions(store)
    landed = waiting = 0
    failures: list[Exception] = []
    after = (0, "")
    while left() > ENOUGH_S and (moved := record.unlanded(after, at_once)):
        for part, names in _parts(definitions, moved, failures).items():
            try:
                done = _part(store, record, key, part, names, definitions.versions(part.survey))
            except Exception as failure:  # one bad part must not keep the others waiting
                failures.append(failure)
                continue
            landed += len(names) * done
            waiting += len(names) * (not done)
        after = (moved[-1].opened_at, moved[-1].id)
    if failures:
        raise ExceptionGroup("some follow-ups could not be landed", failures)
    return Landed(landed, waiting)


def _parts(
    definitions: Definitions, moved: Iterable[Item], failures: list[Exception]
) -> dict[_Part, list[str]]:
    """Ids by the part they lie in."""
    found: dict[_Part, list[str]] = defaultdict(list)
    for item in moved:
        try:
            timezone = definitions.current(item.survey).timezone
        except Missing as failure:
            failures.append(failure)
            continue
        found[_Part(item.survey, days.day(item.opened_at, timezone))].append(item.id)
    return found


def _part(
    store: Store,
    record: Record,
    key: bytes,
    part: _Part,
    names: Sequence[str],
    contracts: Sequence[Contract],
) -> bool:
    """Write the part's rows of these again; False where another was first."""
    places = [keys.follow_ups(prefix, *part) for prefix in (keys.FOLLOW_UPS, keys.FOLLOW_UP_EVENTS)]
    stored = [_read(store, place) for place in places]
    items = [record.get(name) for name in names]
    events = [(item, event) for item in items for event in record.history(item.id)]
    made = [
        parquet.table(table(contracts), _cells(items, key, promoting(contracts))),
        parquet.table(EVENTS, _logged(events, key)),
    ]
    gone = pa.array([each for item in items for each in (item.id, _name(item, key))], pa.string())
    for place, (old, tag), rows in zip(places, stored, made, strict=True):
        kept = None if old is None else old.filter(pc.invert(pc.is_in(old["follow_up"], gone)))
        rows = rows.take(pc.sort_indices(rows["follow_up"]))
        data = parquet.encode(rows if kept is None else parquet.added(kept, rows, "follow_up"))
        try:
            store.replace(place, data, tag) if tag else store.create(place, data)
        except (Stale, Exists):
            return False
    if any(item.erased for item in items):
        versions.forget(store, places, lambda name: name in places)
    for item in items:
        record.landed(item.id, item.version)
    return True


def _read(store: Store, place: str) -> tuple[pa.Table | None, str]:
    with suppress(Missing):
        stored = store.get(place)
        return parquet.decode(stored.data), stored.tag
    return None, ""


def _name(item: Item, key: bytes) -> str:
    """What a follow-up is called in the tables: its id begins with the response's."""
    return pseudonym(f"follow-up {item.id}", key) if item.erased else item.id


def _cells(items: Sequence[Item], key: bytes, promoters: frozenset[str]) -> dict[str, list[Any]]:
    named = {name for item in items for name in item.facts} - _FIXED - {CUSTOMER}
    return {
        **{
            name: [getattr(item, name) or None for item in items]
            for name in (
                "rule", "priority", "kind", "state", "agent", "team", "assignee",
                "assigned_to_team", "language", "received_at", "opened_at", "first_contact_due",
                "contacted_at", "resolve_due", "resolved_at", "closed_at", "escalated", "outcome",
            )
        },
        **{name: [item.facts.get(name) or None for item in items] for name in named},
        "follow_up": [_name(item, key) for item in items],
        "response": [None if item.erased else item.response for item in items],
        "detractor": [is_detractor(item, promoters) for item in items],
        "first_contact_on_time": [
            _on_time(item.contacted_at, item.first_contact_due, item) for item in items
        ],
        "resolved_on_time": [_on_time(item.resolved_at, item.resolve_due, item) for item in items],
        "attempts": [len(item.attempts) for item in items],
        "reopened": [item.reopened for item in items],
        "verification_sent_at": [item.verification.sent_at for item in items],
        "verification_reminded_at": [item.verification.reminded_at for item in items],
        "verification_response": [
            None if item.erased else item.verification.response or None for item in items
        ],
        "erased": [item.erased for item in items],
    }  # fmt: skip


def _on_time(done: int | None, due: int | None, item: Item) -> bool | None:
    """None where there is no such deadline, or nothing is decided yet."""
    if due is None or item.kind != "call" and done is None:
        return None
    if done is not None:
        return done <= due
    return False if item.state in ("unreachable", "closed") else None


def _logged(events: Sequence[tuple[Item, Event]], key: bytes) -> dict[str, list[Any]]:
    return {
        "follow_up": [_name(item, key) for item, _ in events],
        "number": [event.number for _, event in events],
        "happened_at": [event.at for _, event in events],
        "who": [event.by for _, event in events],
        "what": [event.kind for _, event in events],
        "assigned_to": [event.to or None for _, event in events],
        "team": [event.team or None for _, event in events],
        "channel": [event.channel or None for _, event in events],
        "outcome": [event.outcome or None for _, event in events],
        # What people give for a reason is their text; our own is a word.
        "reason": [e.reason if e.by == SYSTEM and e.reason else None for _, e in events],
        "verification_response": [
            None if item.erased else event.response or None for item, event in events
        ],
    }
