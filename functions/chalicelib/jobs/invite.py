"""Invite: sends what is due, and puts on record what was learnt. Harmless to repeat.

Which shards have anything to do is remembered while a process lives, by the tags they had: one
listing tells that a campaign of a million waits for its reminders, and nothing of it is read. The
claims of a survey are looked through as often as their number allows.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Sequence
from time import monotonic
from weakref import WeakKeyDictionary

from msgspec import Struct

from ..channels import Channel
from ..channels.opening import open_channels
from ..invitations import record
from ..invitations.contact_rule import OptOuts
from ..invitations.due import awake, upcoming
from ..invitations.fates import learn_fates
from ..invitations.invitation import Campaign, deadline
from ..invitations.landing import land
from ..invitations.learning import Heard, answered, heard, learn
from ..invitations.record import Shard
from ..invitations.sending import MARGIN_S, Sendings, Write, send
from ..invitations.writing import writer
from ..published import Definitions
from ..settings import Settings
from ..storage import Store
from ..survey import Contract

LATE_MS = 14 * 24 * 60 * 60 * 1000
"""How long after its deadline answers to a campaign are still looked for: phones send late."""


class Invited(Struct):
    """Steps of invitations that this run put on record."""

    noticed: int = 0
    sent: int = 0
    reminded: int = 0
    delivered: int = 0
    opened: int = 0
    answered: int = 0
    bounced: int = 0
    failed: int = 0
    excluded: int = 0
    opted_out: int = 0
    expired: int = 0
    uncertain: int = 0
    unwritten: int = 0
    """No message could be written for these: a template or a field is wrong."""
    landed: int = 0
    """Campaigns whose table was written again."""

    def add(self, counts: Counter[str]) -> None:
        for name, count in counts.items():
            if name in self.__struct_fields__:
                setattr(self, name, getattr(self, name) + count)


class _Seen(Struct, frozen=True):
    """A shard as it was when it was last read."""

    tag: str
    at: float
    """When the next of it is due."""
    waiting: frozenset[str]
    """Links of its invitations that may still be answered."""


class _Memory(Struct):
    """What a process knows of a store."""

    shards: dict[str, _Seen] = {}
    looking: dict[str, int] = {}
    """When answers to a campaign are looked for next, by its name."""


_MEMORIES: WeakKeyDictionary[Store, _Memory] = WeakKeyDictionary()


def run(store: Store, settings: Settings, now: int, left: Callable[[], float]) -> Invited:
    started = monotonic()
    return invite(
        store,
        settings.key,
        lambda: now + int((monotonic() - started) * 1000),
        left,
        open_channels(store, os.environ),
    )


def run_notices(
    store: Store, settings: Settings, now: int, left: Callable[[], float], bodies: Sequence[str]
) -> Counter[str]:
    """Put on record what providers tell of messages."""
    return learn_fates(store, settings.key, bodies, now)


def invite(
    store: Store,
    key: bytes,
    clock: Callable[[], int],
    left: Callable[[], float],
    channels: dict[str, Channel],
    *,
    write: Write | None = None,
    survey: str | None = None,
    by_hand: str | None = None,
) -> Invited:
    """Do for all campaigns what is due, or for those of a survey.

    ``by_hand`` asks for reminders now: of that campaign, or of all where it is "".
    Raises ExceptionGroup at the end, where some campaigns could not be done; the others were.
    """
    done = Invited()
    definitions = Definitions(store)
    sendings = Sendings(
        store, key, channels, write or writer(store, definitions), clock, left, OptOuts(store)
    )
    memory = _MEMORIES.setdefault(store, _Memory())
    marks = heard(store)
    failures: list[Exception] = []
    for campaign in record.campaigns(store, survey):
        if left() < MARGIN_S:
            break
        try:
            contract = definitions.current(campaign.survey)
            closed = definitions.publication(campaign.survey).closed_at
            open_now = closed is None or closed > clock()
            asked = by_hand is not None and by_hand in ("", campaign.id)
            done.add(_campaign(sendings, campaign, contract, memory, marks, open_now, asked))
            if left() > MARGIN_S:
                done.landed += land(store, key, campaign, definitions.versions(campaign.survey))
        except Exception as failure:  # one bad campaign must not keep the others waiting
            failures.append(failure)
    if failures:
        raise ExceptionGroup("some campaigns could not be done", failures)
    return done


def _campaign(
    with_: Sendings,
    campaign: Campaign,
    contract: Contract,
    memory: _Memory,
    marks: dict[str, list[Heard]],
    open_now: bool,
    by_hand: bool,
) -> Counter[str]:
    counts: Counter[str] = Counter()
    seen = memory.shards
    tags = record.shard_keys(with_.store, campaign)
    now = with_.clock()
    for shard, tag in tags.items():
        if shard not in seen or seen[shard].tag != tag:
            seen[shard] = _looked(campaign, record.read(with_.store, shard), now)
    waiting = {link for shard in tags for link in seen[shard].waiting}
    answers: dict[str, int] = {}
    if by_hand or now >= memory.looking.get(campaign.name, 0):
        answers, next_look = answered(with_.store, contract, waiting, now)
        memory.looking[campaign.name] = next_look
    for shard in tags:
        mine = marks.get(shard, [])
        is_due = seen[shard].at <= now or by_hand
        if not (mine or is_due or answers.keys() & seen[shard].waiting):
            continue
        if with_.left() < MARGIN_S:
            memory.looking.pop(campaign.name, None)  # answers to the rest are still to be told
            break
        steps = learn(with_.store, campaign, shard, mine, answers, with_.channels, now)
        counts.update(step.kind for step in steps)
        with_.store.delete(mark.mark for mark in mine)
        if (
            is_due
            and open_now
            and awake(campaign, with_.clock(), contract.timezone) <= with_.clock()
        ):
            counts += send(with_, campaign, shard, by_hand=by_hand)
        seen[shard] = _looked(campaign, record.read(with_.store, shard), now)
    return counts


def _looked(campaign: Campaign, shard: Shard, now: int) -> _Seen:
    at = min((upcoming(campaign, e)[1] for e in shard.invitations.values()), default=math.inf)
    waiting = frozenset(
        each.link
        for each in shard.invitations.values()
        if "answered" not in {step.kind for step in each.steps}
        and now < (deadline(campaign, each) or now) + LATE_MS
    )
    return _Seen(shard.tag, at, waiting)
