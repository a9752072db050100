"""What is learnt of invitations from elsewhere: opened, answered, delivered, bounced, opted out.

Whoever learns a step leaves a mark under ``heard/``, created once: no customer waits for a shard.
The job puts marks on record and takes them away. Answers need no mark: a claim says it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

import msgspec

from .. import claims, days, keys
from ..channels import Channel
from ..storage import Exists, Missing, Store
from ..survey import Contract, ids
from . import record
from .due import settled
from .invitation import Campaign, Invitation, Kind, Step

ONCE: frozenset[Kind] = frozenset(["opened", "delivered", "bounced", "answered", "opted_out"])

CLAIMS_A_MINUTE = 10_000
"""Looked through on average, at most. S3 lists a thousand at the price of a put: a survey with a
million claims would else cost more to watch than to answer. Reminders ask each claim by itself."""
MINUTE_MS = 60_000


class Heard(NamedTuple):
    """A mark, and what it says of which invitation."""

    mark: str
    invitation: str
    step: Step


def hear(store: Store, survey: str, invitation: str, step: Step) -> None:
    """Mark a step of an invitation, which is named as its link names it."""
    with suppress(Exists):
        store.create(keys.heard(survey, invitation, step.kind), msgspec.json.encode(step))


def heard(store: Store) -> dict[str, list[Heard]]:
    """The marks, by the key of the shard they are for."""
    found: dict[str, list[Heard]] = defaultdict(list)
    for entry in store.list(keys.HEARD):
        place, _, rest = entry.key.removeprefix(keys.HEARD).rpartition("/")
        with suppress(Missing):
            step = msgspec.json.decode(store.get(entry.key).data, type=Step)
            name = rest.partition(".")[0]
            found[f"{keys.CAMPAIGNS}{place}.json"].append(Heard(entry.key, name, step))
    return dict(found)


def answered(
    store: Store, contract: Contract, waiting: Collection[str], now: int
) -> tuple[dict[str, int], int]:
    """When the links among these that have an answer were answered; and the next moment to look.

    Of an anonymous survey only the day on which we learnt of it: nothing more precise is kept that
    could be laid beside the answers.
    """
    if not waiting:
        return {}, now
    listed = store.list(f"{keys.CLAIMS}{contract.id}/")
    names = [entry.key.rpartition("/")[2].removesuffix(".json") for entry in listed]
    found: dict[str, int] = {}
    for name in names:
        if name in waiting and (claim := claims.held(store, contract.id, name)):
            at = ids.time_of(claim.id) if claim.id else days.start(now, contract.timezone)
            found[name] = at
    return found, now + len(names) // CLAIMS_A_MINUTE * MINUTE_MS


def learn(
    store: Store,
    campaign: Campaign,
    shard: str,
    marks: Iterable[Heard],
    answers: Mapping[str, int],
    channels: Mapping[str, Channel],
    now: int,
) -> list[Step]:
    """Put on record what was heard and what has passed; the steps that are new."""
    told: dict[str, list[Step]] = defaultdict(list)
    for mark in marks:
        told[mark.invitation].append(mark.step)

    def act(there: dict[str, Invitation]) -> dict[str, Invitation]:
        made = {}
        for name, old in there.items():
            new = old
            known = {step.kind for step in old.steps}
            if old.link in answers and "answered" not in known:
                new = new.then("answered", answers[old.link])
            for step in told.get(name, []):
                if step.kind not in ONCE or step.kind not in known:
                    new = new.then(step.kind, step.at, step.note)
                    known.add(step.kind)
            channel = channels.get(new.channel)
            repeatable = channel is not None and channel.repeatable
            new = settled(campaign, new, now, repeatable=repeatable) or new
            if new is not old:
                made[name] = new
        return made

    before = record.change(store, shard, act).invitations
    after = act(before)
    return [s for name, new in after.items() for s in new.steps[len(before[name].steps) :]]
