"""Tally: the counts of each survey and day, made again exactly when what they are made of changed.

A day's tallies name their sources in their footer: the parts with their tags, the versions of the
contract, and the SQL that counted. Where all three are as now, there is nothing to do.

The counting is done ``here``, by DuckDB; much at once can be counted ``elsewhere``, by Athena: it
is one SQL, and the tallies are the same. Parts are fetched to a temporary folder first, so that
DuckDB needs no network and sees each part whole.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from .. import columns, counting, keys, parquet, tally_files
from ..links import Link
from ..published import Definitions
from ..retention import kept
from ..settings import Settings
from ..storage import Exists, Missing, Stale, Store
from ..survey import Contract, EchoformError
from . import break_offs, stretches
from .elsewhere import DAYS, Athena, takes
from .here import count

AT_ONCE = 16
PARTS = 100
"""Parts of a survey, of up to 250,000 responses each, that one function counts well in its time."""
BATCH = 32 << 20
"""Bytes of parts counted by one statement, about; it bounds memory and disk."""
STAMP = "echoform.sources"
"""The note in a tally's footer."""


class Tallied(Struct):
    """Days looked at, tallies written, and tallies that were as they should be."""

    days: int = 0
    written: int = 0
    unchanged: int = 0


class Day(NamedTuple):
    survey: str
    day: str


class Due(NamedTuple):
    """A day to be counted: its parts with their tags, and the tag of its tally, or ""."""

    day: Day
    parts: Mapping[str, str]
    tag: str


class Fetched(NamedTuple):
    """One whose parts wait in a folder. ``due`` has the tags of what was fetched."""

    due: Due
    folder: Path
    size: int


class BadMode(EchoformError):
    """ECHOFORM_TALLY is none of the words it may be."""


def run(
    store: Store, settings: Settings, now: int, left: Callable[[], float] = lambda: math.inf
) -> Tallied:
    most = {"local": None, "auto": PARTS, "athena": 0}
    if settings.tally not in most:
        raise BadMode(f"ECHOFORM_TALLY is {settings.tally!r}: use local, athena or auto")
    here = most[settings.tally]
    athena = None if here is None else _athena(store, settings)
    thrifty = left() < math.inf  # a function's schedule; whoever asks by hand wants all of it
    return tally(store, now, key=settings.key, athena=athena, here=here or 0, thrifty=thrifty)


def _athena(store: Store, settings: Settings) -> Athena:
    if not settings.data.startswith("s3://"):
        raise BadMode(f"Athena reads s3:// alone, not {settings.data!r}: set ECHOFORM_TALLY=local")
    import boto3

    database, _, workgroup = settings.athena.partition("/")
    client = boto3.client("athena")
    return Athena(client, store, settings.data, database, workgroup or database)


