"""Parts as files that many writers share: read with a tag and a generation, written over that.

Writers replace a part whole and only over the version they read. S3 names a version by its bytes,
so taking rows out could give the very bytes a slower writer had read, and let it put them in
again. Hence the rule: **whoever takes rows out raises the generation**, a number in the file's
footer that never falls, and no version of a part ever comes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from . import parquet
from .storage import Missing, Store

GENERATION = "echoform.generation"
CHECKED = "echoform.tombstones"
"""The tombstones that none of a part's rows has; merge need not look at each row again."""


class PartFile(NamedTuple):
    """A part as it was read: no rows and the tag "" where there was none."""

    name: str
    rows: pa.Table | None
    tag: str
    generation: int
    checked: str = ""


def read(store: Store, name: str, coded: Sequence[str] = ()) -> PartFile:
    """``coded``: columns that may stay dictionaries."""
    try:
        stored = store.get(name)
    except Missing:
        return PartFile(name, None, "", 0)
    rows = parquet.decode(stored.data, coded)
    noted = {name.decode(): note.decode() for name, note in (rows.schema.metadata or {}).items()}
    generation = int(noted.get(GENERATION, "0"))
    rows = rows.replace_schema_metadata(None)
    return PartFile(name, rows, stored.tag, generation, noted.get(CHECKED, ""))


def changed(part: PartFile, rest: pa.Table | None, new: pa.Table, checked: str) -> bytes:
    """The part with what rests of it and new rows; empty where that is what was read."""
    taken = part.rows is not None and rest is not None and rest.num_rows < part.rows.num_rows
    if not new.num_rows and not taken:
        return b""
    return encoded(part, rest, new, taken=taken, checked=checked)


def encoded(
    part: PartFile, rest: pa.Table | None, new: pa.Table, *, taken: bool, checked: str = ""
) -> bytes:
    """A part with these rows, and the columns of ``new``.

    ``taken``: some rows that were there are not. ``checked``: digest of the tombstones that none of
    them has.
    """
    old = new.slice(0, 0) if rest is None else rest
    whole = parquet.added(parquet.plain(old) if taken else old, new, by="response")
    generation = part.generation + taken
    noted = {GENERATION: str(generation) if generation else "", CHECKED: checked}
    return parquet.encode(whole, {name: note for name, note in noted.items() if note})


def write(store: Store, part: PartFile, data: bytes) -> None:
    """Put data where the part was read. Raises Stale or Exists where somebody else was first."""
    if part.tag:
        store.replace(part.name, data, part.tag)
    else:
        store.create(part.name, data)


def digests(store: Store, name: str) -> dict[str, str]:
    """Every response id in a part, with its digest."""
    rows = read(store, name).rows
    if rows is None:
        return {}
    return dict(zip(rows["response"].to_pylist(), rows["digest"].to_pylist(), strict=True))


def named(rows: pa.Table | None, responses: Iterable[str]) -> set[tuple[str, str]]:
    """Id and digest of the rows under these ids."""
    if rows is None:
        return set()
    names = rows.select(["response", "digest"])
    mine = names.filter(among(names["response"], responses))
    return set(zip(*mine.to_pydict().values(), strict=True))


def without(rows: pa.Table, responses: Iterable[str]) -> pa.Table:
    """The rows that are not of these responses."""
    return rows.filter(pc.invert(among(rows["response"], responses)))


def among(column: pa.ChunkedArray, values: Iterable[str]) -> pa.ChunkedArray:
    return pc.is_in(column, pa.array([*values], pa.string()))
