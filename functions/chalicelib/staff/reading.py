"""What staff read of answers and contacts: straight from the Parquet, as they ask (``reader``)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from .. import keys, parts
from ..answered import Answered, find
from ..columns import CUSTOMER
from ..improving import Low
from ..lows import low
from ..published import Definitions
from ..storage import Missing, Store
from .reader import AnswersOf, ContactsOf, FeedbackOf, Found, Given, LowsOf

Row: TypeAlias = dict[str, Any]

DAYS_AT_ONCE = 31
"""Days with answers that one page is looked for in; who has few gets a short page and its next."""
_FACTS = ("response", "version", "language", "channel", "received_at", "index")
_NAMES = frozenset({"response", "received_at", "digest"})
_ASIDE = frozenset({*_FACTS, CUSTOMER, "digest", "link"})
AGENT, TEAM = "agent", "team"


class Reading:
    """Reads one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._definitions = Definitions(store)

    def answers(self, asked: AnswersOf) -> Given | None:
        found = self._found(asked)
        return _given(asked.survey, found.row) if found else None

    def contacts(self, asked: ContactsOf) -> Row:
        found = self._found(asked)
        cells = found.contact if found else {}
        return {n: _plain(c) for n, c in cells.items() if c is not None and n not in _NAMES}

    def feedback(self, asked: FeedbackOf) -> Found:
        found: list[tuple[str, Given]] = []
        for number, (day, names) in enumerate(self._days(asked.before)):
            if number == DAYS_AT_ONCE or len(found) > asked.limit:
                break
            rows = [given for name in names for given in self._of_part(name, asked)]
            rows.sort(key=lambda each: each.response, reverse=True)
            found += [
                (day, each) for each in rows if asked.before is None or _before(day, each, asked)
            ]
        else:
            day = ""
        page = found[: asked.limit]
        items = [each for _, each in page]
        if len(found) > asked.limit:
            return Found(items, (page[-1][0], page[-1][1].response))
        return Found(items, (day, "~") if day else None)

    def lows(self, asked: LowsOf) -> list[Low]:
        return low(self._store, asked.survey, asked.wave, asked.segment)

    def _days(self, before: tuple[str, str] | None) -> list[tuple[str, list[str]]]:
        """The parts of each day, the newest day first."""
        by_day: dict[str, list[str]] = {}
        for survey in self._definitions.surveys():
            for entry in self._store.list(f"{keys.RESPONSES}{survey}/"):
                day = keys.day_of(entry.key)
                if before is None or day <= before[0]:
                    by_day.setdefault(day, []).append(entry.key)
        return sorted(by_day.items(), reverse=True)

    def _of_part(self, name: str, asked: FeedbackOf) -> Iterator[Given]:
        rows = parts.read(self._store, name).rows
        mine = None if rows is None else _filtered(rows, asked)
        for row in mine.to_pylist() if mine is not None else ():
            yield _given(keys.survey_of(name), row)

    def _found(self, asked: AnswersOf | ContactsOf) -> Answered | None:
        try:
            found = find(self._store, self._definitions, asked.survey, [asked.response])
        except Missing:  # no such survey
            return None
        return found.get(asked.response)


def _before(day: str, given: Given, asked: FeedbackOf) -> bool:
    return asked.before is None or (day, given.response) < asked.before


def _filtered(rows: pa.Table, asked: FeedbackOf) -> pa.Table | None:
    """The rows that are meant; None where none can be."""
    if asked.agents is None and asked.teams is None:
        return rows
    masks = [
        _among(rows, name, wanted)
        for name, wanted in ((AGENT, asked.agents), (TEAM, asked.teams))
        if wanted is not None
    ]
    join = pc.and_ if asked.narrow else pc.or_
    mask = masks[0] if len(masks) == 1 else join(*masks)
    return rows.filter(mask)


def _among(rows: pa.Table, name: str, wanted: Sequence[str]) -> pa.ChunkedArray:
    if name not in rows.column_names:
        return pa.chunked_array([pa.repeat(False, rows.num_rows)])
    return pc.is_in(rows[name], pa.array([*filter(None, wanted)], pa.string()))


def _given(survey: str, row: Row) -> Given:
    facts = {name: _plain(row.get(name)) for name in _FACTS}
    cells = {n: _plain(c) for n, c in row.items() if c is not None and n not in _ASIDE}
    return Given(survey=survey, cells=cells, **facts)


def _plain(cell: Any) -> Any:
    """As JSON has it: moments in milliseconds, days as they are written."""
    if isinstance(cell, datetime):
        return round(cell.timestamp() * 1000)
    return cell.isoformat() if isinstance(cell, date) else cell