def tally(
    store: Store,
    now: int,
    only: str | None = None,
    key: bytes = b"",
    athena: Athena | None = None,
    here: int = 0,
    thrifty: bool = False,
) -> Tallied:
    """Bring the tallies of all surveys, or of one, up to date.

    Days that are not kept any more stay as they were.

    With ``key``, the segments told of an anonymous survey have their names again. With ``athena``,
    a survey of which more than ``here`` parts are to be counted again is counted there.
    ``thrifty``: many break-offs are looked through once an hour.

    Raises ExceptionGroup at the end, where some days could not be counted; the others were.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool, TemporaryDirectory() as folder:
        sources = _sources(store, only)
        stored = dict(zip(sources, pool.map(partial(_stored, store), sources), strict=True))
        counter = _Counter(store, pool, Path(folder), now, key)
        changed: set[str] = set()
        for survey, days in groupby(sources, lambda day: day.survey):
            due = counter.due(survey, {day: (sources[day], *stored[day]) for day in days})
            changed |= {keys.tallies(*each.day) for each in due}
            if athena and sum(len(each.parts) for each in due) > here:
                due = counter.elsewhere(athena, due)
            counter.count(due)
        counter.wait()
        counter.failures += stretches.add_up(store, pool, now, only, changed)
        counter.failures += break_offs.add_up(store, pool, now, only, thrifty)
    if counter.failures:
        raise ExceptionGroup("some days could not be counted", counter.failures)
    return counter.done


class _Counter:
    """Counts stale days, many of a survey in one statement: a statement costs more than a day."""

    def __init__(
        self, store: Store, pool: ThreadPoolExecutor, folder: Path, now: int, key: bytes
    ) -> None:
        self._store = store
        self._now = now
        self._key = key
        self._pool = pool
        self._folder = folder
        self._definitions = Definitions(store)
        self._writing: list[Future[bool]] = []
        self.done = Tallied()
        self.failures: list[Exception] = []

    def due(self, survey: str, days: Mapping[Day, tuple[Mapping[str, str], str, str]]) -> list[Due]:
        """The days that are stale, of all with their parts, their tally's tag and its stamp."""
        self.done.days += len(days)
        try:
            first = kept(self._definitions.current(survey), self._now).responses
            code = _code(self._versions(survey))
        except Exception as failure:  # one bad survey must not keep the others waiting
            self.failures.append(failure)
            return []
        stale = [
            Due(day, parts, tag)
            for day, (parts, tag, stamp) in days.items()
            if day.day >= first  # what is older was counted when it was whole; purge may have begun
            and stamp != _stamp(parts, code)
        ]
        self.done.unchanged += len(days) - len(stale)
        return stale

    def count(self, due: Iterable[Due]) -> None:
        """Count these days of a survey here."""
        waiting: list[Fetched] = []
        for each in due:
            try:
                waiting.append(self._fetched(each))
            except Exception as failure:
                self.failures.append(failure)
            if sum(each.size for each in waiting) > BATCH:
                self._together(waiting)
                waiting = []
        self._together(waiting)

    def elsewhere(self, athena: Athena, due: Sequence[Due]) -> list[Due]:
        """Count these days of a survey in Athena; those are left that it does not take."""
        contracts = self._versions(due[0].day.survey)
        for start in range(0, len(due), DAYS):
            some = {each.day.day: each for each in due[start : start + DAYS]}
            if not takes(contracts, [*some]):
                return [*due[start:]]
            try:
                for day, counts in athena.tallies(contracts, [*some], self._now):
                    self._note(self._write(some[day], counts, contracts))
            except Exception as failure:
                self.failures.append(failure)
        return []

    def _together(self, waiting: Sequence[Fetched]) -> None:
        """Count what waits: together, or where that fails each day alone."""
        try:
            self._count(waiting)
        except Exception as failure:
            for each in waiting if len(waiting) > 1 else ():
                self._together([each])
            if len(waiting) == 1:
                self.failures.append(failure)
        for each in waiting:
            rmtree(each.folder, ignore_errors=True)

    def _fetched(self, due: Due) -> Fetched:
        folder = self._folder / due.day.survey / f"dt={due.day.day}"
        folder.mkdir(parents=True)
        files = [folder / f"{number}.parquet" for number in range(len(due.parts))]
        # The tags counted are those fetched, which may be later than those listed.
        tags = self._pool.map(partial(_fetch, self._store), zip(due.parts, files, strict=True))
        found = dict(zip(due.parts, tags, strict=True))
        size = sum(file.stat().st_size for file in files)
        return Fetched(due._replace(parts=found), folder, size)

    def _count(self, waiting: Sequence[Fetched]) -> None:
        if not waiting:
            return
        contracts = self._versions(waiting[0].due.day.survey)
        files = [file for each in waiting for file in each.folder.iterdir()]
        read = columns.responses(contracts)
        counts = count(counting.steps(contracts), read, files, self._folder)
        self.wait()
        for each in waiting:
            of_day = pc.equal(counts["dt"], each.due.day.day)
            mine = counts.filter(of_day) if len(waiting) > 1 else counts
            self._writing.append(self._pool.submit(self._write, each.due, mine, contracts))

    def wait(self) -> None:
        """Until what was counted is written; meanwhile the next may be counted."""
        writing, self._writing = self._writing, []
        for each in writing:
            try:
                self._note(each.result())
            except Exception as failure:
                self.failures.append(failure)

    def _note(self, written: bool) -> None:
        self.done.written += written
        self.done.unchanged += not written

    def _write(self, due: Due, counts: pa.Table, contracts: Sequence[Contract]) -> bool:
        if contracts[-1].anonymous:
            counts = self._named(counts)
        stamp = _stamp(due.parts, _code(contracts))
        data = tally_files.encode(counts, {STAMP: stamp})
        return _put(self._store, due, data)

    def _versions(self, survey: str) -> list[Contract]:
        """In an order that stays when an earlier version is live again: nothing else changed."""
        return sorted(self._definitions.versions(survey), key=lambda contract: contract.version)

    def _named(self, counts: pa.Table) -> pa.Table:
        """Pseudonyms of attributes as what links call them; one that no link has stays."""
        known = {
            columns.blinded(name, value, self._key): value
            for entry in self._store.list(keys.LINKS)
            for link in msgspec.json.decode(
                self._store.get(entry.key).data, type=dict[str, Link]
            ).values()
            for name, value in link.attributes.items()
        }
        at = counts.schema.get_field_index("segment_value")
        between = chr(counting.BETWEEN)
        values = [
            between.join(known.get(part, part) for part in value.split(between))
            for value in counts["segment_value"].to_pylist()
        ]
        return counts.set_column(at, "segment_value", pa.array(values, pa.string()))


def _sources(store: Store, only: str | None) -> dict[Day, dict[str, str]]:
    """Parts and their tags, by day."""
    found: dict[Day, dict[str, str]] = defaultdict(dict)
    for entry in store.list(f"{keys.RESPONSES}{only}/" if only else keys.RESPONSES):
        day = Day(keys.survey_of(entry.key), keys.day_of(entry.key))
        found[day][entry.key] = entry.tag
    return found


def _stored(store: Store, day: Day) -> tuple[str, str]:
    """A tally's tag and stamp, both "" where there is none."""
    try:
        stored = store.get(keys.tallies(*day))
    except Missing:
        return "", ""
    return stored.tag, parquet.notes(stored.data).get(STAMP, "")


def _put(store: Store, due: Due, data: bytes) -> bool:
    """Whether the tally was ours to write: where another was first, the next run will see."""
    try:
        if due.tag:
            store.replace(keys.tallies(*due.day), data, due.tag)
        else:
            store.create(keys.tallies(*due.day), data)
    except (Stale, Exists):
        return False
    return True


def _fetch(store: Store, part: tuple[str, Path]) -> str:
    key, path = part
    stored = store.get(key)
    path.write_bytes(stored.data)
    return stored.tag


def _code(contracts: Sequence[Contract]) -> dict[str, object]:
    """What a survey's tallies are made by."""
    code = counting.FORMAT + counting.statement(contracts)
    return {
        "contracts": sorted(contract.version for contract in contracts),
        "code": sha256(code.encode()).hexdigest()[:16],
    }


def _stamp(parts: Mapping[str, str], code: Mapping[str, object]) -> str:
    """What a tally is made of: it is stale exactly when this differs."""
    return msgspec.json.encode({"parts": dict(sorted(parts.items())), **code}).decode()
