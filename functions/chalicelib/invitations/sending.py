"""Sending what is due, a few at a time, so that little is ever in doubt.

For each few: the intent is put on record, on the condition that nobody changed the shard; then it
is asked once more who opted out or answered; then they are sent, channels side by side; and what
came of it goes on record together with the next intents. Cut off anywhere, these few are in doubt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeAlias

from .. import claims
from ..channels import Channel, Message, Unavailable, Undeliverable
from ..storage import Stale, Store
from ..survey import EchoformError
from . import codes, contact_rule, record
from .contact_rule import OptOuts
from .due import LEASE_MS, UNKNOWN, due
from .invitation import INTENTS, Campaign, Invitation, Kind, Step

AT_ONCE = 8
FEW = 16
"""In flight, and so in doubt, at most."""
LAST_S = 10.0
MARGIN_S = 20.0
"""What is begun must be on record before the time is over."""

Write: TypeAlias = Callable[[Campaign, Invitation, str, str, str], Message]
"""A message: of a campaign's invitation, its kind, the personal code, and where it is on record."""

_MESSAGES: dict[Kind, str] = {
    "sending": "invitation",
    "noticing": "notice",
    "reminding": "reminder",
}
_REFUSED: dict[str, Kind] = {"opted_out": "opted_out", "asked": "excluded"}
_NOTE = 200
_DONE: dict[Kind, Kind] = {"sending": "sent", "noticing": "noticed", "reminding": "reminded"}


class Sendings(NamedTuple):
    """What is needed to send."""

    store: Store
    key: bytes
    channels: Mapping[str, Channel]
    write: Write
    clock: Callable[[], int]
    left: Callable[[], float]
    opt_outs: OptOuts


class _Going(NamedTuple):
    survey: str
    invitation: Invitation
    intent: Kind
    message: Message


def send(with_: Sendings, campaign: Campaign, shard: str, *, by_hand: bool = False) -> Counter[str]:
    """Send what is due in a shard until nothing is, or the time is over; counts by step.

    ``by_hand``: reminders that somebody asks for now.
    """
    counts: Counter[str] = Counter()
    known: dict[str, Step | None] = {}
    ours: set[str] = set()
    shut: set[str] = set()
    unwritten: set[str] = set()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while True:
            found = record.read(with_.store, shard)
            there = _with(found.invitations, known)
            now = with_.clock()
            ready = [
                (each, kind)
                for each in there.values()
                if each.channel in with_.channels
                and each.channel not in shut
                and (kind := due(campaign, each, now, by_hand=by_hand)) in INTENTS
                and each.id not in unwritten
                and with_.left() > MARGIN_S
            ]
            asking = [each for each, kind in ready if kind != "reminding" and each.id not in ours]
            refused = _claim(with_, campaign, asking, now)
            ours |= {each.id for each in asking} - refused.keys()
            going: list[_Going] = []
            for each, kind in ready:
                if each.id not in refused and len(going) < FEW:
                    try:
                        message = _message(with_, campaign, shard, each, kind)
                    except EchoformError:  # no template, or a field that no address may have
                        unwritten.add(each.id)
                        continue
                    going.append(_Going(campaign.survey, each, kind, message))
            if not (known or refused or going):
                counts["unwritten"] += len(unwritten)
                return +counts
            intents = {g.invitation.id: Step(g.intent, now) for g in going}
            try:
                record.replace(with_.store, found, _with(there, {**refused, **intents}))
            except Stale:
                continue
            counts.update(s.kind for s in [*known.values(), *refused.values()] if s is not None)
            known = _sent(with_, going, pool)
            shut |= {g.invitation.channel for g in going if known[g.invitation.id] is None}


def _with(
    there: Mapping[str, Invitation], steps: Mapping[str, Step | None]
) -> dict[str, Invitation]:
    """The same with a step more; None takes the last intent back."""
    made = dict(there)
    for name, step in steps.items():
        old = made.get(name)
        if old is not None:
            made[name] = old.unsent() if step is None else old.then(step.kind, step.at, step.note)
    return made


def _claim(
    with_: Sendings, campaign: Campaign, asking: Sequence[Invitation], now: int
) -> dict[str, Step]:
    """Claim these people; what becomes of those that may not be written to."""
    if not asking:
        return {}
    people = {e.id: contact_rule.person(with_.key, e.customer, e.to) for e in asking}
    days = campaign.contact_rule_days
    refused = contact_rule.claim(with_.store, people, days, now)
    return {name: Step(_REFUSED[why], now, why) for name, why in refused.items()}


def _sent(
    with_: Sendings, going: Sequence[_Going], pool: ThreadPoolExecutor
) -> dict[str, Step | None]:
    """What came of each; None where its channel took nothing."""
    out = with_.opt_outs.refresh() if going else {}

    begun = with_.clock()

    def one(going: _Going) -> Step | None:
        it, survey = going.invitation, going.survey
        if any(each in out for each in contact_rule.person(with_.key, it.customer, it.to)):
            return Step("opted_out", with_.clock())
        if going.intent == "reminding" and claims.held(with_.store, survey, it.link):
            return Step("answered", with_.clock())
        if with_.left() < LAST_S or with_.clock() - begun > LEASE_MS / 2:
            return None  # another may soon take it for cut off
        channel = with_.channels[it.channel]
        try:
            provided = channel.send(going.message)
        except Undeliverable as refused:
            kind: Kind = "failed" if going.intent == "sending" else "bounced"
            return Step(kind, with_.clock(), str(refused)[:_NOTE])
        except Unavailable:
            return None
        except Exception as unknown:  # whether it went out, nobody knows
            kind = going.intent if channel.repeatable else UNKNOWN[going.intent]
            return Step(kind, with_.clock(), type(unknown).__name__)
        return Step(_DONE[going.intent], with_.clock(), provided[:_NOTE])

    def in_turn(lane: Sequence[_Going]) -> dict[str, Step | None]:
        return {each.invitation.id: one(each) for each in lane}

    lanes = [lane for kind in with_.channels for lane in _lanes(with_, going, kind)]
    return {name: step for some in pool.map(in_turn, lanes) for name, step in some.items()}


def _lanes(with_: Sendings, going: Sequence[_Going], kind: str) -> list[Sequence[_Going]]:
    """A channel's messages, dealt to as many callers as it may have."""
    mine = [each for each in going if each.invitation.channel == kind]
    callers = min(with_.channels[kind].at_once, len(mine))
    return [mine[first::callers] for first in range(callers)]


def _message(
    with_: Sendings, campaign: Campaign, shard: str, invitation: Invitation, intent: Kind
) -> Message:
    code = codes.code(with_.key, campaign.nonce, invitation.id)
    place = record.where(campaign, shard, invitation.id)
    return with_.write(campaign, invitation, _MESSAGES[intent], code, place)
