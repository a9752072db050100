"""The ground giving way: the real command line, in a process whose storage fails and which dies.

``python -m tests.faults.underfoot PLAN ARGS…`` is ``python -m generator ARGS…`` where, by the plan,
steps that make anything durable fail now and then, the clock is wrong and jumps, and the process is
sent SIGKILL just before one such step. For a folder the steps are fsync, link, rename and unlink;
for S3 they are create, replace and delete (its failures are made on the way there, in
``weather.py``). Writes to the record of follow-ups are steps too; where data lie on S3 it is a file
all the same, for no DynamoDB is here that would stand 8 schedulers.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from msgspec import Struct

import chalicelib.follow_ups.dynamo
import chalicelib.running
from chalicelib.follow_ups.sqlite import SqliteRecord
from chalicelib.settings import Settings
from chalicelib.storage.s3 import S3Store

from .history import Journal
from .victims import STEPS


class Plan(Struct, frozen=True):
    seed: int
    journal: str
    die_at: int = 0
    """The step before which it dies; 0 for never."""
    failing: float = 0.0
    """How often a step fails: half of the times before it is done, half after."""
    skew: int = 0
    """Milliseconds by which the clock is wrong; it jumps back and forth while running."""


def prepare(plan: Plan) -> None:
    """Make this process's ground give way by the plan."""
    random, journal, lock = Random(plan.seed), Journal(Path(plan.journal)), threading.Lock()
    taken = 0

    def shaky(call: Callable[..., Any], what: str) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            nonlocal taken
            with lock:
                taken += 1
                dies, chance = taken == plan.die_at, random.random()
            if dies:
                journal.note("died", step=taken, before=what, seed=plan.seed)
                os.kill(os.getpid(), signal.SIGKILL)
            if chance < plan.failing:
                journal.note("fault", what=what, when="before")
                raise OSError(errno.EIO, "injected")
            done = call(*args, **kwargs)
            if plan.failing <= chance < 2 * plan.failing:
                journal.note("fault", what=what, when="after")
                raise OSError(errno.ENOSPC, "injected")
            return done

        return step

    for name in STEPS:
        setattr(os, name, shaky(getattr(os, name), name))
    for name in ("create", "replace", "delete"):
        setattr(S3Store, name, shaky(getattr(S3Store, name), name))
    for name in ("open", "append", "forget", "landed"):
        setattr(SqliteRecord, name, shaky(getattr(SqliteRecord, name), name))
    chalicelib.follow_ups.dynamo.DynamoRecord = on_file  # type: ignore[misc, assignment]
    real = chalicelib.running.now

    def now() -> int:
        return real() + (plan.skew if real() // 5000 % 2 else 0)

    if plan.skew:
        chalicelib.running.now = now


def on_file(table: str) -> SqliteRecord:
    """In place of a table in DynamoDB: its name is the path of a file."""
    return SqliteRecord(Path(table))


def job(plan: Plan, name: str, data: str, endpoint: str | None, key: str, follow_ups: str) -> None:
    """One run of a scheduled job, for a process of its own. A run that failed ends with 1."""
    prepare(plan)
    try:
        chalicelib.running.run_job(
            name, Settings(data, endpoint, key.encode(), follow_ups=follow_ups)
        )
    except Exception as failure:
        Journal(Path(plan.journal)).note("failed", job=name, why=repr(failure)[:300])
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    from generator.__main__ import main

    prepare(msgspec.json.decode(sys.argv.pop(1), type=Plan))
    main()
