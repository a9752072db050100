"""A stretch: the days of a month, or of one week within one month. Their tallies are kept added up
beside the days, so that sixty days are read as a handful of files, by week and by month too.

What is added up lies under the tags of the days' tallies. A reader lists both; where the name is
there, it says what those days say now, and else the days are read. It is never wrong, only missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from hashlib import sha256
from itertools import groupby
from typing import NamedTuple

from . import keys
from .storage import Entry

FORMAT = "2"
"""Raised when days are added up in another way, or lie in another order."""


class Stretch(NamedTuple):
    """``key``: where its days, as listed, lie added up, if they do."""

    name: str
    days: dict[str, Entry]
    key: str


def month(day: str) -> str:
    return day[:7]


def week(day: str) -> str:
    """``2026-05-W19``. A week that two months share is two stretches."""
    return f"{day[:7]}-W{date.fromisoformat(day).isocalendar().week:02}"


def among(tallies: Iterable[Entry], name_of: Callable[[str], str]) -> Iterator[Stretch]:
    """The months or weeks of one survey's tallies, which are in order of their days."""
    for name, entries in groupby(tallies, lambda entry: name_of(keys.day_of(entry.key))):
        days = {keys.day_of(entry.key): entry for entry in entries}
        made_of = [FORMAT, *(text for e in days.values() for text in (e.key, e.tag))]
        stamp = sha256("\n".join(made_of).encode()).hexdigest()[:24]
        survey = keys.survey_of(next(iter(days.values())).key)
        yield Stretch(name, days, keys.stretch(survey, name, stamp))
