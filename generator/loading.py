"""Loading responses from a table, through the same accept as every other answer.

A response's id is made from the row's time and a hash of its source id, so a row that is loaded
again, whenever, meets itself and adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from chalicelib import days, keys, parts
from chalicelib.accept import Arrival, Receipt, accept
from chalicelib.columns import blinded, blinded_id
from chalicelib.days import DAY_MS
from chalicelib.published import Definitions
from chalicelib.retention import kept
from chalicelib.running import now
from chalicelib.storage import Store
from chalicelib.survey import Contract, Refused, Submission, ids, read, strangers
from chalicelib.survey.response import digest_of
from chalicelib.survey.words import say
from generator.mapping import BadMapping, BadRow, Draft, Mapping, draft, missing_columns
from generator.tables import Ragged, Row, read_table

_AT_ONCE = 16
_BATCH = 512
_PARTS = 64
"""Parts whose ids are held at a time: tables mostly come in the order of time."""


class RowProblem(NamedTuple):
    row: int
    what: str


class Loaded(Struct):
    """What became of the rows. ``there``: by id and answers, they had been loaded before."""

    accepted: int = 0
    there: int = 0
    problems: list[RowProblem] = []
    notes: list[RowProblem] = []
    """What was left out of rows that went in."""


class Ready(NamedTuple):
    """A row as a submission, and the digest it would have."""

    row: int
    submission: Submission
    arrival: Arrival
    digest: str


def load(
    store: Store,
    contract: Contract,
    path: Path,
    mapping: Mapping,
    progress: Callable[[int], None] = lambda done: None,
    key: bytes = b"",
) -> Loaded:
    """Accept every good row; ``progress`` is told how many rows were read so far.

    ``key`` is the secret by which an anonymous survey's rows are known again.

    Raises BadMapping or Unreadable before anything is accepted.
    """
    table = read_table(path)
    if missing := missing_columns(mapping, table.columns):
        has = ", ".join(table.columns) or "nothing"
        raise BadMapping(f"{path}: no column {', '.join(missing)}; it has: {has}")
    loaded = Loaded()
    definitions = Definitions(store)
    known = Known(store, definitions, contract, key)
    done = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # Many fsyncs under way at once cost the disk little more than one.
        while batch := list(islice(table.rows, _BATCH)):
            ready = [
                each
                for number, row in batch
                if (each := _ready(loaded, contract, mapping, number, row))
            ]
            new = [each for each in ready if _is_new(loaded, known, mapping, each)]
            sent = [
                (each, pool.submit(accept, store, definitions, contract.id, *each[1:3]))
                for each in new
            ]
            for each, result in sent:
                _note(loaded, each.row, result)
            done += len(batch)
            progress(done)
    return loaded


class Known:
    """Which rows lie in parts already, or came earlier in this file."""

    def __init__(
        self, store: Store, definitions: Definitions, contract: Contract, key: bytes
    ) -> None:
        self._store = store
        self._contract = contract
        self._key = key
        self._publication = definitions.publication(contract.id)
        self._parts: dict[str, dict[str, str]] = {}
        self._seen: dict[str, tuple[int, str]] = {}

    def earlier(self, each: Ready) -> tuple[int, str] | None:
        """The row of this file that had the same id first, and its digest."""
        first = self._seen.setdefault(each.submission.id, (each.row, each.digest))
        return None if first[0] == each.row else first

    def merged(self, each: Ready) -> bool | None:
        """Whether a part has the same answers under the row's id; None if it has none."""
        response, digest = each.submission.id, each.digest
        if self._contract.anonymous:
            response = blinded_id(response, self._contract.timezone, self._key)
            digest = blinded("digest", digest, self._key)
        day = days.day(ids.time_of(response), self._contract.timezone)
        bucket = keys.bucket(response, self._publication.buckets_on(day))
        name = keys.part(keys.RESPONSES, self._contract.id, day, bucket)
        if name not in self._parts:
            if len(self._parts) >= _PARTS:
                self._parts.clear()
            self._parts[name] = parts.digests(self._store, name)
        found = self._parts[name].get(response)
        return None if found is None else found == digest


def response_id(survey: str, row: Draft) -> str:
    """The id a row has for ever."""
    source = sha256(f"{survey}\0{row.source_id}".encode()).digest()
    return ids.make(row.ms, int.from_bytes(source[:10], "big"))


def _ready(
    loaded: Loaded, contract: Contract, mapping: Mapping, number: int, row: Row | Ragged
) -> Ready | None:
    """The row as a submission; where it cannot be one, its problem is noted."""
    try:
        if isinstance(row, Ragged):
            raise row
        said = draft(mapping, contract, row)
        if days.day(said.ms, contract.timezone) < (first := kept(contract, now()).responses):
            raise BadRow(f"older than what this survey keeps (its first day is {first})")
        if said.ms > now() + DAY_MS:
            raise BadRow("its time is in the future")
    except (BadRow, Ragged) as bad:
        loaded.problems.append(RowProblem(number, str(bad)))
        return None
    submission = Submission(
        id=response_id(contract.id, said),
        version=contract.version,
        language=said.language,
        answers=said.answers,
    )
    arrival = Arrival(
        now=said.ms, channel=said.channel, loaded=True, scripted=False, attributes=said.attributes
    )
    reading = read(contract.fields, said.answers)
    loaded.notes += [
        RowProblem(number, f"{left.question}: not asked, given the other answers; left out")
        for left in strangers(contract.fields, said.answers, reading.shown)
    ]
    return Ready(number, submission, arrival, digest_of(reading.answers))


def _is_new(loaded: Loaded, known: Known, mapping: Mapping, each: Ready) -> bool:
    """Whether to accept a row; what it is otherwise is noted."""
    earlier, merged = known.earlier(each), known.merged(each)
    if earlier and earlier[1] != each.digest:
        what = f"{mapping.source_id}: row {earlier[0]} has the same, and other answers"
        loaded.problems.append(RowProblem(each.row, what))
    elif merged is False:
        what = f"{mapping.source_id}: was loaded before with other answers, which stay"
        loaded.problems.append(RowProblem(each.row, what))
    elif merged or earlier:
        loaded.there += 1
    else:
        return True
    return False


def _note(loaded: Loaded, number: int, result: Future[Receipt]) -> None:
    try:
        if result.result().replay:
            loaded.there += 1
        else:
            loaded.accepted += 1
    except Refused as refused:
        loaded.problems += [
            RowProblem(number, f"{p.question}: {say('en', p.code, p.facts)}")
            for p in refused.problems
        ] or [RowProblem(number, say("en", refused.code))]
