"""kill -9 anywhere in accept, merge or load: nothing acknowledged is lost, nothing counts twice."""

from __future__ import annotations

import csv
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import msgspec
import pytest

from chalicelib import keys
from chalicelib.accept import Arrival, accept
from chalicelib.jobs.merge import merge
from chalicelib.published import Definitions, publish
from chalicelib.storage import FolderStore
from chalicelib.survey import Submission, ids
from tests.faults.victims import KEY, NOW, load_until, merge_until, share
from tests.surveys import after_sales

ROOT = Path(__file__).parents[2]
SURVEY = after_sales()
ANSWERS = {
    "service_type": "repair",
    "responsiveness": 2,
    "resolution": 2,
    "attitude": 2,
    "why_low": "慢",
    "resolved": "no",
    "overall": 3,
    "recommend": 2,
    "call_me": "yes",
    "phone": "13800138000",
}

forkserver = multiprocessing.get_context("forkserver")


@pytest.fixture(scope="module", autouse=True)
def _preloaded() -> None:
    forkserver.set_forkserver_preload(["tests.faults.victims"])


def killed(work: Callable[..., None], *args: Any) -> bool:
    """Whether the work died by SIGKILL; anything but that or a clean end is a failure."""
    process = forkserver.Process(target=work, args=args)
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def stored(folder: Path, table: str = "responses") -> list[str]:
    """The response ids in a table's Parquet, as an analyst would read them."""
    if not any(folder.glob(f"{table}/*/*/*.parquet")):
        return []
    files = f"{folder}/{table}/*/*/*.parquet"
    sql = f"select response from read_parquet('{files}', union_by_name = true)"
    return [row[0] for row in duckdb.sql(sql).fetchall()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    publish(FolderStore(tmp_path / "data"), SURVEY, NOW)
    return tmp_path / "data"


def land(folder: Path, numbers: range, random: Random) -> list[str]:
    """Accept answers of several days; what was acknowledged."""
    store = FolderStore(folder)
    definitions = Definitions(store)
    receipts = []
    for number in numbers:
        minted = ids.make(NOW - random.randrange(4 * 86_400_000), number)
        sent = Submission(id=minted, version=SURVEY.version, language="en", answers=ANSWERS)
        receipts.append(accept(store, definitions, SURVEY.id, sent, Arrival(now=NOW)).response)
    return receipts


def check_merge(folder: Path, seed: int, kills: int) -> None:
    random = Random(seed)
    acknowledged: list[str] = []
    died = 0
    while died < kills:
        first = len(acknowledged)
        acknowledged += land(folder, range(first, first + 12), random)
        while killed(merge_until, folder, random.randrange(1, 160)):
            died += 1
            rows = stored(folder)
            assert len(rows) == len(set(rows)), "readers never see a response twice"
    merge(FolderStore(folder), KEY, NOW)
    assert sorted(stored(folder)) == sorted(acknowledged)
    assert sorted(stored(folder, "contacts")) == sorted(acknowledged)
    assert not list(FolderStore(folder).list(keys.LANDING))


@pytest.mark.parametrize("seed", range(3))
def test_merge_killed_anywhere(folder: Path, seed: int) -> None:
    check_merge(folder, seed, kills=12)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 120))
def test_merge_killed_anywhere_many_times(folder: Path, seed: int) -> None:
    check_merge(folder, seed, kills=40)


def test_processes_that_share_parts_end_with_who_started_them(folder: Path) -> None:
    """Two at once, each with two processes; one is killed as soon as anything is written."""
    random = Random(7)
    acknowledged: list[str] = []
    for round in range(2):
        acknowledged += land(folder, range(round * 40, round * 40 + 40), random)
        there = len(stored(folder))
        both = [forkserver.Process(target=share, args=(folder,)) for _ in range(2)]
        for process in both:
            process.start()
        while len(stored(folder)) == there and both[0].is_alive():
            time.sleep(0.01)
        both[0].kill()
        for process in both:
            process.join(60)
        assert both[1].exitcode in (0, 1), "the one that is left may find a part too busy"
    merge(FolderStore(folder), KEY, NOW)
    assert sorted(stored(folder)) == sorted(acknowledged)
    assert sorted(stored(folder, "contacts")) == sorted(acknowledged)
    assert not list(FolderStore(folder).list(keys.LANDING))


