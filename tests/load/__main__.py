"""Load the laptop's server and hold it to its promise: ``python -m tests.load --profile short``.

``echoform serve`` runs as it always does, merge and tally beside it, on a fresh folder; wrk (a
stock load generator, Debian's package of that name) posts unique submissions and writes down every
receipt; afterwards every receipt must be in the Parquet exactly once, and nothing there twice.
Three rounds: at the rate that must be sustained; as fast as can be; and the same from three times
the phones that are let inside at once.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from secrets import choice
from typing import NamedTuple

import msgspec

from chalicelib.published import Definitions
from chalicelib.storage import FolderStore
from chalicelib.survey.ids import ALPHABET
from generator.gate import INSIDE
from generator.query import ask, open_views

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("answers.lua")
SURVEY = "after-sales"
ANSWERS = {
    "service_type": "repair",
    "speed": 5,
    "skill": 4,
    "manner": 5,
    "ease": "na",
    "contacts": "once",
    "solved": "yes",
    "overall": 9,
    "recommend": 9,
    "suggestion": "希望周末也有人接电话",
}
PROFILES = {"short": 20, "long": 600}
CONNECTIONS = 128


class Round(NamedTuple):
    name: str
    connections: int
    rate: float
    """Submissions a second aimed at; 0: as fast as can be."""


class Result(NamedTuple):
    receipts: list[str]
    seconds: float
    p50: str
    p99: str
    statuses: Counter[str]
    not_answered: str


@contextmanager
def served(data: Path, log: Path) -> Iterator[int]:
    """``echoform serve`` in a process of its own; its port."""
    command = [sys.executable, "-m", "generator", "serve", str(ROOT / "surveys" / f"{SURVEY}.yaml")]
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'functions'}"}
    with log.open("wb") as lines:
        server = subprocess.Popen(
            [*command, "--data", str(data), "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=lines,
            text=True,
            env=environ,
            cwd=ROOT,
        )
        try:
            assert server.stdout is not None
            for line in server.stdout:
                if found := re.search(r"http://127\.0\.0\.1:(\d+)/", line):
                    port = int(found[1])
                    break
            else:
                raise SystemExit("the server did not start")
            _until_answering(port)
            yield port
        finally:
            server.terminate()
            server.wait()


def _until_answering(port: int) -> None:
    for _ in range(100):
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/api/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server does not answer")


def fire(port: int, what: Round, seconds: int, template: Path, log: Path) -> Result:
    """One round with wrk."""
    run = "".join(choice(ALPHABET) for _ in range(6))
    before = log.stat().st_size
    with tempfile.TemporaryDirectory() as folder:
        pause = 1000 * what.connections / what.rate if what.rate else 0
        command = ["wrk", "-t2", f"-c{what.connections}", f"-d{seconds}s", "--timeout", "20s"]
        command += ["--latency", "-s", str(SCRIPT)]
        url = f"http://127.0.0.1:{port}/api/responses/{SURVEY}"
        started = time.perf_counter()
        done = subprocess.run(
            [*command, url, "--", str(template), folder, str(pause), run],
            capture_output=True,
            text=True,
            check=True,
        )
        took = time.perf_counter() - started
        receipts = [line for file in Path(folder).iterdir() for line in file.read_text().split()]
    found = dict(re.findall(r"(50|99)%\s+(\S+)", done.stdout))
    errors = re.search(r"Socket errors: .*", done.stdout)
    with log.open("rb") as lines:
        lines.seek(before)
        statuses = Counter(
            str(line["status"]) + (f" {line['error']}" if "error" in line else "")
            for line in map(_line, lines)
            if "route" in line
        )
    return Result(
        receipts, took, found["50"], found["99"], statuses, errors[0] if errors else "none"
    )


def _line(line: bytes) -> dict[str, object]:
    try:
        found = msgspec.json.decode(line)
    except msgspec.MsgspecError:
        return {}
    return found if isinstance(found, dict) else {}


def verify(data: Path, receipts: list[str]) -> str:
    """What is wrong: acknowledged and missing, or there twice. Wants everything merged."""
    with open_views(FolderStore(data)) as views:
        rows = ask(views, "select response from after_sales").rows
    stored = Counter(str(row[0]) for row in rows)
    missing = sum(receipt not in stored for receipt in receipts)
    twice = sum(count > 1 for count in stored.values())
    again = len(receipts) - len(set(receipts))
    print(f"  {len(receipts)} receipts, {len(rows)} rows: {missing} missing, {twice} twice")
    return "" if not (missing or twice or again) else "THE PROMISE IS BROKEN"


def merged(data: Path) -> None:
    command = [sys.executable, "-m", "generator", "job", "merge", "--data", str(data)]
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'functions'}"}
    subprocess.run(command, check=True, env=environ, cwd=ROOT, stdout=subprocess.DEVNULL)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, default="short")
    parser.add_argument("--seconds", type=int, help="of each round, in place of the profile's")
    parser.add_argument("--rate", type=float, default=360, help="a second, to be sustained")
    parser.add_argument("--data", type=Path, help="a folder to use; it must be empty")
    given = parser.parse_args()
    if not shutil.which("wrk"):
        print("wrk is missing: apt-get install wrk")
        return 2
    seconds = given.seconds or PROFILES[given.profile]
    rounds = [
        (Round("sustained", CONNECTIONS, given.rate), seconds),
        (Round("as fast as can be", CONNECTIONS, 0), max(10, seconds // 10)),
        (Round("three times too many", 3 * INSIDE, 0), max(10, seconds // 10)),
    ]
    wrong = ""
    with tempfile.TemporaryDirectory(prefix="echoform-load-") as folder:
        data, log = given.data or Path(folder) / "data", Path(folder) / "log"
        template = Path(folder) / "submission.json"
        receipts: list[str] = []
        with served(data, log) as port:
            version = Definitions(FolderStore(data)).current(SURVEY).version
            parts = {"id": "%ID%", "version": version, "language": "zh-CN"}
            template.write_bytes(msgspec.json.encode({**parts, "answers": ANSWERS}))
            for what, length in rounds:
                result = fire(port, what, length, template, log)
                receipts += result.receipts
                rate = len(result.receipts) / result.seconds
                print(f"{what.name}: {what.connections} connections, {result.seconds:.0f} s")
                print(f"  {rate:.0f} acknowledged a second, p50 {result.p50}, p99 {result.p99}")
                print(f"  statuses {dict(result.statuses)}, errors: {result.not_answered}")
        merged(data)
        wrong = verify(data, receipts)
    print(wrong or "every receipt is in the Parquet exactly once")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
