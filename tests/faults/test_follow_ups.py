"""kill -9 anywhere while several open follow-ups at once: one for each response and rule."""

from __future__ import annotations

import multiprocessing
import signal
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from chalicelib import keys
from chalicelib.accept import Arrival, accept
from chalicelib.follow_ups import Query, fold
from chalicelib.follow_ups.events import item_id
from chalicelib.follow_ups.port import every
from chalicelib.follow_ups.sqlite import SqliteRecord
from chalicelib.jobs.follow_up import follow_up
from chalicelib.jobs.merge import merge
from chalicelib.published import Definitions, publish
from chalicelib.storage import Exists, FolderStore
from chalicelib.survey import Submission, ids
from tests.faults.test_kill import ANSWERS, SURVEY
from tests.faults.victims import KEY, NOW, follow_up_until

HOUR = 60 * 60 * 1000
RULES = ("unresolved", "detractor")

forkserver = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module", autouse=True)
def _preloaded() -> None:
    forkserver.set_forkserver_preload(["tests.faults.victims"])


def land(folder: Path, numbers: range) -> list[str]:
    store = FolderStore(folder)
    receipts = []
    for number in numbers:
        sent = Submission(
            id=ids.make(NOW - number, number),
            version=SURVEY.version,
            language="en",
            answers=ANSWERS,
        )
        arrival = Arrival(now=NOW)
        receipts.append(accept(store, Definitions(store), SURVEY.id, sent, arrival).response)
    return receipts


def check(folder: Path, seed: int, rounds: int) -> None:
    """Each round: answers land, eight schedulers race with clocks an hour off, most are killed."""
    publish(FolderStore(folder), SURVEY, NOW)
    random, landed, died = Random(seed), [], 0
    record = SqliteRecord(folder / "follow_ups.sqlite")
    replayed: dict[str, bytes] = {}
    for round in range(rounds):
        landed += land(folder, range(round * 10, round * 10 + 10))
        merge(FolderStore(folder), KEY, NOW)
        store = FolderStore(folder)
        replayed |= {entry.key: store.get(entry.key).data for entry in store.list(keys.DUE)}
        racing = [
            forkserver.Process(
                target=follow_up_until,
                args=(folder, random.randrange(1, 40), NOW + random.choice([-1, 0, 1]) * HOUR),
            )
            for _ in range(8)
        ]
        for process in racing:
            process.start()
        for process in racing:
            process.join(60)
            assert process.exitcode in (0, -signal.SIGKILL)
            died += process.exitcode != 0
    store = FolderStore(folder)
    for name, data in replayed.items():
        if random.random() < 0.5:
            with suppress(Exists):
                store.create(name, data)  # a merge that was cut off leaves its marks again
    follow_up(store, record, KEY, NOW)
    items = list(every(record, Query()))
    wanted = {item_id(SURVEY.id, response, rule) for response in landed for rule in RULES}
    assert {item.id for item in items} == wanted
    assert len(items) == len(wanted), "exactly one for each response and rule"
    for item in items:
        history = record.history(item.id)
        assert [event.kind for event in history] == ["open"]
        assert fold(history) == item
    assert not list(store.list(keys.DUE))
    assert died


@pytest.mark.parametrize("seed", range(2))
def test_opened_once_whoever_is_killed(tmp_path: Path, seed: int) -> None:
    check(tmp_path / "data", seed, rounds=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 110))
def test_opened_once_whoever_is_killed_many_times(tmp_path: Path, seed: int) -> None:
    check(tmp_path / "data", seed, rounds=8)
