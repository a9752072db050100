"""The check of follow-ups can fail: each violation is made on purpose, and found."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from chalicelib import keys
from chalicelib.follow_ups.events import Event, item_id
from chalicelib.follow_ups.landing import land
from chalicelib.follow_ups.sqlite import SqliteRecord
from chalicelib.jobs.follow_up import follow_up
from chalicelib.jobs.merge import merge
from chalicelib.published import publish
from chalicelib.running import endless
from chalicelib.storage import MemoryStore
from chalicelib.survey import Response, ids

from .following import check
from .history import History
from .simulation import KEY, NOW, held

SURVEY = held(followed=True)
RESPONSES = [ids.make(NOW - number, number) for number in range(3)]


class Site:
    """Three answers, the first two of them slow: a follow-up each."""

    def __init__(self, folder: Path) -> None:
        self.store, self.history = MemoryStore(), History()
        self.path = folder / "follow_ups.sqlite"
        self.record = SqliteRecord(self.path)
        publish(self.store, SURVEY, NOW)
        for number, response in enumerate(RESPONSES):
            answers = {"speed": 1 if number < 2 else 5}
            told = {"id": response, "survey": SURVEY.id, "version": SURVEY.version}
            said = Response(**told, language="en", channel="open", received_at=NOW, answers=answers)
            place = keys.landing(SURVEY.id, response, said.digest)
            self.store.create(place, said.to_json())
        merge(self.store, KEY, NOW)
        follow_up(self.store, self.record, KEY, NOW)
        land(self.store, self.record, KEY, endless)

    def sql(self, *statements: str) -> None:
        with sqlite3.connect(self.path) as db:
            for statement in statements:
                db.execute(statement)

    def check(self) -> set[str]:
        found = check(self.history, self.store, self.record, SURVEY.id)
        return {violation.kind for violation in found}


def lost(site: Site) -> None:
    site.sql("delete from queue", "delete from items", "delete from events")


def of_nothing(site: Site) -> None:
    site.store.delete([entry.key for entry in site.store.list(keys.RESPONSES)])


def rewritten(site: Site) -> None:
    old, new = '"state":"new"', '"state":"closed"'
    site.sql(f"update items set body = cast(replace(body, '{old}', '{new}') as blob)")


def escalated_twice(site: Site) -> None:
    """As a record would that let both of two schedulers write."""
    name = item_id(SURVEY.id, RESPONSES[0], "slow")
    for number in (2, 3):
        event = Event(id=name, number=number, at=NOW, by="system", kind="escalate", to="lead")
        body = msgspec.json.encode(event).decode()
        site.sql(f"insert into events values ('{name}', {number}, cast('{body}' as blob))")


def not_erased(site: Site) -> None:
    site.history.erase(RESPONSES[0], done=True)


def not_landed(site: Site) -> None:
    item = site.record.get(item_id(SURVEY.id, RESPONSES[0], "slow"))
    note = Event(id="", number=0, at=NOW, by="a1", kind="note", note="n")
    site.record.append(item.id, item.version, note)


def test_where_nothing_is_wrong_nothing_is_found(tmp_path: Path) -> None:
    assert Site(tmp_path).check() == set()


@pytest.mark.parametrize(
    ("harm", "seen_as"),
    [
        (lost, "unopened"),
        (of_nothing, "unasked"),
        (rewritten, "unfolded"),
        (escalated_twice, "doubled"),
        (not_erased, "remembered"),
        (not_landed, "misreported"),
    ],
)
def test_what_is_wrong_is_found(harm: Callable[[Site], None], seen_as: str, tmp_path: Path) -> None:
    site = Site(tmp_path)
    harm(site)
    assert seen_as in site.check()
