"""Parts are merged side by side by whoever has time: one run, processes, a queue's functions."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path

import boto3
import msgspec
import pytest
from chalice.local import LambdaContext
from chalice.test import Client
from moto import mock_aws

import app
from chalicelib import keys
from chalicelib.jobs import merge as merging
from chalicelib.jobs.landed import Part
from chalicelib.jobs.merge import ENOUGH_S, Merged, run, run_part, shares, worth_workers
from chalicelib.settings import Settings
from chalicelib.storage import FolderStore, MemoryStore, Store
from tests.jobs.answering import (
    KEY,
    NOW,
    Crash,
    Mortal,
    at,
    contract,
    land,
    live,
    names,
    rows,
    said,
)

SURVEY = contract()
DAYS = 6
EACH = 5
ALONE = Settings("", None, KEY)
LONG = 900.0


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield boto3.client("sqs").create_queue(QueueName="echoform-merge")["QueueUrl"]


def messages(queue: str) -> list[str]:
    found = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [message["Body"] for message in found.get("Messages", [])]


def landed(store: Store) -> None:
    """The same number of answers on each of some days, so in as many parts."""
    live(store, SURVEY)
    for day in range(DAYS):
        ms = at(f"2026-05-{10 + day}T12:00")
        land(store, *(said(day * EACH + n, SURVEY, ms) for n in range(EACH)))


def test_plans_are_a_matter_of_counts() -> None:
    few, many = Part("s", "2026-05-10", 0), Part("s", "2026-05-11", 0)
    assert not worth_workers({many: ["x"] * 10**6})
    assert not worth_workers({few: ["x"], many: ["x"]})
    assert worth_workers({few: ["x"], many: ["x"] * merging.WORTH_WORKERS})
    assert worth_workers({Part("s", str(day), 0): ["x"] for day in range(20)})
    waiting = {many: ["x"] * 10**6, few: ["x"]}
    assert shares(waiting, 1000) == ({many: waiting[many]}, {few: ["x"]})
    assert shares(waiting, 10**7) == (waiting, {})


def test_what_there_is_no_time_for_is_counted_and_merged_next_time() -> None:
    store = MemoryStore()
    landed(store)
    clock = chain([LONG, ENOUGH_S + 1, ENOUGH_S], repeat(ENOUGH_S - 1))
    done = run(store, ALONE, NOW, lambda: next(clock))
    assert done == Merged(merged=3 * EACH, parts=3, postponed=(DAYS - 3) * EACH)
    assert run(store, ALONE, NOW) == Merged(merged=3 * EACH, parts=3)
    assert len(rows(store)) == DAYS * EACH
    assert names(store, keys.LANDING) == []


def test_a_queue_takes_the_parts_a_run_has_no_time_for(
    queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "OF_ONE_RUN", 0)
    store = MemoryStore()
    landed(store)
    settings = msgspec.structs.replace(ALONE, merge_queue=queue)
    clock = repeat(ENOUGH_S - 1)
    done = run(store, settings, NOW, lambda: next(clock))
    assert done == Merged(postponed=DAYS * EACH, queued=DAYS)
    done = run(store, settings, NOW, lambda: LONG)
    assert done == Merged(merged=EACH, parts=1, postponed=(DAYS - 1) * EACH, queued=DAYS - 1)
    asked = [*messages(queue), *messages(queue)]
    assert len(asked) == 2 * DAYS - 1, "the same part may be asked for twice"
    merged = [run_part(store, ALONE, NOW, lambda: LONG, body).merged for body in asked]
    assert sorted(merged) == [0] * DAYS + [EACH] * (DAYS - 1)
    assert len(rows(store)) == DAYS * EACH
    assert names(store, keys.LANDING) == []


def test_a_message_is_about_one_part() -> None:
    store = MemoryStore()
    landed(store)
    store.create("landing/service/stray.json", b"")
    body = msgspec.json.encode(Part("service", "2026-05-11", 0)).decode()
    assert run_part(store, ALONE, NOW, lambda: 0.0, body).postponed == EACH
    assert run_part(store, ALONE, NOW, lambda: LONG, body).merged == EACH
    assert names(store, keys.RESPONSES) == ["responses/service/dt=2026-05-11/part-000.parquet"]


def test_the_functions_know_how_much_time_they_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda's context tells; the message is the queue's."""
    monkeypatch.setenv("ECHOFORM_DATA", str(tmp_path))
    monkeypatch.setenv("ECHOFORM_KEY", KEY.decode())
    store = FolderStore(tmp_path)
    landed(store)
    for known in (app.settings, app.store, app.definitions):
        known.cache_clear()
    body = msgspec.json.encode(Part("service", "2026-05-11", 0)).decode()
    with Client(app.app) as client:
        message = client.events.generate_sqs_event([body])
        for ms, left in ((20_000, DAYS), (200_000, DAYS - 1)):
            monkeypatch.setattr(LambdaContext, "get_remaining_time_in_millis", lambda _, ms=ms: ms)
            client.lambda_.invoke("merge_part", message)
            assert len(names(store, keys.LANDING)) == left * EACH
        counts = client.lambda_.invoke("merge", client.events.generate_cw_event("", "", {}, ""))
        assert counts.payload["merged"] == (DAYS - 1) * EACH


def test_a_function_that_dies_leaves_its_message_work_to_repeat() -> None:
    body = msgspec.json.encode(Part("service", "2026-05-11", 0)).decode()
    for call in range(12):
        store = MemoryStore()
        landed(store)
        with pytest.raises(Crash):
            run_part(Mortal(store, call, after=True), ALONE, NOW, lambda: LONG, body)
        run_part(store, ALONE, NOW, lambda: LONG, body)
        assert len(rows(store)) == len({row["response"] for row in rows(store)}) == EACH


def test_processes_merge_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "WORTH_WORKERS", 0)
    store = FolderStore(tmp_path)
    landed(store)
    torn = "responses/service/dt=2026-05-12/part-000.parquet"
    store.create(torn, b"torn")
    settings = Settings(str(tmp_path), None, KEY, workers=2)
    with pytest.raises(ExceptionGroup) as failed:  # one bad part does not keep the others waiting
        run(store, settings, NOW)
    assert len(failed.value.exceptions) == 1
    assert len(names(store, keys.LANDING)) == EACH
    store.delete([torn])
    land(store, *(said(n, SURVEY, at("2026-05-20T12:00")) for n in range(EACH)))
    assert run(store, settings, NOW) == Merged(merged=2 * EACH, parts=2)
    assert len(rows(store)) == (DAYS + 1) * EACH
    assert not multiprocessing.active_children()


def test_processes_begin_nothing_they_have_no_time_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "WORTH_WORKERS", 0)
    store = FolderStore(tmp_path)
    landed(store)
    settings = Settings(str(tmp_path), None, KEY, workers=2)
    clock = chain([LONG] * 2, repeat(0.0))
    done = run(store, settings, NOW, lambda: next(clock))
    assert done == Merged(merged=2 * EACH, parts=2, postponed=(DAYS - 2) * EACH)
