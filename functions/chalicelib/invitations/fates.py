"""What providers tell of messages, put on record: delivered, bounced, complained of.

A message's key names its invitation; where a provider does not tell it back (text messages), the
provider's own id is looked for on record. A bounce ends an invitation only where the address is at
fault; whoever complains has opted out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import suppress
from typing import NamedTuple

from .. import keys
from ..channels.notices import Notice, read
from ..days import DAY_MS
from ..storage import Missing, Store
from . import contact_rule, record
from .invitation import Kind, Step
from .learning import hear

_KEY = re.compile(r"([a-z][a-z0-9-]*)_([a-z0-9-]+)_([0-9a-f]{8}-\d{4,})_([0-9a-f]{32})_([a-z]+)-\d")
"""As ``writing.message_key`` makes it."""
_SENT = frozenset({"sent", "noticed", "reminded"})
_LOOKED_BACK_MS = 60 * DAY_MS
"""Providers tell within days; a campaign's last reminder is not later than this."""


class _Place(NamedTuple):
    survey: str
    campaign: str
    shard: str
    invitation: str
    kind: str
    """Of the message."""


def learn_fates(store: Store, key: bytes, bodies: Iterable[str], now: int) -> Counter[str]:
    """Put on record what these messages of a queue tell; counts by what became of invitations."""
    counts: Counter[str] = Counter()
    told: list[Notice] = []
    for body in bodies:
        try:
            told += read(body)
        except ValueError:
            counts["unread"] += 1
    places = _by_id(store, {each.provider_id for each in told if not each.key}, now)
    for notice in told:
        found = _KEY.fullmatch(notice.key)
        place = _Place(*found.groups()) if found else places.get(notice.provider_id)
        step = _step(notice)
        if place is None or step is None or (place.kind, step.kind) == ("notice", "delivered"):
            counts["passed_over"] += 1
            continue
        if step.kind == "opted_out":
            _opt_out(store, key, place, now)
        named = "/".join(place[1:4])
        hear(store, place.survey, named, step)
        counts[step.kind] += 1
    return counts


def _step(notice: Notice) -> Step | None:
    kinds: dict[str, Kind] = {"delivered": "delivered", "complained": "opted_out"}
    if notice.fate == "bounced":
        return Step("bounced", notice.at) if notice.permanent else None
    note = "complaint" if notice.fate == "complained" else ""
    return Step(kinds[notice.fate], notice.at, note)


def _opt_out(store: Store, key: bytes, place: _Place, now: int) -> None:
    shard = f"{keys.CAMPAIGNS}{place.survey}/{place.campaign}/{place.shard}.json"
    with suppress(Missing):  # erased meanwhile: then nobody writes to them anyway
        each = record.read(store, shard).invitations.get(place.invitation)
        if each is not None:
            contact_rule.opt_out(store, contact_rule.person(key, each.customer, each.to), now)


def _by_id(store: Store, wanted: Collection[str], now: int) -> dict[str, _Place]:
    """Whose messages have these ids of their providers; records are read only where one is asked
    for."""
    found: dict[str, _Place] = {}
    for campaign in record.campaigns(store) if wanted else ():
        end = max(campaign.planned_at, campaign.send_at, campaign.deadline or 0)
        if not campaign.standing and end + _LOOKED_BACK_MS < now:
            continue
        for shard in record.shards(store, campaign):
            for each in shard.invitations.values():
                for step in each.steps:
                    if step.kind in _SENT and step.note in wanted:
                        kind = "notice" if step.kind == "noticed" else "invitation"
                        where = record.where(campaign, shard.key, each.id).split("/")
                        found[step.note] = _Place._make([campaign.survey, *where, kind])
    return found
