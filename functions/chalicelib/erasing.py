"""Erasing a person: out of every place, for good, also against merges and replays under way.

What is to be done is written down first (ids and hashes, nothing personal), so that an erasure
that is cut off is finished by whoever comes next. Then, in this order:

1. **Tombstones.** From here on merge lets nothing of these responses in.
2. **Parts** are written again with a higher generation, or made, so that no merger that read them
   before the tombstones can write. Contacts likewise.
3. **What stands beside**: landed, links, uploads, marks of follow-ups due, rejected. Claims stay,
   but say no more whose they are. What landed names the mark of a break-off, which goes with it;
   once that is merged no mark is left, and none ever says whose it is.
4. **Follow-ups** keep what counts and lose every text; their ids are forbidden, so that none is
   begun by whoever read the answer before.
5. **Invitations**: out of their shards and tables, with messages that wait in the outbox. The
   contact rule forgets that they were asked. That they opted out it keeps, as a hash: without it,
   who wanted to hear no more would be written to again from the next list of customers.
6. **Old versions** of all that, where a bucket keeps them.

Each step is harmless to repeat. Tallies name their sources, so those of touched days are stale by
themselves.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from secrets import randbits

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from . import (
    audit,
    break_offs,
    claims,
    columns,
    days,
    keys,
    links,
    parquet,
    parts,
    tombstones,
    versions,
)
from .claims import Claim
from .follow_ups.events import item_id
from .follow_ups.port import Record
from .invitations import contact_rule
from .invitations import record as invitations
from .jobs.landed import UNREADABLE, Part, rejected_key
from .published import Definitions
from .storage import Exists, Missing, Stale, Store
from .survey import EchoformError, Response, ids
from .traces import Traces

_HASH = re.compile("[0-9a-f]{32}")
TRIES = 100


class Erased(Struct):
    """What an erasure took away: rows, and objects of each kind."""

    responses: int = 0
    contacts: int = 0
    landed: int = 0
    claims: int = 0
    links: int = 0
    due: int = 0
    rejected: int = 0
    uploads: int = 0
    follow_ups: int = 0
    """Left as numbers, without what was said and noted."""
    invitations: int = 0
    versions: int = 0
    """Old ones, in a bucket that keeps them."""


class Busy(EchoformError):
    """A part was changed by others again and again. What was begun is finished by ``purge``."""


def erase(
    store: Store, secret: bytes, traces: Traces, now: int, who: str, record: Record | None = None
) -> Erased:
    """Take away what was traced, and say in the audit trail that ``who`` did.

    ``record`` is that of follow-ups, where there is one.

    ``secret`` is the one that names tombstones. Killed anywhere after its first step, it has left
    a note that ``finish`` carries out.
    """
    count = len(traces.responses)
    audit.record(store, who, "erase", now, traces.survey, by=traces.by, responses=count)
    note = keys.erasure(ids.make(now, randbits(80)))
    store.create(note, msgspec.json.encode(traces))
    return _carry_out(store, secret, traces, note, record)


def finish(store: Store, secret: bytes, record: Record | None = None) -> int:
    """Carry out what erasures left that were cut off; says how many there were."""
    notes = [entry.key for entry in store.list(keys.ERASURES)]
    for note in notes:
        try:
            traces = msgspec.json.decode(store.get(note).data, type=Traces)
        except Missing:  # whoever began it has finished it
            continue
        _carry_out(store, secret, traces, note, record)
    return len(notes)


def _carry_out(
    store: Store, secret: bytes, traces: Traces, note: str, record: Record | None
) -> Erased:
    done = Erased()
    places = _places(store, traces)
    for part, responses in places.items():
        for response in responses:
            tombstones.put(store, part.survey, part.day, response, secret)
    touched: list[str] = []
    over: set[str] = set()
    for part, responses in places.items():
        wanted = Definitions(store).versions(part.survey)
        for table, made in ((keys.RESPONSES, columns.responses), (keys.CONTACTS, columns.contacts)):
            name = keys.part(table, *part)
            rows = _take_out(store, name, made(wanted), responses)
            touched.append(name)
            if rows is None:
                continue
            if table == keys.RESPONSES:
                done.responses += rows.num_rows
                over.update(filter(None, rows["link"].to_pylist()))
            else:
                done.contacts += rows.num_rows
    landed, due, rejected = (
        [key for key in _listed(store, prefix) if within in key and _of(traces, key)]
        for prefix, within in _beside(traces.survey)
    )
    waiting = _read(store, landed)
    claimed = {*traces.claims, *over, *_claimed(store, waiting)}
    done.claims = sum(
        claims.forget(store, traces.survey, link, traces.responses) for link in sorted(claimed)
    )
    # These alone: what landed since is for merge, which then forgets the claim as well. Who has
    # answered has not left, so merge would have taken their marks away.
    timezone = Definitions(store).current(traces.survey).timezone
    store.delete(mark for each in waiting for mark in break_offs.left_by(each, timezone))
    store.delete([*landed, *due, *rejected])
    done.landed, done.due, done.rejected = len(landed), len(due), len(rejected)
    asking = set[str]()
    if record is not None:
        done.follow_ups, asking = _forget(record, Definitions(store), traces)
    shards = _shards({*traces.links, *asking})
    done.links = sum(links.remove(store, key, names) for key, names in shards.items())
    done.uploads = sum(not key.endswith(keys.CLAIM) for key in traces.uploads)
    store.delete(traces.uploads)
    touched += _uninvite(store, traces, done)
    store.delete([note])
    touched += [keys.claim(traces.survey, link) for link in claimed]
    whole = {*touched, *shards, *traces.uploads, note}
    done.versions = versions.forget(
        store,
        [*whole, *_versions_beside(traces)],
        lambda key: key in whole or _of(traces, key),
    )
    return done


def _forget(record: Record, definitions: Definitions, traces: Traces) -> tuple[int, set[str]]:
    """Every follow-up that a rule of any version may have opened: how many there were, and the
    hashes of links that asked whether they helped."""
    versions = definitions.versions(traces.survey)
    rules = sorted({rule.id for contract in versions for rule in contract.follow_ups})
    count, asking = 0, set[str]()
    for response in sorted(traces.responses):
        for rule in rules:
            name = item_id(traces.survey, response, rule)
            if record.forget(name, ids.time_of(response)):
                count += 1
                asking |= {event.link for event in record.history(name) if event.link}
    return count, asking


def _uninvite(store: Store, traces: Traces, done: Erased) -> list[str]:
    """Take invitations away, and messages that wait in the outbox; the keys that were touched."""
    contact_rule.forget(store, traces.people)
    told = [
        entry.key
        for prefix in (keys.TOLD, keys.OUTBOX)
        for entry in store.list(prefix)
        if traces.people.intersection(_HASH.findall(entry.key))
    ]
    store.delete(told)
    touched = [*told, *(keys.asked(each) for each in traces.people)]
    every = {name for names in traces.invitations.values() for name in names}
    for shard, names in traces.invitations.items():
        done.invitations += invitations.remove(store, shard, names)
        touched.append(shard)
    named = every | traces.responses  # messages about a follow-up are named by its response
    beside = [
        entry.key
        for prefix in (keys.OUTBOX, f"{keys.HEARD}{traces.survey}/")
        for entry in store.list(prefix)
        if any(each in entry.key for each in named)
    ]
    store.delete(beside)
    if not every:
        return [*touched, *beside]
    tables = [entry.key for entry in store.list(f"{keys.INVITATIONS}{traces.survey}/")]
    tables = [key for key in tables if _without(store, key, every)]
    return [*touched, *beside, *tables]


def _without(store: Store, key: str, names: set[str]) -> bool:
    """Write a table of invitations again without these; says whether it had any."""
    for _ in range(TRIES):
        try:
            stored = store.get(key)
            rows = parquet.decode(stored.data)
            rest = rows.filter(pc.invert(parts.among(rows["invitation"], names)))
            if rest.num_rows == rows.num_rows:
                return False
            store.replace(key, parquet.encode(rest), stored.tag)
            return True
        except Missing:
            return False
        except Stale:
            continue
    raise Busy(f"{key} is being changed all the time; try again")


def _places(store: Store, traces: Traces) -> dict[Part, list[str]]:
    """The responses by the part they lie in, or would."""
    definitions = Definitions(store)
    timezone = definitions.current(traces.survey).timezone
    publication = definitions.publication(traces.survey)
    found: dict[Part, list[str]] = defaultdict(list)
    for response in sorted(traces.responses):
        day = days.day(ids.time_of(response), timezone)
        bucket = keys.bucket(response, publication.buckets_on(day))
        found[Part(traces.survey, day, bucket)].append(response)
    return found


def _read(store: Store, landed: Iterable[str]) -> list[Response]:
    """Those that are still there, and responses."""
    found: list[Response] = []
    for key in landed:
        with suppress(Missing, *UNREADABLE):
            found.append(Response.from_json(store.get(key).data))
    return found


def _claimed(store: Store, landed: Iterable[Response]) -> set[str]:
    """The personal links over which these landed. Each is claimed: accept may be about to do that,
    and whose a claim is can be taken only out of one that is there."""
    found: set[str] = set()
    for response in landed:
        if response.personal_link and response.link:
            mine = Claim(response.id, response.digest)
            claims.make(store, response.survey, response.link, mine)
            found.add(response.link)
    return found


def _take_out(
    store: Store, name: str, wanted: tuple[columns.Column, ...], responses: Iterable[str]
) -> pa.Table | None:
    """Write a part again without these rows, and with a higher generation even if it has none.
    Returns the rows that went."""
    for _ in range(TRIES):
        part = parts.read(store, name)
        rest = None if part.rows is None else parts.without(part.rows, responses)
        try:
            parts.write(
                store, part, parts.encoded(part, rest, parquet.table(wanted, {}), taken=True)
            )
        except (Stale, Exists):  # a merger was first: it may just have put them in
            continue
        if part.rows is None:
            return None
        return part.rows.filter(parts.among(part.rows["response"], responses))
    raise Busy(f"{name} is being changed all the time; try again")


def _beside(survey: str) -> list[tuple[str, str]]:
    """Where objects stand that are named by a response: prefix, and what else the key has."""
    return [
        (f"{keys.LANDING}{survey}/", ""),
        (f"{keys.DUE}{survey}/", ""),
        (keys.REJECTED, f"/{survey}/"),
    ]


def _versions_beside(traces: Traces) -> list[str]:
    return [
        *(prefix + r for prefix, within in _beside(traces.survey) if not within
          for r in sorted(traces.responses)),
        keys.REJECTED,
        *sorted(traces.objects),
    ]  # fmt: skip


def _of(traces: Traces, key: str) -> bool:
    if key in traces.objects or keys.response_of(key) in traces.responses:
        return True
    day = key.removeprefix(keys.REJECTED).partition("/")[0]  # it may have been moved meanwhile
    code = keys.reason_of(key)
    return key in {rejected_key(day, landed, code) for landed in traces.objects}


def _listed(store: Store, prefix: str) -> list[str]:
    return [entry.key for entry in store.list(prefix)]


def _shards(found: Iterable[str]) -> dict[str, set[str]]:
    shards: dict[str, set[str]] = defaultdict(set)
    for name in found:
        shards[keys.links(name)].add(name)
    return shards
