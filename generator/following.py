"""``echoform follow-ups``: the queue, one follow-up, a move, and rules run over the past.

What customers wrote is shown without control characters, and no cell is ever a formula.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from chalicelib import answered, audit, keys, parquet
from chalicelib.follow_ups.acting import act
from chalicelib.follow_ups.events import ADMIN, OPEN, Event, Item
from chalicelib.follow_ups.moves import legal
from chalicelib.follow_ups.opening import open_record
from chalicelib.follow_ups.port import Query, every
from chalicelib.jobs.decision import Mark
from chalicelib.jobs.follow_up import follow_up, rule_named
from chalicelib.published import Definitions
from chalicelib.running import now as clock
from chalicelib.storage import Exists, Missing
from chalicelib.survey import EchoformError, holds
from generator.data import open_data, settings
from generator.sheets import as_csv

Say: TypeAlias = Callable[[str], None]

COLUMNS = [
    "id", "survey", "rule", "title", "priority", "kind", "state", "assignee", "assigned_to_team",
    "agent", "team", "customer_masked", "index", "comment", "received_at", "opened_at",
    "first_contact_due", "resolve_due", "next_due", "contacted_at", "resolved_at", "closed_at",
    "escalated", "reopened", "outcome",
]  # fmt: skip
_STYLES = {"urgent": "bold red", "high": "yellow", "normal": ""}
_UNITS = ((24 * 60 * 60 * 1000, "d"), (60 * 60 * 1000, "h"), (60 * 1000, "min"))


class Impossible(EchoformError):
    """The command cannot do that. The message says what it can."""


class Ran(Struct):
    """What running a rule over the past found."""

    answers: int = 0
    met: int = 0
    opened: int = 0
    known: int = 0


def run_list(data: str, query: Query, limit: int, form: str, say: Say) -> None:
    record = open_record(settings(data))
    if form != "table":
        say(_written([*every(record, query)], form))
        return
    page = record.page(query, None, limit)
    counts = record.counts(query, now := clock())
    _print(_queue(page.items, now))
    more = f", the first {len(page.items)} shown" if page.next else ""
    say(f"{counts.open} open, {counts.overdue} overdue{more}")


def run_show(data: str, id: str, form: str, say: Say) -> None:
    record = open_record(settings(data))
    item, history = record.get(id), record.history(id)
    if form == "json":
        shown = {"item": item, "history": history, "moves": legal(item, ADMIN)}
        say(msgspec.json.format(msgspec.json.encode(shown)).decode())
        return
    if form == "csv":
        say(_written([item], form))
        return
    _print(_detail(item, history, clock()))


def run_act(data: str, id: str, move: str, given: Mapping[str, str], by: str, say: Say) -> None:
    """Make a move as whoever runs this, who may do everything."""
    record, store = open_record(settings(data)), open_data(data)
    seen = record.get(id)
    who = by or audit.operator()
    try:
        item = act(record, Definitions(store), id, seen.version, move, given, who, ADMIN, clock())
    except ValueError as error:
        raise Impossible(str(error)) from None
    say(f"{id}: {seen.state} → {item.state}")


def run_open(
    data: str, survey: str, rule: str, first: str | None, last: str | None, say: Say
) -> None:
    """Run a rule as it is now over the answers of these days; clocks start now."""
    for given in (first, last):
        if given and not _is_day(given):
            raise Impossible(f"{given!r} is no day, such as 2026-05-17")
    store, record, now = open_data(data), open_record(settings(data)), clock()
    definitions = Definitions(store)
    try:
        contract = definitions.current(survey)
    except Missing:
        live = ", ".join(definitions.surveys()) or "none yet"
        raise Impossible(f"no survey {survey!r} is live in this data (live: {live})") from None
    found = rule_named(contract, rule)
    if found is None:
        there = ", ".join(each.id for each in contract.follow_ups) or "none"
        raise Impossible(f"{survey} has no rule {rule!r}; there are: {there}")
    ran = Ran()
    for entry in store.list(f"{keys.RESPONSES}{survey}/"):
        if not (first or "") <= keys.day_of(entry.key) <= (last or "9999"):
            continue
        for row in parquet.decode(store.get(entry.key).data).to_pylist():
            ran.answers += 1
            if not holds(found.when, answered.known(contract, row)):
                continue
            ran.met += 1
            received = int(row["received_at"].timestamp() * 1000)
            mark = Mark(contract.version, received, start_at=now)
            try:
                store.create(keys.due(survey, row["response"], rule), msgspec.json.encode(mark))
            except Exists:
                continue  # under way already
    done = follow_up(store, record, settings(data).key, now)
    ran.opened, ran.known = done.opened, done.known
    say(
        f"{ran.answers} answers, {ran.met} meet {rule!r}: "
        f"{ran.opened} follow-ups opened, {ran.known} were there"
    )


def countdown(due: int | None, now: int) -> str:
    """How long there still is, or since when it is overdue, in the largest unit."""
    if due is None:
        return ""
    left = abs(due - now)
    said = next((f"{left // size} {unit}" for size, unit in _UNITS if left >= size), "0 min")
    return f"{said} over" if due < now else f"in {said}"


def _queue(items: list[Item], now: int) -> RenderableType:
    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    # Two lines each, or the ids alone would be half of a terminal's 80 columns.
    for name in ("due", "state, with", "what, id", "customer", "index"):
        table.add_column(name, no_wrap=name == "due", min_width=35 if name == "what, id" else None)
    for item in items:
        over = item.next_due is not None and item.next_due < now
        state = item.state + (f" ({item.outcome})" if item.outcome else "")
        table.add_row(
            Text.assemble(
                (countdown(item.next_due, now), "bold red" if over else ""),
                "\n",
                (item.priority, _STYLES.get(item.priority, "")),
            ),
            Text(f"{state}\n{_plain(_with(item))}"),
            Text(f"{_plain(_title(item))}\n{item.id}"),
            Text(_plain(item.customer_masked)),
            "" if item.index is None else f"{item.index:.0f}",
        )
    return table


def _with(item: Item) -> str:
    return item.assignee or (f"lead of {item.assigned_to_team}" if item.to_lead else "") or (
        f"[{item.assigned_to_team}]" if item.assigned_to_team else ""
    )  # fmt: skip


def _detail(item: Item, history: list[Event], now: int) -> RenderableType:
    facts = Table(show_header=False, show_edge=False, box=None, pad_edge=False)
    asked = item.verification
    rows: dict[str, object] = {
        "id": item.id,
        "survey, rule": f"{item.survey}, {item.rule}",
        "state": item.state + (f" ({item.outcome})" if item.outcome else ""),
        "priority": item.priority,
        "with": _with(item),
        "customer": item.customer_masked or ("nobody to call" if item.kind != "call" else ""),
        **item.facts,
        **item.scores,
        "index": "" if item.index is None else f"{item.index:.1f}",
        "comment": item.comment,
        "received": _moment(item.received_at),
        "first contact due": _due(item.first_contact_due, now),
        "solution due": _due(item.resolve_due, now),
        "escalated to": item.escalated,
        "reopened": item.reopened or "",
        "cause": item.cause,
        "remedy": item.remedy,
        "customer asked": _moment(asked.sent_at),
        "cannot be asked": asked.problem,
        "possible now": ", ".join(legal(item, ADMIN)),
    }
    for name, value in rows.items():
        if value not in ("", None):
            facts.add_row(Text(name, style="bold"), Text(_plain(str(value))))
    log = Table(show_edge=False, pad_edge=False, header_style="bold")
    for name in ("when", "who", "what", ""):
        log.add_column(name)
    for event in history:
        data = msgspec.to_builtins(event)
        known = ("id", "number", "at", "by", "kind", "item", "clock")
        said = ", ".join(f"{key} {value}" for key, value in data.items() if key not in known)
        log.add_row(_moment(event.at), Text(_plain(event.by)), event.kind, Text(_plain(said)))
    return Group(Text(_plain(_title(item)), style="bold"), facts, Text(), log)


def _due(due: int | None, now: int) -> str:
    return f"{_moment(due)} ({countdown(due, now)})" if due is not None else ""


def _moment(ms: int | None) -> str:
    """As on the clocks of this machine."""
    if ms is None:
        return ""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def _title(item: Item) -> str:
    return next(iter(item.title.values()), item.rule)


def _plain(text: str) -> str:
    """Without what would speak to the terminal."""
    return "".join(c if unicodedata.category(c)[0] != "C" else " " for c in text)


def _written(items: list[Item], form: str) -> str:
    if form == "json":
        return msgspec.json.format(msgspec.json.encode(items)).decode()
    rows: list[dict[str, Any]] = [{name: _cell(item, name) for name in COLUMNS} for item in items]
    return as_csv(COLUMNS, rows).rstrip("\r\n")


def _cell(item: Item, name: str) -> object:
    value = getattr(item, name)
    if name == "title":
        return _title(item)
    if value is not None and name.endswith(("_at", "_due")):
        return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="seconds")
    return value


def _print(what: RenderableType) -> None:
    Console().print(what)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def states(given: tuple[str, ...]) -> tuple[str, ...]:
    """The states meant: those named, else all in which something is left to do."""
    return given or tuple(sorted(OPEN))
