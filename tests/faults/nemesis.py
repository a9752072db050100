"""The actors of a history check, kept running, and killed: which there are, and how each dies.

Every actor is a process (or one after the other) of the real program. It dies by SIGKILL at a step
that was drawn when it started, or from outside at any moment; then another takes its place.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import NamedTuple

import msgspec
from msgspec import Struct

from . import erasure
from .history import History
from .underfoot import Plan, job

ROOT = Path(__file__).parents[2]
HELD = Path(__file__).with_name("held.yaml")
HOUR_MS = 3_600_000

forkserver = multiprocessing.get_context("forkserver")


class Place(Struct, frozen=True):
    """Where the data lies, as the actors are told."""

    data: str
    endpoint: str | None
    key: str
    folder: Path
    """For journals, logs and temporary files."""

    @property
    def record(self) -> Path:
        """The file of the follow-ups."""
        return (self.folder if self.endpoint else Path(self.data)) / "follow_ups.sqlite"

    @property
    def environment(self) -> dict[str, str]:
        told = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'functions'}",
            "ECHOFORM_KEY": self.key,
            "ECHOFORM_FOLLOW_UPS": str(self.record),
            "TMPDIR": str(self.folder / "temporary"),
        }
        return told | ({"ECHOFORM_S3_ENDPOINT": self.endpoint} if self.endpoint else {})


class Running:
    """A process of either kind, the same to look at."""

    def __init__(self, pid: int, wait: Callable[[float], int | None], kill: Callable[[], None]):
        self.pid, self.wait, self.kill = pid, wait, kill


class Actor(NamedTuple):
    name: str
    at_once: int
    start: Callable[[Place, Plan, int], Running]
    """``start(place, plan, port)``: only who accepts has a port."""
    steps: int
    """It dies at one of so many steps (early ones likelier)…"""
    mortal: float
    """… in this share of its lives."""
    pause: float
    """Seconds between two lives, at most."""
    here: Callable[[], bool] = lambda: True


def serve(place: Place, plan: Plan, port: int) -> Running:
    """``echoform serve``, which leaves its schedules to the other actors."""
    command = [sys.executable, "-m", "tests.faults.underfoot", msgspec.json.encode(plan).decode()]
    with (place.folder / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [
                *(*command, "serve", str(HELD), "--data", place.data),
                *("--port", str(port), "--every", "86400"),
            ],
            env=place.environment,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )

    def wait(seconds: float) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(seconds)
        return None

    return Running(process.pid, wait, process.kill)


def scheduled(name: str) -> Callable[[Place, Plan, int], Running]:
    def start(place: Place, plan: Plan, port: int) -> Running:
        told = (plan, name, place.data, place.endpoint, place.key, str(place.record))
        process = forkserver.Process(target=job, args=told)
        process.start()

        def wait(seconds: float) -> int | None:
            process.join(seconds)
            return process.exitcode

        return Running(process.pid or 0, wait, process.kill)

    return start


ACTORS = (
    Actor("accept", 2, serve, steps=8000, mortal=0.8, pause=0.1),
    Actor("merge", 2, scheduled("merge"), steps=300, mortal=0.4, pause=0.6),
    Actor("tally", 1, scheduled("tally"), steps=20, mortal=0.4, pause=2.0),
    Actor("follow_up", 8, scheduled("follow_up"), steps=60, mortal=0.4, pause=6.0),
    Actor("escalate", 2, scheduled("escalate"), steps=60, mortal=0.4, pause=4.0),
    Actor("follow_up_tables", 2, scheduled("follow_up_tables"), steps=20, mortal=0.4, pause=4.0),
    Actor("purge", 1, scheduled("purge"), 20, 0.4, 4.0, lambda: erasure.scheduled("purge")),
)
"""Who takes part. A further actor is one more line."""


class Nemesis:
    """Runs all actors until it is told to stop, and counts how they died."""

    def __init__(self, place: Place, history: History, seed: int, failing: float) -> None:
        self._place = place
        self._history = history
        self._random = Random(f"nemesis {seed}")
        self._failing = failing
        self._stop = Event()
        self._alive: dict[str, Running] = {}
        self.kills: Counter[str] = Counter()
        self.runs: Counter[str] = Counter()
        self.ports: list[int] = []
        self.absent = [actor.name for actor in ACTORS if not actor.here()]
        self._threads: list[Thread] = []

    def start(self, ports: list[int]) -> None:
        forkserver.set_forkserver_preload(["tests.faults.preloaded"])
        self.ports = ports
        for actor in ACTORS:
            for number in range(actor.at_once if actor.here() else 0):
                name, port = f"{actor.name} {number}", ports[number] if number < len(ports) else 0
                random = Random(self._random.getrandbits(64))
                thread = Thread(target=self._keep, args=(actor, name, port, random), name=name)
                self._threads.append(thread)
        self._threads.append(Thread(target=self._strike, name="nemesis"))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End everything; nothing more dies."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def plan(self, actor: Actor, random: Random) -> Plan:
        """How the next life of an actor goes."""
        dies = random.random() < actor.mortal
        return Plan(
            seed=random.getrandbits(32),
            journal=str(self._place.folder / "history.jsonl"),
            die_at=1 + int(actor.steps * random.random() ** 3) if dies else 0,
            failing=self._failing if random.random() < 0.7 else 0.0,
            skew=random.choice((0, 0, -2 * HOUR_MS, HOUR_MS)),
        )

    def _keep(self, actor: Actor, name: str, port: int, random: Random) -> None:
        while not self._stop.is_set():
            plan = self.plan(actor, random)
            running = actor.start(self._place, plan, port)
            self._alive[name] = running
            self._history.journal.note("start", actor=name, pid=running.pid, plan=plan)
            ended = None
            while ended is None and not self._stop.is_set():
                ended = running.wait(0.5)
            self._alive.pop(name, None)
            if ended is None:
                running.kill()
                running.wait(10)
                return
            self.runs[actor.name] += 1
            self.kills[actor.name] += ended == -9
            self._history.journal.note("end", actor=name, exit=ended)
            self._stop.wait(random.random() * actor.pause)

    def _strike(self) -> None:
        """Kill one of them at any moment, from outside."""
        while not self._stop.wait(3 + self._random.random() * 6):
            names = sorted(self._alive)
            running = self._alive.get(self._random.choice(names)) if names else None
            if running:
                running.kill()
                self._history.journal.note("struck", pid=running.pid)
