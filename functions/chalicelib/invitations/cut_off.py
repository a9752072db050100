"""Plannings that were cut off: what they left goes, a day later.

Whoever plans leaves a mark until the campaign is on record. Of a mark that is old, either the
campaign is there (then only the mark was left over), or nobody will ever finish it: its shards name
the links that were made, and both go. A planning under way is younger than that.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress

import msgspec

from .. import keys, links
from ..days import DAY_MS
from ..storage import Missing, Store
from . import record
from .invitation import Campaign


def clear(store: Store, now: int) -> int:
    """Take away what old plannings left; how many were cut off."""
    count = 0
    for entry in store.list(keys.PLANNING):
        with suppress(Missing):  # it ended since it was listed
            campaign = msgspec.json.decode(store.get(entry.key).data, type=Campaign)
            if campaign.planned_at > now - DAY_MS:
                continue
            if not _is_there(store, campaign):
                _clear(store, campaign)
                count += 1
            store.delete([entry.key])
    return count


def _clear(store: Store, campaign: Campaign) -> None:
    for key in record.shard_keys(store, campaign):
        made: dict[str, set[str]] = defaultdict(set)
        for each in record.read(store, key).invitations.values():
            made[keys.links(each.link)].add(each.link)
        for shard, names in made.items():
            links.remove(store, shard, names)
        store.delete([key])


def _is_there(store: Store, campaign: Campaign) -> bool:
    """Whether it was this planning that came to its end: another of its name has another nonce."""
    try:
        return record.read_campaign(store, campaign.survey, campaign.id).nonce == campaign.nonce
    except Missing:
        return False
