"""Backing up: everything that cannot be made again, while answers keep coming.

No moment is stopped for it. An answer goes from ``landing/`` to the parts, and leaves it only once
it is there; so places are listed and copied in that order, and what moves meanwhile is met later,
or twice, which merging takes for once. Claims come after the answers, for a merged answer without
its claim would leave its link open. The marks of who left come before the counts made of them,
which nothing makes again once the marks are gone. Tombstones come last: whoever was erased
meanwhile is erased again by restoring.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from itertools import islice

import msgspec
import pyarrow.parquet as pq

from chalicelib import audit, keys
from chalicelib.follow_ups.port import Record
from chalicelib.storage import Entry, Missing, Store
from generator import snapshots
from generator.snapshots import AT_ONCE, LEFT_OUT, Saved, Snapshot

FIRST = (keys.LANDING, keys.RESPONSES, keys.CONTACTS, keys.DUE, keys.LEFT)
LAST = (keys.CLAIMS, keys.ERASURES, keys.TOMBSTONES)
ROWS = 5_000
"""Rows of follow-ups in one object."""


def back_up(
    store: Store, record: Record, secret: bytes, backup: Store, now: int, most: int
) -> tuple[Snapshot, int, int]:
    """Copy what changed since the newest snapshot, and forget all but the newest ``most``: the
    snapshot, how many objects were read, and how many snapshots were forgotten. Raises Busy where
    somebody else backs up to the same place."""
    with snapshots.alone(backup, audit.operator(), now):
        snapshot, changed = _snapshot(store, record, secret, backup, now)
        return snapshot, changed, snapshots.forget(backup, most)


def _snapshot(
    store: Store, record: Record, secret: bytes, backup: Store, now: int
) -> tuple[Snapshot, int]:
    known = snapshots.names(backup)
    before = snapshots.read(backup).objects if known else {}
    audit.record(store, audit.operator(), "backup", now, objects=len(before))
    objects: dict[str, Saved] = {}
    changed = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:

        def copied(entry: Entry) -> Saved | None:
            saved = before.get(entry.key)
            return saved if saved and saved.tag == entry.tag else _copied(store, entry, backup)

        for listed in _places(store):
            entries = [*listed]
            for entry, saved in zip(entries, pool.map(copied, entries), strict=True):
                if saved is not None:  # else it moved on, and is met where it went
                    objects[entry.key] = saved
                    changed += before.get(entry.key) is not saved
    moment = datetime.fromtimestamp(now / 1000, UTC)
    snapshot = Snapshot(
        name=moment.strftime("%Y%m%dT%H%M%S") + f"{now % 1000:03d}Z",
        secret=snapshots.fingerprint(secret),
        objects=objects,
        follow_ups=[snapshots.keep(backup, data) for data in _rows(record)],
    )
    snapshots.write(backup, snapshot)
    return snapshot, changed


def _places(store: Store) -> Iterator[Iterator[Entry]]:
    """What lies in each place, listed when its turn comes."""
    yield from (store.list(prefix) for prefix in FIRST)
    apart = (*FIRST, *LAST, *LEFT_OUT)
    yield (entry for entry in store.list("") if not entry.key.startswith(apart))
    yield from (store.list(prefix) for prefix in LAST)


def _copied(store: Store, entry: Entry, backup: Store) -> Saved | None:
    try:
        stored = store.get(entry.key)
    except Missing:
        return None
    answers = entry.key.startswith(keys.RESPONSES)
    rows = pq.read_metadata(BytesIO(stored.data)).num_rows if answers else 0
    return Saved(tag=stored.tag, hash=snapshots.keep(backup, stored.data), rows=rows)


def _rows(record: Record) -> Iterator[bytes]:
    """Rows in an order of their own, so that what did not change is kept once."""
    rows = iter(sorted(record.rows(), key=lambda row: (row.kind, row.id, row.number)))
    while some := [*islice(rows, ROWS)]:
        yield msgspec.json.encode(some)
