"""What staff read of answers and contacts: straight from the Parquet, when they ask.

pyarrow is heavy and contacts are personal, so on AWS this runs in a function of its own, ``read``,
which alone has the layer and the grants; the API calls it (``reader``). Nothing is copied for
staff, so there is nothing more that an erasure or a retention must reach, and nothing that is old.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from .. import days, keys, parquet, parts
from ..columns import CUSTOMER, blinded_id
from ..published import Definitions
from ..storage import Missing, Store
from ..survey import Contract, ids
from .reader import Answers, Contacts, Feedback, Given

Row: TypeAlias = dict[str, Any]

DAYS_AT_ONCE = 31
"""Days with answers that one request looks through; who has few gets an empty page and a cursor."""
_FACTS = ("response", "version", "language", "channel", "received_at", "index")


class Reading:
    """Reads one store. ``key`` is the functions' secret."""

    def __init__(self, store: Store, key: bytes) -> None:
        self._store = store
        self._key = key
        self._definitions = Definitions(store)

    def answers(self, asked: Answers) -> Given | None:
        """What one response answered; None where it is not kept (any longer)."""
        row = self._row(keys.RESPONSES, asked.survey, asked.response)
        return _given(asked.survey, row) if row else None

    def contacts(self, asked: Contacts) -> Row:
        """What one response left that is personal, by column."""
        row = self._row(keys.CONTACTS, asked.survey, asked.response) or {}
        aside = {"response", "received_at", "digest"}
        return {name: cell for name, cell in row.items() if cell is not None and name not in aside}

    def feedback(self, asked: Feedback) -> tuple[list[Given], str]:
        """Answers of these agents or teams, newest first, and where the next page begins."""
        found: list[Given] = []
        listed = self._days(asked)
        for number, (day, names) in enumerate(listed):
            if number == DAYS_AT_ONCE:
                return found, f"{day}~"
            rows = [given for name in names for given in self._of_day(name, asked)]
            rows = [each for each in rows if (day, each.response) < asked.before]
            rows.sort(key=lambda each: each.response, reverse=True)
            found += rows[: asked.limit + 1 - len(found)]
            if len(found) > asked.limit:
                found.pop()
                last = found[-1].response
                held = {each.response for each in rows}
                at = day if last in held else listed[number - 1][0]
                return found, f"{at}{last}"
        return found, ""

    def _days(self, asked: Feedback) -> list[tuple[str, list[str]]]:
        """The parts of each day, the newest first."""
        by_day: dict[str, list[str]] = {}
        for survey in self._definitions.surveys():
            for entry in self._store.list(f"{keys.RESPONSES}{survey}/"):
                day = keys.day_of(entry.key)
                if (day, "") < asked.before:
                    by_day.setdefault(day, []).append(entry.key)
        return sorted(by_day.items(), reverse=True)

    def _of_day(self, name: str, asked: Feedback) -> Iterator[Given]:
        rows = parts.read(self._store, name).rows
        if rows is None:
            return
        for mask in [_mask(rows, asked)]:
            for row in rows.filter(mask).to_pylist() if mask is not None else ():
                yield _given(keys.survey_of(name), row)

    def _row(self, table: str, survey: str, response: str) -> Row | None:
        try:
            contract = self._definitions.current(survey)
            day = days.day(ids.time_of(response), contract.timezone)
            bucket = keys.bucket(response, self._definitions.publication(survey).buckets_on(day))
            data = self._store.get(keys.part(table, survey, day, bucket)).data
        except Missing:
            return None
        rows = parquet.decode_where(data, "response", response).to_pylist()
        return rows[0] if rows else None
