"""Break-offs: who began to answer and left before sending.

The page says so when it is put away, without any answer: which version in which language, and the
last question that was answered. That is all a mark knows, and all of it stands in
its name, so marks are counted by listing them. A page that is taken up again and sent tells the
name with its answers, and merge takes the mark away: a mark that stays is somebody who never came
back.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from . import days, keys
from .columns import Column
from .survey import Response, ids

BACK_DAYS = 8
"""After so many days a mark stays for good. A draft is kept for seven from its last change: who
changes it once more, and sends it after that, is counted as having left as well."""
COLUMNS = (
    *(Column(name, "string") for name in ("version", "language", "question")),
    Column("n", "int32"),
)
"""Of the table of those who left, one for each day: how many after which question."""
_LATEST_MS = 253_402_214_400_000
"""Where calendars end: the year 9999. A name may be anybody's."""
_NAME = re.compile(
    rf"({ids.RESPONSE_ID.pattern})\.([0-9a-f]{{16}})\.([A-Za-z-]{{2,14}})\.([a-z][a-z0-9_]{{0,62}})"
)


class BreakOff(NamedTuple):
    id: str
    """A ULID of its own: no response has it."""
    version: str
    language: str
    question: str
    """The last one that was answered."""

    @property
    def name(self) -> str:
        return ".".join(self)


def named(name: str) -> BreakOff | None:
    """What a name says, or None if it is none."""
    found = _NAME.fullmatch(name)
    return BreakOff(*found.groups()) if found and ids.time_of(found[1]) < _LATEST_MS else None


def left_by(response: Response, timezone: str) -> list[str]:
    """The mark that a response takes back, if it names one: where it would lie."""
    mark = named(response.left)
    return [key(response.survey, timezone, mark)] if mark else []


def key(survey: str, timezone: str, mark: BreakOff) -> str:
    """Where the mark lies: under the day on which it was made, in the survey's time zone."""
    return keys.left(survey, days.day(ids.time_of(mark.id), timezone), mark.name)
