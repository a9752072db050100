"""Work that is done in a process of its own, to be killed there by ``kill -9``.

``die_at`` counts the steps that make anything durable or take it away (fsync, link, rename, unlink)
and sends the process SIGKILL just before the step of that number.
"""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

from chalicelib.follow_ups import Event
from chalicelib.follow_ups.sqlite import SqliteRecord
from chalicelib.jobs import merge as merging
from chalicelib.jobs.follow_up import follow_up
from chalicelib.jobs.merge import merge
from chalicelib.published import Definitions
from chalicelib.settings import Settings
from chalicelib.storage import FolderStore
from generator.loading import load
from generator.mapping import read_mapping

NOW = 1_770_000_000_000
KEY = b"a secret of the tests"
STEPS = ("fsync", "link", "replace", "unlink")


def die_at(step: int) -> None:
    """Kill this process just before its ``step``-th durable step."""
    lock = threading.Lock()
    taken = 0

    def deadly(call: Any) -> Any:
        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal taken
            with lock:
                taken += 1
                if taken >= step:
                    os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return counted

    for name in STEPS:
        setattr(os, name, deadly(getattr(os, name)))


def merge_until(folder: Path, step: int) -> None:
    die_at(step)
    merge(FolderStore(folder), KEY, NOW)


def follow_up_until(folder: Path, step: int, now: int) -> None:
    """Open follow-ups; dies at a step of the folder, or between the record and the folder."""
    store, record = FolderStore(folder), Dying(folder / "follow_ups.sqlite", step)
    die_at(step)
    follow_up(store, record, KEY, now)


class Dying(SqliteRecord):
    """A record whose process dies before or after its n-th follow-up."""

    def __init__(self, path: Path, step: int) -> None:
        super().__init__(path)
        self._left = step

    def open(self, event: Event) -> bool:
        self._left -= 1
        if self._left <= 0 and event.at % 2:
            os.kill(os.getpid(), signal.SIGKILL)
        done = super().open(event)
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done


def share(folder: Path) -> None:
    """Merge with processes of its own, which end with it."""
    merging.WORTH_WORKERS = 0
    merging.run(FolderStore(folder), Settings(str(folder), None, KEY, workers=2), NOW)


def load_until(folder: Path, survey: str, table: Path, mapping: Path, step: int) -> None:
    store = FolderStore(folder)
    contract = Definitions(store).current(survey)
    read = read_mapping(mapping, contract)
    die_at(step)
    load(store, contract, table, read)
