"""The record of invitations: what was planned, and every step of each since.

A campaign lies in shards of a few hundred invitations. A shard is replaced only as it was read, so
that of two senders at work each invitation is one's. ``campaign.json`` is put last: before it there
is no campaign, and a planning that was cut off is simply done again, under a nonce of its own (what
it left goes a day later: ``cut_off``).

This is personal data: it lies under ``campaigns/`` and in ``outbox/``, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

import msgspec
from msgspec.structs import replace as changed

from .. import keys, links
from ..links import Link
from ..storage import Exists, Missing, Stale, Store
from ..survey import EchoformError
from . import codes, contact_rule
from .invitation import Campaign, Invitation, deadline

SHARD = 500
"""Invitations in a shard."""
_AT_ONCE = 8
_LINKED = 20 * SHARD
"""Links put at a time: each of their own shards is then written once."""


class Shard(NamedTuple):
    """Some invitations of a campaign, as they were when they were read."""

    key: str
    tag: str
    invitations: dict[str, Invitation]


class Planned(EchoformError):
    """A campaign of that name is there already."""


_CAMPAIGN = msgspec.json.Decoder(Campaign)
_SHARD = msgspec.json.Decoder(dict[str, Invitation])


def create(store: Store, key: bytes, campaign: Campaign, invitations: Iterable[Invitation]) -> int:
    """Put a campaign on record, with the links of its invitations; how many there are.

    Twice the same id is one invitation. ``key`` is the site's secret. Raises Planned.
    """
    name = keys.campaign(campaign.survey, campaign.id)
    with suppress(Missing):
        store.get(name)
        raise Planned(f"campaign {campaign.id} of {campaign.survey} is planned already")
    mark = keys.planning(campaign.survey, campaign.id, campaign.nonce[:8])
    bare = changed(campaign, where="", sample={}, frame={}, exclusions={})  # these tell of people
    with suppress(Exists):
        store.create(mark, msgspec.json.encode(bare))
    count = 0
    rest = _once(invitations)
    while several := list(islice(rest, _LINKED)):
        first = count // SHARD
        lots = {
            _shard_key(campaign, first + number): several[at : at + SHARD]
            for number, at in enumerate(range(0, len(several), SHARD))
        }
        made, known = _linked(key, campaign, lots)
        for place, lot in made.items():  # first, for they tell which links were made
            store.create(place, _encoded({each.id: each for each in lot}))
        links.add(store, known)
        count += len(several)
    try:
        store.create(name, msgspec.json.encode(campaign))
    except Exists:
        raise Planned(f"campaign {campaign.id} of {campaign.survey} is planned already") from None
    store.delete([mark])
    return count


def _once(invitations: Iterable[Invitation]) -> Iterator[Invitation]:
    """The first of each id; they are not all held, for there may be a million."""
    seen: set[str] = set()
    for each in invitations:
        if each.id not in seen:
            seen.add(each.id)
            yield each


def stand(store: Store, campaign: Campaign) -> Campaign:
    """A standing campaign: this one, or the one of its name that is there."""
    try:
        store.create(keys.campaign(campaign.survey, campaign.id), msgspec.json.encode(campaign))
    except Exists:
        return read_campaign(store, campaign.survey, campaign.id)
    return campaign


def add(store: Store, key: bytes, campaign: Campaign, invitation: Invitation) -> bool:
    """Add to a standing campaign; False where it is there already.

    The id says which shard, so that a twin meets it however late it comes.
    """
    name = _shard_key(campaign, int(invitation.id[:2], 16))
    lots, known = _linked(key, campaign, {name: [invitation]})
    (made,) = lots[name]
    links.add(store, known)
    with suppress(Exists):
        store.create(name, _encoded({made.id: made}))
        return True
    before = change(store, name, lambda there: {} if made.id in there else {made.id: made})
    return made.id not in before.invitations


def find(store: Store, campaign: Campaign, name: str) -> Invitation | None:
    """An invitation of a standing campaign."""
    try:
        return read(store, _shard_key(campaign, int(name[:2], 16))).invitations.get(name)
    except Missing:
        return None


def where(campaign: Campaign, shard: str, invitation: str) -> str:
    """Where an invitation is on record, for its link: ``campaign/shard/id``."""
    return f"{campaign.id}/{shard.rpartition('/')[2].removesuffix('.json')}/{invitation}"


def at(store: Store, survey: str, place: str) -> Invitation | None:
    """The invitation that a link names by ``where``; None where it is not on record any more."""
    campaign, _, rest = place.partition("/")
    shard, _, name = rest.partition("/")
    if not name:
        return None
    with suppress(Missing):
        key = f"{keys.CAMPAIGNS}{survey}/{campaign}/{shard}.json"
        return read(store, key).invitations.get(name)
    return None


def read_campaign(store: Store, survey: str, name: str) -> Campaign:
    """Raises Missing."""
    return _CAMPAIGN.decode(store.get(keys.campaign(survey, name)).data)


def campaigns(store: Store, survey: str | None = None) -> list[Campaign]:
    """Of a survey or of all, in order of planning."""
    prefix = keys.CAMPAIGNS if survey is None else f"{keys.CAMPAIGNS}{survey}/"
    names = [e.key for e in store.list(prefix) if e.key.endswith(keys.CAMPAIGN)]
    found = []
    for name in names:
        with suppress(Missing):
            found.append(_CAMPAIGN.decode(store.get(name).data))
    return sorted(found, key=lambda each: (each.planned_at, each.name))


def shard_keys(store: Store, campaign: Campaign) -> dict[str, str]:
    """The tags of a campaign's shards by their keys, in order."""
    start = _shard_start(campaign)
    listed = store.list(f"{keys.CAMPAIGNS}{campaign.survey}/{campaign.id}/")
    return {entry.key: entry.tag for entry in listed if entry.key.startswith(start)}


