"""``echoform backup`` and ``echoform restore``: from where to where, and what is said of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from chalicelib.follow_ups.opening import open_record
from chalicelib.running import now, run_job
from chalicelib.settings import Settings
from chalicelib.storage import Store
from chalicelib.survey import EchoformError
from generator import account, snapshots
from generator.backing_up import back_up
from generator.data import open_data, own_key, settings
from generator.restoring import restore
from generator.stage import work_on

Say: TypeAlias = Callable[[str], object]

MADE_AGAIN = ("tally", "follow_up_tables")
"""The jobs that make what no backup has."""


def run_backup(place: str, most: int, stage: str, data: str | None, say: Say) -> None:
    where = work_on(stage, data)
    if not where.startswith("s3://") and not Path(where).is_dir():
        raise EchoformError(f"there is no folder {where}: nothing was backed up")
    known = _known(where, place)
    found, changed, forgotten = back_up(
        open_data(known.data), open_record(known), known.key, _opened(place), now(), most
    )
    for survey, count in sorted(found.answers.items()):
        say(f"{survey}: {count} answers")
    say(f"snapshot {found.name}: {len(found.objects)} objects, {changed} of them new or changed")
    if forgotten:
        say(f"{forgotten} older snapshots went")
    say("the secret of pseudonyms is not in it: keep it apart, for nothing can make it again")


def run_restore(place: str, name: str | None, stage: str, data: str | None, say: Say) -> None:
    where = work_on(stage, data)
    backup = _opened(place)
    secret = os.environ.get("ECHOFORM_KEY", "")
    if not where.startswith("s3://"):
        if not secret and not (Path(where) / ".key").exists():
            raise EchoformError("set ECHOFORM_KEY to the secret that was kept with this backup")
        snapshots.read(backup, name)  # before a folder is made for nothing
        own_key(Path(where), secret)
    known = _known(where, place)
    store = open_data(where)
    found = restore(backup, name, store, open_record(known), known.key, now())
    say(f"snapshot {found.snapshot}: {found.objects} objects are back, each as it was")
    for survey, count in sorted(found.answers.items()):
        gone = found.erased.get(survey, 0)
        say(
            f"{survey}: {count} answers" + (f", {gone} of them erased since and again" * bool(gone))
        )
    for job in MADE_AGAIN:
        run_job(job, known, store)
    say("tallies are made again; `echoform rollback --to` or `publish` makes the site")


def listed(place: str) -> Iterator[str]:
    """The snapshots of a backup, the newest first."""
    backup = _opened(place)
    for name in reversed(snapshots.names(backup)):
        found = snapshots.read(backup, name)
        answers = ", ".join(f"{survey} {count}" for survey, count in sorted(found.answers.items()))
        yield f"{name}  {len(found.objects)} objects  {answers}"


def _known(data: str, place: str) -> Settings:
    if place.rstrip("/") == data.rstrip("/") or place.startswith(f"{data.rstrip('/')}/"):
        raise EchoformError(f"{place} lies within the data: what loses one would lose both")
    return settings(data)


def _opened(place: str) -> Store:
    if place.startswith("s3://"):
        account.session()  # the store reads the environment alone
    return open_data(place)
