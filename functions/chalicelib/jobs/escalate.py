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
from ..follow_ups.events import LEAD, LEVELS, SYSTEM, WORKED, Event, Item
from ..follow_ups.moves import IllegalMove
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
    uncertain: int = 0
    """Cut off while they were sent, by a channel that cannot tell: taken for sent."""
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
        problem = ""
        if item.verification.sending_at is None:
            try:
                item, problem = self._send(item, "first")
            except (Unavailable, Unrendered):
                self.done.postponed += 1
                return
        else:
            self.done.uncertain += 1  # taken for sent: if it was not, the reminder asks
        if problem:
            self._append(item, "verify_failed", reason=problem)
            self.done.unaskable += 1
            return
        code = verifying.code_of(self._key, item)
        self._append(item, "verify_sent", link=links.hash_of(code))
        self.done.asked += 1

    def _remind(self, item: Item) -> None:
        if self._is_answered(item):
            return  # its mark is under way
        if item.verification.sending_at is None:
            try:
                item, _ = self._send(item, "reminder")  # nothing to send: the waiting goes on
            except (Unavailable, Unrendered):
                self.done.postponed += 1
                return
        else:
            self.done.uncertain += 1
        self._append(item, "verify_reminded")
        self.done.reminded += 1

    def _send(self, item: Item, step: str) -> tuple[Item, str]:
        """The follow-up then, and why nothing could be sent ("" if it was).

        Where the channel cannot know a message again, that it is being sent is put on record first:
        of two runs one sends it, and whoever is cut off does not send it again.
        """
        try:
            ask = verifying.asking(self._store, self._definitions, self._key, item)
        except Unverifiable as why:
            return item, why.reason
        message = verifying.written(self._store, item, ask, step)
        channel = self._channels[ask.channel]
        if not channel.repeatable:
            item = self._append(item, "verify_sending")
        try:
            channel.send(message)
        except Undeliverable:
            return item, "undeliverable"
        except Unavailable:
            if not channel.repeatable:
                self._append(item, "verify_unsent")
            raise
        return item, ""

    def _is_answered(self, item: Item) -> bool:
        return claims.held(self._store, item.verify_with, item.verification.link) is not None

    def _append(self, item: Item, kind: str, **data: str) -> Item:
        event = Event(id=item.id, number=0, at=self._now, by=SYSTEM, kind=kind, **data)  # type: ignore[arg-type]
        return self._record.append(item.id, item.version, event)
