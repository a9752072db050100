"""Counting those who began and left (``chalicelib.break_offs``): their marks, day by day, as a
table that stays.

A mark may still go, with somebody who comes back. So a day is counted again whenever its marks are
others than those its file was made of, also when none is left. Once nobody can come back the day is
settled: the file says so, and is never written again; only then its marks go. Whatever run is cut
off, or lists late, finds a settled day and has nothing left to do but delete.

Marks that a run lists, a thousand at the price of a put, are listed again by every run of ten days:
where there are more than that, once an hour is enough for a schedule of five minutes (``thrifty``).

A day has a note of its own beside its marks from before there is a file until it is settled: so one
list tells every day there is something to do for, and where nobody left it is the whole run.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from hashlib import sha256
from itertools import islice

from .. import days, keys, parquet
from ..break_offs import BACK_DAYS, COLUMNS, BreakOff, named
from ..days import DAY_MS
from ..storage import Exists, Missing, Stale, Store

PAGE = 1000
"""Marks that one list tells."""
EVERY_MS = 5 * 60 * 1000
"""The tally's schedule: one run of an hour begins in the first of so much of it."""
HOUR_MS = 12 * EVERY_MS
COUNTED = "counted"
"""The note. No mark is called so."""
STAMP = "echoform.sources"
"""What a file was made of, in its footer."""
SETTLED = "settled"
"""What stands there when nobody can come back any more."""


def add_up(
    store: Store,
    pool: ThreadPoolExecutor,
    now: int,
    only: str | None = None,
    thrifty: bool = False,
) -> list[Exception]:
    """Bring the break-offs of all surveys, or of one, up to date. Gives what went wrong."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    hour = now % HOUR_MS if thrifty else 0
    for key in _listed(store, f"{keys.LEFT}{only}/" if only else keys.LEFT, hour):
        place = key.split("/")
        if len(place) == 4 and days.is_day(place[2]):  # whatever else lies there is not ours
            found[place[1], place[2]].append(place[3])
    # A day is over everywhere a day after it is in UTC.
    over = days.day(now - (BACK_DAYS + 1) * DAY_MS, "UTC")
    done = pool.map(partial(_tried, store, over), found.items())
    return [failure for failure in done if failure]


def _listed(store: Store, prefix: str, hour: int) -> list[str]:
    """What lies there; nothing, where it is much and was looked through within the hour, of which
    so much has gone by. (Never some of it: a day is counted by all its marks.)"""
    listed = (entry.key for entry in store.list(prefix))
    first = [*islice(listed, PAGE)]
    if len(first) == PAGE and hour >= EVERY_MS:
        return []
    return [*first, *listed]


def _tried(
    store: Store, over: str, each: tuple[tuple[str, str], Sequence[str]]
) -> Exception | None:
    (survey, day), names = each
    try:
        _day(store, survey, day, names, settle=day < over)
    except Exception as failure:  # one bad day must not keep the others waiting
        return failure
    return None


def _day(store: Store, survey: str, day: str, names: Sequence[str], settle: bool) -> None:
    """``names``: what was listed before the file is read; so of two runs at once the slower one
    sees what the other settled."""
    marks = [mark for mark in map(named, names) if mark]
    known = bool(marks) or COUNTED in names
    if known and not settle and COUNTED not in names:
        with suppress(Exists):
            store.create(keys.left(survey, day, COUNTED), b"")
    if known and not _counted(store, survey, day, marks, settle):
        return  # another was first: the next run will see
    if settle:
        store.delete(keys.left(survey, day, name) for name in names)


def _counted(store: Store, survey: str, day: str, marks: Sequence[BreakOff], settle: bool) -> bool:
    """Write the day's file where it is not as it should be; whether it is now."""
    key = keys.break_offs(survey, day)
    tag, made_of = _stored(store, key)
    stamp = SETTLED if settle else _stamp(marks)
    if made_of in (SETTLED, stamp):
        return True
    data = _encoded(marks, stamp)
    try:
        store.replace(key, data, tag) if tag else store.create(key, data)
    except (Stale, Exists):
        return False
    return True


def _stored(store: Store, key: str) -> tuple[str, str]:
    """A file's tag and what it was made of, both "" where there is none."""
    try:
        stored = store.get(key)
    except Missing:
        return "", ""
    return stored.tag, parquet.notes(stored.data).get(STAMP, "")


def _stamp(marks: Iterable[BreakOff]) -> str:
    return sha256("\n".join(sorted(mark.name for mark in marks)).encode()).hexdigest()


def _encoded(marks: Iterable[BreakOff], stamp: str) -> bytes:
    counts = Counter(mark[1:] for mark in marks)
    rows = [(*said, n) for said, n in sorted(counts.items())]
    cells: Mapping[str, list[object]] = {
        column.name: [row[at] for row in rows] for at, column in enumerate(COLUMNS)
    }
    return parquet.encode(parquet.table(COLUMNS, cells), {STAMP: stamp})
