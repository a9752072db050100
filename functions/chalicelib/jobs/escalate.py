"""Escalate: what follow-ups do by themselves when their time has come. Harmless to repeat.

The record says which have something to do by now (``alarm_at``), so open ones that have not are
never read. Each step is one event on the version that was seen: of two runs at once, one adds it,
and the other learns that it was added.

===========  ==============================================================================
worked on    overdue: the lead is told, and once more as long after that the manager, once each
resolved     the customer is asked whether it helped
verifying    no answer: reminded once, then closed as unverified
===========  ==============================================================================

A clock set forward sees what is due early and one set back sees it late; neither sees it twice,
for each step leaves the state in which it is to be done.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from contextlib import suppress

from msgspec import Struct

from .. import claims, links
from ..channels import Channel, Unavailable, Undeliverable
from ..channels.opening import open_channels
from ..follow_ups import verifying
from ..follow_ups.events import LEAD, LEVELS, SYSTEM, WORKED, Event, IllegalMove, Item
from ..follow_ups.opening import open_record
from ..follow_ups.port import Record, Stale
from ..follow_ups.verifying import Unverifiable
from ..messages import Unrendered
from ..published import Definitions
from ..settings import Settings
from ..storage import Store

AT_ONCE = 500
ENOUGH_S = 20.0
"""More are begun only where so much time is left."""


class Escalated(Struct):
    """What a run did, in follow-ups."""

    to_lead: int = 0
    to_manager: int = 0
    asked: int = 0
    unaskable: int = 0
    reminded: int = 0
    unverified: int = 0
    postponed: int = 0
    """Their channel took nothing, or the message could not be written: tried again."""


def run(
    store: Store, settings: Settings, now: int, left: Callable[[], float] = lambda: math.inf
) -> Escalated:
    channels = open_channels(store, os.environ)
    return escalate(store, open_record(settings), channels, settings.key, now, left)


def escalate(
    store: Store,
    record: Record,
    channels: Mapping[str, Channel],
    key: bytes,
    now: int,
    left: Callable[[], float] = lambda: math.inf,
) -> Escalated:
    """Do what is due by now. ``key`` is the site's secret, which codes are made with.

    Raises ExceptionGroup at the end, where some could not be done; the others were.
    """
    each_of = _Escalating(store, record, channels, key, now)
    failures: list[Exception] = []
    after = (0, "")
    while left() > ENOUGH_S and (alarmed := record.alarmed(now, after, AT_ONCE)):
        for item in alarmed:
            try:
                with suppress(Stale, IllegalMove):  # somebody was first: the next run sees it
                    each_of.one(item)
            except Exception as failure:  # one bad follow-up must not keep the others waiting
                failures.append(failure)
        after = (alarmed[-1].alarm_at or 0, alarmed[-1].id)
    if failures:
        raise ExceptionGroup("some follow-ups could not be seen to", failures)
    return each_of.done


class _Escalating:
    def __init__(
        self, store: Store, record: Record, channels: Mapping[str, Channel], key: bytes, now: int
    ) -> None:
        self._store = store
        self._record = record
        self._channels = channels
        self._key = key
        self._now = now
        self._definitions = Definitions(store)
        self.done = Escalated()

    def one(self, item: Item) -> None:
        if item.state in WORKED:
            to = LEVELS[LEVELS.index(item.escalated) + 1]
            self._append(item, "escalate", to=to)
            self.done.to_lead += to == LEAD
            self.done.to_manager += to != LEAD
        elif item.state == "resolved":
            self._ask(item)
        elif item.verification.reminded_at is None:
            self._remind(item)
        elif not self._is_answered(item):
            self._append(item, "unverified")
            self.done.unverified += 1

    def _ask(self, item: Item) -> None:
        try:
            ask = verifying.asking(self._store, self._definitions, self._key, item)
            if not self._sent(item, ask, "first"):
                return
        except (Unverifiable, Undeliverable) as why:
            self._append(item, "verify_failed", reason=_reason(why))
            self.done.unaskable += 1
            return
        self._append(item, "verify_sent", link=links.hash_of(ask.code))
        self.done.asked += 1

    def _remind(self, item: Item) -> None:
        if self._is_answered(item):
            return  # its mark is under way
        with suppress(Unverifiable, Undeliverable):  # nothing to send; the waiting goes on
            ask = verifying.asking(self._store, self._definitions, self._key, item)
            if not self._sent(item, ask, "reminder"):
                return
        self._append(item, "verify_reminded")
        self.done.reminded += 1

    def _sent(self, item: Item, ask: verifying.Asking, step: str) -> bool:
        try:
            verifying.send(self._store, self._channels, item, ask, step)
        except (Unavailable, Unrendered):
            self.done.postponed += 1
            return False
        return True

    def _is_answered(self, item: Item) -> bool:
        return claims.held(self._store, item.verify_with, item.verification.link) is not None

    def _append(self, item: Item, kind: str, **data: str) -> None:
        event = Event(id=item.id, number=0, at=self._now, by=SYSTEM, kind=kind, **data)  # type: ignore[arg-type]
        self._record.append(item.id, item.version, event)


def _reason(why: Unverifiable | Undeliverable) -> str:
    return why.reason if isinstance(why, Unverifiable) else "undeliverable"