def shards(store: Store, campaign: Campaign) -> Iterator[Shard]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield from pool.map(lambda key: read(store, key), shard_keys(store, campaign))


def read(store: Store, key: str) -> Shard:
    """Raises Missing."""
    stored = store.get(key)
    return Shard(key, stored.tag, _SHARD.decode(stored.data))


def replace(store: Store, shard: Shard, invitations: Mapping[str, Invitation]) -> None:
    """Raises Stale where somebody changed the shard since it was read."""
    store.replace(shard.key, _encoded(invitations), shard.tag)


def change(
    store: Store, key: str, act: Callable[[dict[str, Invitation]], Mapping[str, Invitation]]
) -> Shard:
    """Put what ``act`` makes of some invitations of a shard; asked again where another was first.

    Returns the shard as ``act`` found it. Raises Missing.
    """
    while True:
        shard = read(store, key)
        made = act(shard.invitations)
        if not made:
            return shard
        with suppress(Stale):
            replace(store, shard, {**shard.invitations, **made})
            return shard


def remove(store: Store, key: str, names: Collection[str]) -> int:
    """Erase invitations of a shard; how many there were."""
    while True:
        try:
            shard = read(store, key)
        except Missing:
            return 0
        left = {name: each for name, each in shard.invitations.items() if name not in names}
        with suppress(Stale):
            if len(left) < len(shard.invitations):
                replace(store, shard, left)
            return len(shard.invitations) - len(left)


def _linked(
    key: bytes, campaign: Campaign, lots: Mapping[str, Sequence[Invitation]]
) -> tuple[dict[str, list[Invitation]], dict[str, Link]]:
    """The same, by the keys of their shards, with the hashes of their codes; and links by code."""
    made: dict[str, list[Invitation]] = {}
    known: dict[str, Link] = {}
    for place, lot in lots.items():
        made[place] = []
        for each in lot:
            code = codes.code(key, campaign.nonce, each.id)
            known[code] = Link(
                survey=campaign.survey,
                personal=True,
                attributes=each.attributes,
                expires_at=deadline(campaign, each),
                invitation=where(campaign, place, each.id),
                person=contact_rule.person(key, each.customer, each.to),
            )
            made[place].append(changed(each, link=links.hash_of(code)))
    return made, known


def _encoded(invitations: Mapping[str, Invitation]) -> bytes:
    return msgspec.json.encode(invitations)


def _shard_start(campaign: Campaign) -> str:
    return f"{keys.CAMPAIGNS}{campaign.survey}/{campaign.id}/{campaign.nonce[:8]}-"


def _shard_key(campaign: Campaign, number: int) -> str:
    return f"{_shard_start(campaign)}{number:04d}.json"
