"""Judging follow-ups by the rows that are stored in the end, and by their own events.

============  =================================================================================
unopened      a row that a rule is about has no follow-up of it
unasked       a follow-up of no row and rule
doubled       two follow-ups of one response and rule, or one step of a round made twice
unfolded      its events do not make what is stored
remembered    something is left of what an erased person said
misreported   the tables say something else than the record
============  =================================================================================
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random
from threading import Event as Signal

from chalicelib import keys
from chalicelib.follow_ups import IllegalMove, Item, Query, Record, Stale, fold
from chalicelib.follow_ups.acting import act
from chalicelib.follow_ups.events import AGENT, Event, item_id
from chalicelib.follow_ups.moves import legal
from chalicelib.follow_ups.port import every
from chalicelib.published import Definitions
from chalicelib.storage import Store

from .checking import Row, read
from .history import History, Violation

KINDS = ("unopened", "unasked", "doubled", "unfolded", "remembered", "misreported")
RULES: dict[str, Callable[[Row], bool]] = {
    "slow": lambda row: row["speed"] is not None and row["speed"] <= 2,
    "detractor": lambda row: row["recommend"] is not None and row["recommend"] <= 6,
}
"""What held.yaml says, said once more."""
_DATA = {
    "call": {"channel": "phone", "outcome": "reached"},
    "note": {"note": "n"},
    "resolve": {"cause": "c", "remedy": "r"},
    "reopen": {"reason": "r"},
}


def work(
    store: Store, record: Record, random: Random, now: Callable[[], int], done: Signal
) -> None:
    """An agent, at work while everything dies: any move that is possible."""
    definitions = Definitions(store)
    while not done.wait(random.random() / 10):
        items = record.page(Query(), limit=20).items
        if not items:
            continue
        item = random.choice(items)
        possible = [move for move in legal(item, AGENT) if move in ("take", "start", *_DATA)]
        if possible:
            move = random.choice(possible)
            with suppress(Stale, IllegalMove):
                told = (item.id, item.version, move, _DATA.get(move, {}))
                act(record, definitions, *told, "a1", AGENT, now())


def check(history: History, store: Store, record: Record, survey: str) -> list[Violation]:
    """Every violation, after all jobs have run to their end."""
    items = list(every(record, Query()))
    wanted = {
        item_id(survey, row["response"], rule): row["response"]
        for row in read(store, keys.RESPONSES)
        for rule, holds in RULES.items()
        if holds(row)
    }
    there = {item.id for item in items}
    found = [Violation("unopened", wanted[id], id) for id in wanted.keys() - there]
    pairs = Counter((item.response, item.rule) for item in items)
    found += [Violation("doubled", pair[0], pair[1]) for pair, n in pairs.items() if n > 1]
    for item in items:
        found += _of_one(item, record.history(item.id), wanted, history)
    return found + list(_told(store, record, items))


def _of_one(
    item: Item, events: list[Event], wanted: dict[str, str], history: History
) -> Iterator[Violation]:
    folded = None
    with suppress(IllegalMove):
        folded = fold(events)
    if folded != item or [e.number for e in events] != [*range(1, item.version + 1)]:
        yield Violation("unfolded", item.response, item.id)
    if item.response in history.erased:
        if not item.erased or item.comment or item.customer_masked:
            yield Violation("remembered", item.response, item.id)
    elif item.id not in wanted:
        yield Violation("unasked", item.response, item.id)
    steps: Counter[tuple[int, str]] = Counter()
    rounds = 0
    for event in events:
        rounds += event.kind == "reopen"
        if event.kind in ("escalate", "verify_failed", "erase"):
            steps[rounds, f"{event.kind} {event.to}"] += 1
    for (_, step), n in steps.items():
        if n > 1:
            yield Violation("doubled", item.response, f"{item.id} {step} {n} times")


def _told(store: Store, record: Record, items: list[Item]) -> Iterator[Violation]:
    rows = [row["state"] for row in read(store, keys.FOLLOW_UPS)]
    if Counter(rows) != Counter(item.state for item in items):
        yield Violation("misreported", "", f"{Counter(rows)}")
    told = {(r["follow_up"], r["state"]) for r in read(store, keys.FOLLOW_UPS) if not r["erased"]}
    kept = {(item.id, item.state) for item in items if not item.erased}
    for name, state in told ^ kept:
        yield Violation("misreported", "", f"{name} {state}")
    events = len(read(store, keys.FOLLOW_UP_EVENTS))
    if events != sum(item.version for item in items):
        yield Violation("misreported", "", f"{events} events")
