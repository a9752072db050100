"""One history check from beginning to end: place, actors, clients, readers, quiet, verdict."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from random import Random
from threading import Event, Thread

import msgspec
from msgspec import Struct

from chalicelib import keys, links
from chalicelib.channels.outbox import Outbox
from chalicelib.follow_ups.landing import land
from chalicelib.follow_ups.port import Query, every
from chalicelib.follow_ups.sqlite import SqliteRecord
from chalicelib.jobs.escalate import escalate
from chalicelib.jobs.follow_up import follow_up
from chalicelib.jobs.merge import merge
from chalicelib.jobs.tally import tally
from chalicelib.links import Link
from chalicelib.published import publish
from chalicelib.running import endless, now
from chalicelib.storage import Store, open_store
from generator.query import ask, open_views
from generator.scores import scores

from . import erasure, following
from .checking import check
from .clients import OPEN, Phone
from .history import History, Violation
from .nemesis import ROOT, Nemesis, Place, serve
from .simulation import held
from .standins import BUCKET, STANDINS, free_port
from .underfoot import Plan

KEY = "a secret of the tests"
CLIENTS = 8
SCHEDULERS = 8
HOUR_MS = 60 * 60 * 1000
SERVERS = 2
PATIENCE_S = 40
JSON = {"Content-Type": "application/json"}
KNOWN = {"customer": "c-7", "store": "s1"}


class Report(Struct):
    store: str
    seed: int
    operations: int = 0
    habits: dict[str, int] = {}
    outcomes: dict[str, int] = {}
    kills: dict[str, int] = {}
    runs: dict[str, int] = {}
    faults: dict[str, int] = {}
    counts: int = 0
    """How often readers counted."""
    rows: int = 0
    follow_ups: int = 0
    moves: int = 0
    """Events of follow-ups."""
    erased: int = 0
    seconds: float = 0.0
    absent: list[str] = []
    """Actors this checkout does not have."""
    violations: list[Violation] = []

    def __str__(self) -> str:
        kills = f"{sum(self.kills.values())} kills {self.kills}"
        faults = f"{sum(self.faults.values())} faults {self.faults}"
        lines = [
            f"{self.store}, seed {self.seed}: {self.operations} operations in {self.seconds:.0f} s",
            f"  habits {self.habits}",
            f"  outcomes {self.outcomes}",
            f"  {kills} in {self.runs} ended lives",
            f"  {faults}",
            f"  {self.counts} counts by readers, {self.rows} rows, {self.erased} erased",
            f"  {self.follow_ups} follow-ups, {self.moves} events of theirs",
            *([f"  not part of this checkout: {', '.join(self.absent)}"] if self.absent else []),
            f"  violations: {dict(Counter(v.kind for v in self.violations)) or 0}",
            *(f"    {v.kind} {v.response} {v.what}" for v in self.violations[:20]),
        ]
        return "\n".join(lines)


def run(
    store: str, seed: int, operations: int, folder: Path, *, standin: str = "seaweedfs"
) -> Report:
    """``store`` is ``folder`` or ``s3``; everything is left in ``folder`` to be looked at."""
    began = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    history = History(folder / "history.jsonl")
    with ExitStack() as stack:
        place, calm = _place(store, seed, folder, standin, stack)
        check_run = _Run(place, calm, history, seed, 0.004 if store == "folder" else 0.0)
        check_run.everything(operations)
    report = check_run.report
    report.store, report.seconds = store, time.monotonic() - began
    report.faults = _faults(folder / "history.jsonl")
    return report


class _Run:
    """``place`` is where the actors work, ``calm`` the same data without weather."""

    def __init__(
        self, place: Place, calm: Store, history: History, seed: int, failing: float
    ) -> None:
        self.report = Report(store="", seed=seed)
        self._place, self._store, self._history, self._seed = place, calm, history, seed
        self._contract = held(followed=True)
        self._record = SqliteRecord(place.record)
        self._nemesis = Nemesis(place, history, seed, failing)
        self._done = Event()
        self._broken: list[str] = []

    def everything(self, operations: int) -> None:
        publish(self._store, self._contract, now())
        codes = [f"L{number:05d}" for number in range(operations // 20 + 4)]
        survey = self._contract.id
        links.add(
            self._store,
            {code: Link(survey, True, KNOWN) for code in codes}
            | {OPEN: Link(survey, False, {"store": "s2"})},
        )
        ports = [free_port() for _ in range(SERVERS)]
        self._nemesis.start(ports)
        agent = (self._store, self._record, Random(f"agent {self._seed}"), now, self._done)
        watchers = [
            Thread(target=self._read, name="reader"),
            Thread(target=following.work, args=agent, name="agent"),
        ]
        if erasure.available():
            watchers.append(Thread(target=self._erase, name="eraser"))
        else:
            self.report.absent.append("erase")
        for watcher in watchers:
            watcher.start()
        clients = [
            Client(self._history, Random(f"client {self._seed} {number}"), ports, codes)
            for number in range(CLIENTS)
        ]
        try:
            with ThreadPoolExecutor(CLIENTS) as pool:
                list(pool.map(lambda client: client.work(operations), clients))
        finally:
            self._done.set()
            for watcher in watchers:
                watcher.join()
            self._nemesis.stop()
        self._settle(clients)
        self._judge()

    def _settle(self, clients: list[Client]) -> None:
        """The ground is firm again: phones that still wait are answered, and the jobs end."""
        plan = Plan(seed=0, journal=str(self._place.folder / "history.jsonl"))
        port = free_port()
        running = serve(self._place, plan, port)
        try:
            for client in clients:
                client.settle(port)
        finally:
            running.kill()
            running.wait(10)
        if erasure.available():
            for response in self._history.erasing - self._history.erased:
                told = (self._store, KEY.encode(), self._contract.id, response, now())
                erasure.erase(*told, self._record)
                self._history.erase(response, done=True)
        for _ in range(10):
            merge(self._store, KEY.encode(), now())
            if not any(self._store.list(keys.LANDING)):
                break
        tally(self._store, now())
        with ThreadPoolExecutor(SCHEDULERS) as pool:
            told = (self._store, self._record, KEY.encode(), now())
            list(pool.map(lambda _: follow_up(*told), range(SCHEDULERS)))
            channels = {"sms": Outbox(self._store, "sms")}
            told = (self._store, self._record, channels, KEY.encode(), now() + HOUR_MS)
            list(pool.map(lambda _: escalate(*told), range(SCHEDULERS)))
            told = (self._store, self._record, KEY.encode(), endless)
            list(pool.map(lambda _: land(*told), range(SCHEDULERS)))
        land(self._store, self._record, KEY.encode(), endless)

    def _judge(self) -> None:
        history, report = self._history, self.report
        report.violations = check(history, self._store, self._contract)
        report.violations += following.check(history, self._store, self._record, self._contract.id)
        items = list(every(self._record, Query()))
        report.follow_ups, report.moves = len(items), sum(item.version for item in items)
        report.rows = self._count()
        history.counted("query", report.rows, len(history.erased))
        said = [each for bodies in history.said.values() for each in bodies.values()]
        outcomes = sum((each.outcomes for each in said), Counter())
        report.operations, report.habits = history.operations, dict(history.kinds)
        report.outcomes = dict(outcomes)
        report.kills, report.runs = dict(self._nemesis.kills), dict(self._nemesis.runs)
        report.absent += self._nemesis.absent
        report.erased = len(history.erased)
        report.violations += [Violation("fell", "", f"a watcher broke: {b}") for b in self._broken]

    def _read(self) -> None:
        """Count all the while, by query and by the scores."""
        readers = {"query": self._count, "scores": self._scored}
        while not self._done.wait(1.0):
            for name, count in readers.items():
                erased = self._history.counting()
                try:
                    n = count()
                except Exception as failure:
                    self._broken.append(f"{name}: {failure!r}"[:300])
                    continue
                self._history.counted(name, n, erased)
                self.report.counts += 1

    def _count(self) -> int:
        with open_views(self._store) as views:
            n, ids = ask(
                views, "select count(*), count(distinct response) from responses_held"
            ).rows[0]
        if n != ids:
            self._history.seen.append(Violation("twice", "", f"{n} rows, {ids} ids by query"))
        return int(n)

    def _scored(self) -> int:
        return sum(segment.n for segment in scores(self._store, self._contract.id).segments)

    def _erase(self) -> None:
        """Erase somebody now and then, for certain in the end."""
        random = Random(f"eraser {self._seed}")
        while not self._done.wait(random.random()):
            known = [*self._history.said]
            if not known:
                continue
            response = random.choice(known)
            self._history.erase(response, done=False)
            code = (
                "import sys; from tests.faults import erasure; from chalicelib.running import now; "
                "from chalicelib.storage import open_store; from pathlib import Path; "
                "from chalicelib.follow_ups.sqlite import SqliteRecord; "
                "erasure.erase(open_store(sys.argv[1], sys.argv[2] or None), "
                "sys.argv[3].encode(), sys.argv[4], sys.argv[5], now(), "
                "SqliteRecord(Path(sys.argv[6])))"
            )
            told = (self._place.data, self._place.endpoint or "", self._place.key)
            told += (self._contract.id, response, str(self._place.record))
            process = subprocess.Popen(
                [sys.executable, "-c", code, *told],
                env=self._place.environment,
                cwd=ROOT,
                stderr=subprocess.DEVNULL,
            )
            if random.random() < 0.4:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(0.5 + random.random())
                process.kill()
            if process.wait() == 0:
                self._history.erase(response, done=True)
            elif process.returncode == -9:
                self._nemesis.kills["erase"] += 1
            self._nemesis.runs["erase"] += 1


class Client:
    """Several phones, one after the other, over connections that are kept."""

    def __init__(
        self, history: History, random: Random, ports: list[int], codes: list[str]
    ) -> None:
        self._history = history
        self._random = random
        self._ports = ports
        self._codes = codes
        self._contract = held(followed=True)
        self._phones: list[Phone] = []
        self._waiting: dict[bytes, Phone] = {}
        self._connections: dict[int, HTTPConnection] = {}
        self._twins = ThreadPoolExecutor(2)

    def work(self, operations: int) -> None:
        """Send until that many operations were made, by all clients together."""
        while self._history.operations < operations:
            if self._waiting and self._random.random() < 0.2:
                phone = self._waiting[self._random.choice([*self._waiting])]
                phone = msgspec.structs.replace(phone, how="retry")
            else:
                phone = Phone.draw(self._random, self._phones, self._contract, now(), self._codes)
                del self._phones[:-200]
            first, second = self._random.sample(self._ports, 2)
            if phone.how == "double":
                twin = self._twins.submit(self._send, phone, second, HTTPConnection)
                self._send(phone, first)
                twin.result()
            else:
                self._send(phone, first)

    def settle(self, port: int) -> None:
        """Send again what was never answered, except from phones that are gone."""
        deadline = time.monotonic() + PATIENCE_S
        for phone in [*self._waiting.values()]:
            while time.monotonic() < deadline:
                if self._send(msgspec.structs.replace(phone, how="retry"), port) != "unknown":
                    break
        self._twins.shutdown()
        for connection in self._connections.values():
            connection.close()

    def _send(self, phone: Phone, port: int, fresh: type[HTTPConnection] | None = None) -> str:
        connection = (fresh or HTTPConnection)("127.0.0.1", port, timeout=PATIENCE_S)
        if fresh is None:
            connection = self._connections.setdefault(port, connection)
        try:
            if connection.sock is None:
                connection.connect()
        except OSError:  # nobody is there: nothing was sent
            time.sleep(0.05)
            return "unknown"
        attributes = {} if phone.submission.link is None else {"store": "s2"}
        said = self._history.send(
            phone.how,
            phone.submission,
            personal=phone.personal,
            attributes=KNOWN if phone.personal else attributes,
        )
        outcome = self._exchange(connection, phone)
        self._history.reply(said, outcome)
        if outcome == "unknown":
            connection.close()
        if fresh is not None:
            connection.close()
        elif outcome in ("unknown", "unavailable") and phone.how != "vanish":
            self._waiting[phone.body] = phone
        else:
            self._waiting.pop(phone.body, None)
        return "unknown" if outcome == "unavailable" else outcome

    def _exchange(self, connection: HTTPConnection, phone: Phone) -> str:
        path = f"/api/responses/{self._contract.id}"
        try:
            connection.request("POST", path, phone.body, JSON)
            if phone.how == "vanish":
                time.sleep(self._random.random() * 0.01)
                return "unknown"
            answer = connection.getresponse()
            body = msgspec.json.decode(answer.read())
        except (OSError, HTTPException, msgspec.DecodeError):
            return "unknown"
        return str(body["status"] if answer.status in (200, 201) else body["error"])


def _place(
    store: str, seed: int, folder: Path, standin: str, stack: ExitStack
) -> tuple[Place, Store]:
    (folder / "temporary").mkdir()
    if store == "folder":
        data = str(folder / "data")
        return Place(data, None, KEY, folder), open_store(data)
    endpoint = stack.enter_context(STANDINS[standin](folder))
    through = stack.enter_context(_weather(endpoint, seed, folder))
    data = f"s3://{BUCKET}/held"
    return Place(data, through, KEY, folder), open_store(data, endpoint)


@contextmanager
def _weather(endpoint: str, seed: int, folder: Path) -> Iterator[str]:
    """The same server, through a proxy that fails."""
    port, behind = free_port(), endpoint.rpartition(":")[2]
    told = [str(port), behind, str(seed), "0.02", str(folder / "history.jsonl")]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.weather", *told],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'functions'}"},
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _faults(journal: Path) -> dict[str, int]:
    events = (msgspec.json.decode(line) for line in journal.read_bytes().splitlines())
    return dict(Counter(event["what"] for event in events if event["event"] == "fault"))