@pytest.mark.parametrize("seed", range(2))
def test_load_killed_anywhere(folder: Path, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    table, mapping = tmp_path / "rows.csv", tmp_path / "map.yaml"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "at", *ANSWERS])
        writer.writerows([f"r{n}", f"2026-01-0{n % 9 + 1}", *ANSWERS.values()] for n in range(60))
    named = "".join(f"  {name}: {name}\n" for name in ANSWERS)
    mapping.write_text(f"source_id: id\ntime: at\nanswers:\n{named}")
    died = 0
    while killed(load_until, folder, SURVEY.id, table, mapping, random.randrange(20, 400)):
        died += 1
        if died % 3 == 0:
            merge(FolderStore(folder), KEY, NOW)
    load_until_done = (folder, SURVEY.id, table, mapping, 1_000_000)
    assert not killed(load_until, *load_until_done)
    merge(FolderStore(folder), KEY, NOW)
    rows = stored(folder)
    assert died
    assert len(rows) == len(set(rows)) == 60


@contextmanager
def server(folder: Path, definitions: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "generator", "serve", str(definitions)]
    process = subprocess.Popen(
        [*command, "--data", str(folder), "--port", str(port), "--every", "0.3"],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'functions'}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def post(port: int, survey: str, body: bytes) -> bool:
    """Whether the answer was acknowledged; False is an unknown outcome."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(
            "POST", f"/api/responses/{survey}", body, {"Content-Type": "application/json"}
        )
        reply = connection.getresponse()
        reply.read()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    assert reply.status in (200, 201)
    return True


def test_the_server_killed_while_it_accepts_merges_and_tallies(tmp_path: Path) -> None:
    """Phones retry the same bytes until they are acknowledged, across kills and restarts."""
    definition = tmp_path / "quick.yaml"
    definition.write_text(
        "id: quick\ntitle: Quick\nlanguages: [en]\ntimezone: UTC\nsections:\n"
        "  - id: all\n    questions:\n"
        "      - {id: overall, type: score, text: Overall, required: true}\n"
    )
    folder, random, port = tmp_path / "data", Random(5), free_port()
    acknowledged: set[str] = set()
    waiting: dict[str, bytes] = {}
    for _ in range(4):
        with server(folder, definition, port) as process, ThreadPoolExecutor(6) as phones:
            version = Definitions(FolderStore(folder)).publication("quick").version
            for _ in range(60):
                minted = ids.make(time.time_ns() // 1_000_000, random.getrandbits(80))
                waiting[minted] = msgspec.json.encode(
                    {
                        "id": minted,
                        "version": version,
                        "language": "en",
                        "answers": {"overall": random.randint(1, 10)},
                    }
                )
            sent = list(waiting.items())
            outcomes = phones.map(lambda each: (each[0], post(port, "quick", each[1])), sent)
            for number, (minted, done) in enumerate(outcomes):
                if done:
                    acknowledged.add(minted)
                    del waiting[minted]
                if number == 30:  # while the others are under way
                    os.killpg(process.pid, signal.SIGKILL)
    assert waiting, "the kills left nothing to retry: they came too late"
    with server(folder, definition, port):
        for minted, body in waiting.items():
            assert post(port, "quick", body)
            acknowledged.add(minted)
    merge(FolderStore(folder), KEY, NOW)
    rows = stored(folder)
    assert len(rows) == len(set(rows)), "twice = 0"
    assert acknowledged <= set(rows), "acknowledged but missing = 0"
    assert set(rows) <= acknowledged | set(waiting), "invented = 0"
