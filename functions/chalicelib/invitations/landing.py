"""Invitations as a table: a row each, so that response rates are a query.

One file for a campaign, under the day it was planned, written again when its shards changed and
named by their tags. Nobody can be found in it: the customer is the same pseudonym as in
``responses``, the address is not there at all. Of an anonymous survey the customer is not either,
and attributes are the same pseudonyms as beside its answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256

from .. import columns, days, keys, parquet
from ..columns import CUSTOMER, Column, blinded, pseudonym
from ..storage import Exists, Missing, Stale, Store
from ..survey import Contract
from ..survey.responding import DISPOSITIONS
from . import record
from .invitation import OVER, Campaign, Invitation, Kind

_TIMES: dict[str, Kind] = {
    "noticed_at": "noticed",
    "sent_at": "sent",
    "delivered_at": "delivered",
    "opened_at": "opened",
    "answered_at": "answered",
    "bounced_at": "bounced",
    "opted_out_at": "opted_out",
    "expired_at": "expired",
}
BEFORE = tuple(
    Column(name, "string")
    for name in ("campaign", "invitation", "link", "channel", "language", "stratum")
)
AFTER = (
    Column("planned_at", "timestamp"),
    Column("send_at", "timestamp"),
    *(Column(name, "timestamp") for name in _TIMES),
    Column("reminders", "int32"),
    Column("reminded_at", "timestamp"),
    Column("state", "string"),
    Column("disposition", "string"),
)


def table(contracts: Iterable[Contract]) -> tuple[Column, ...]:
    """The columns of a survey's invitations, over all its versions."""
    known = [name for contract in contracts for name in columns.attributes(contract)]
    fixed = {column.name for column in (*BEFORE, *AFTER)}
    named = [Column(name, "string") for name in dict.fromkeys(known) if name not in fixed]
    return (*BEFORE, *named, *AFTER)


def land(store: Store, key: bytes, campaign: Campaign, versions: Sequence[Contract]) -> bool:
    """Write the file of a campaign if it is not what is on record; says whether it did."""
    tags = record.shard_keys(store, campaign)
    digest = sha256("".join([*tags, *tags.values()]).encode()).hexdigest()[:32]
    place = of(campaign, versions[-1])
    tag = ""
    with suppress(Missing):
        stored = store.get(place)
        if parquet.notes(stored.data).get("shards") == digest:
            return False
        tag = stored.tag
    every = [e for shard in record.shards(store, campaign) for e in shard.invitations.values()]
    rows = parquet.table(table(versions), _cells(key, campaign, versions[-1], every))
    data = parquet.encode(rows, {"shards": digest})
    with suppress(Stale, Exists):  # another run was first; the next sees what is left
        store.replace(place, data, tag) if tag else store.create(place, data)
    return True


def of(campaign: Campaign, contract: Contract) -> str:
    """The key of a campaign's file."""
    day = days.day(campaign.planned_at, contract.timezone)
    return keys.invitations(campaign.survey, campaign.id, day)


def disposition(invitation: Invitation) -> str:
    """How it ended, to AAPOR; ``pending`` while it may still end otherwise."""
    kinds = {step.kind for step in invitation.steps}
    state = invitation.state
    if state != "expired":
        under_way = state not in OVER and state != "uncertain"
        return "pending" if under_way else DISPOSITIONS[state]
    for reached in ("opened", "delivered", "sent"):
        if reached in kinds:
            return DISPOSITIONS[reached]
    return "unknown"


def _cells(
    key: bytes, campaign: Campaign, contract: Contract, every: Sequence[Invitation]
) -> dict[str, list[object]]:
    known = columns.attributes(contract)
    cells: dict[str, list[object]] = {
        "campaign": [campaign.id] * len(every),
        "invitation": [each.id for each in every],
        "planned_at": [campaign.planned_at] * len(every),
        "reminders": [len(each.times("reminded")) for each in every],
        "reminded_at": [max(each.times("reminded"), default=None) for each in every],
        "disposition": [disposition(each) for each in every],
    }
    for name in ("link", "channel", "language", "stratum", "send_at", "state"):
        cells[name] = [getattr(each, name) or None for each in every]
    for name, kind in _TIMES.items():
        cells[name] = [each.at(kind) for each in every]
    fixed = {column.name for column in (*BEFORE, *AFTER)}
    for name in set(known) - fixed - {CUSTOMER}:
        cells[name] = [_told(contract, name, each.attributes, key) for each in every]
    if CUSTOMER in known:
        named = [each.customer or each.attributes.get(CUSTOMER, "") for each in every]
        cells[CUSTOMER] = [pseudonym(one, key) if one else None for one in named]
    return cells


def _told(contract: Contract, name: str, told: Mapping[str, str], key: bytes) -> str | None:
    value = told.get(name)
    return blinded(name, value, key) if value and contract.anonymous else value or None
