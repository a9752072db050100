"""``echoform erase``: shows what is held about one person, asks, erases, shows what went."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import click
import msgspec

from chalicelib import audit
from chalicelib.erasing import erase, finish
from chalicelib.follow_ups.opening import open_record
from chalicelib.published import Definitions
from chalicelib.running import now, run_job
from chalicelib.survey import EchoformError, ids
from chalicelib.traces import By, Traces, find
from generator.data import open_data, settings

Say: TypeAlias = Callable[[str], None]

ROUNDS = 3
"""A merge or a retry may bring something while we look."""


class Named(EchoformError):
    """Who or what is to be erased was not named well. The message says why."""


def who(response: str | None, customer: str | None, contact: str | None) -> tuple[By, str]:
    """How the person was named, and the value. Raises Named."""
    named: list[tuple[By, str | None]] = [
        ("response", response),
        ("customer", customer),
        ("contact", contact),
    ]
    given = [(by, value) for by, value in named if value]
    if len(given) != 1:
        raise Named("name one person: --response, --customer or --contact, with a value")
    return given[0]


def run_erase(
    survey: str | None, by: By, value: str, data: str, dry: bool, sure: bool, say: Say
) -> None:
    """Erase one person from a survey, or from all where ``survey`` is None."""
    store, secret, record = open_data(data), settings(data).key, open_record(settings(data))
    if by == "response" and not _possible(value):
        raise Named(f"{value!r} is no response id: 26 capital letters and digits, as in a receipt")
    live = Definitions(store).surveys()
    if survey is not None and survey not in live:
        raise Named(f"no survey {survey!r} here; there are: {', '.join(live) or 'none yet'}")
    surveys = live if survey is None else [survey]

    def look() -> list[Traces]:
        return [find(store, secret, name, by, value) for name in surveys]

    if not dry:
        finish(store, secret, record)
    # A response that is named with its survey is forbidden also where none has come yet.
    found = [traces for traces in look() if traces or (survey and by == "response")]
    for traces in found:
        say(f"{traces.survey}: {_listed(_counts(traces))}")
    if not found:
        say("nothing is held")
        return
    if dry:
        say("nothing was erased: this was a dry run")
        return
    if not sure:
        click.confirm("Erase it for good?", abort=True, err=True)
    for _ in range(ROUNDS):
        for traces in found:
            gone = erase(store, secret, traces, now(), audit.operator(), record)
            say(f"{traces.survey}: erased {_listed(msgspec.to_builtins(gone))}")
        found = [traces for traces in look() if traces]
    run_job("tally", settings(data), store)


def _possible(value: str) -> bool:
    """Whether a response can have this id: of a day that calendars know."""
    return ids.is_id(value) and ids.time_of(value) < 253_000_000_000_000


def _counts(traces: Traces) -> dict[str, int]:
    return {
        "responses": len(traces.responses),
        "rows and objects": traces.seen,
        "links": len(traces.links),
        "invitations": sum(map(len, traces.invitations.values())),
        "objects of no response": len(traces.objects),
    }


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items() if count) or "nothing"
