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

from chalicelib import days
from chalicelib.accept import Arrival, accept
from chalicelib.published import Definitions
from chalicelib.retention import kept
from chalicelib.running import now
from chalicelib.storage import Store
from chalicelib.survey import Contract, Refused, Submission, ids
from chalicelib.survey.words import say
from generator.mapping import BadMapping, BadRow, Draft, Mapping, draft, missing_columns
from generator.tables import Ragged, Row, read_table

_AT_ONCE = 16
_BATCH = 512


class RowProblem(NamedTuple):
    row: int
    what: str


class Loaded(Struct):
    """Rows accepted now, rows that were already waiting to be merged, and rows with problems."""

    accepted: int = 0
    replayed: int = 0
    problems: list[RowProblem] = []


def load(
    store: Store,
    contract: Contract,
    path: Path,
    mapping: Mapping,
    progress: Callable[[int], None] = lambda done: None,
) -> Loaded:
    """Accept every good row; ``progress`` is told how many rows were read so far.

    Raises BadMapping or Unreadable before anything is accepted.
    """
    table = read_table(path)
    if missing := missing_columns(mapping, table.columns):
        has = ", ".join(table.columns) or "nothing"
        raise BadMapping(f"{path}: no column {', '.join(missing)}; it has: {has}")
    loaded = Loaded()
    definitions = Definitions(store)
    done = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # Many fsyncs under way at once cost the disk little more than one.
        while batch := list(islice(table.rows, _BATCH)):
            waiting = [
                (number, pool.submit(_accept, store, definitions, contract, mapping, row))
                for number, row in batch
            ]
            for number, result in waiting:
                _note(loaded, number, result)
            done += len(batch)
            progress(done)
    return loaded


def response_id(survey: str, row: Draft) -> str:
    """The id a row has for ever."""
    source = sha256(f"{survey}\0{row.source_id}".encode()).digest()
    return ids.make(row.ms, int.from_bytes(source[:10], "big"))


def _accept(
    store: Store, definitions: Definitions, contract: Contract, mapping: Mapping, row: Row | Ragged
) -> bool:
    """Whether the row is new."""
    if isinstance(row, Ragged):
        raise row
    said = draft(mapping, contract, row)
    if days.day(said.ms, contract.timezone) < (first := kept(contract, now()).responses):
        raise BadRow(f"older than what this survey keeps (its first day is {first})")
    submission = Submission(
        id=response_id(contract.id, said),
        version=contract.version,
        language=said.language,
        answers=said.answers,
    )
    arrival = Arrival(
        now=said.ms, channel=said.channel, loaded=True, scripted=False, attributes=said.attributes
    )
    return not accept(store, definitions, contract.id, submission, arrival).replay


def _note(loaded: Loaded, number: int, result: Future[bool]) -> None:
    try:
        if result.result():
            loaded.accepted += 1
        else:
            loaded.replayed += 1
    except (BadRow, Ragged) as bad:
        loaded.problems.append(RowProblem(number, str(bad)))
    except Refused as refused:
        loaded.problems += [
            RowProblem(number, f"{p.question}: {say('en', p.code, p.facts)}")
            for p in refused.problems
        ] or [RowProblem(number, say("en", refused.code))]
