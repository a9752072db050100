"""Asking the customer whether it helped: the link, the address and the message.

The link's code is made by the site's secret from the follow-up and the round, so whoever was cut
off sends the same link again, under the same key.
"""

from __future__ import annotations

from typing import NamedTuple

from .. import answered, links, messages
from ..answered import Answered
from ..channels import Message
from ..columns import CUSTOMER
from ..days import DAY_MS
from ..invitations import contact_rule, writing
from ..invitations import record as invitations
from ..links import Link
from ..published import Definitions
from ..site import read_site
from ..storage import Missing, Store
from ..survey import Contract, EchoformError
from .events import Item

OPEN_DAYS = 30
"""For so long after the last reminder an answer still counts."""


class Unverifiable(EchoformError):
    """The customer cannot be asked. ``reason`` is as in ``Verification.problem``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Asking(NamedTuple):
    """What goes out, and by which channel."""

    channel: str
    to: str
    language: str
    code: str
    survey: Contract
    link: Link


class _Way(NamedTuple):
    channel: str
    to: str
    language: str


def asking(store: Store, definitions: Definitions, key: bytes, item: Item) -> Asking:
    """Raises Unverifiable."""
    survey = _survey(definitions, item.verify_with)
    found = answered.find(store, definitions, item.survey, [item.response]).get(item.response)
    ways = _ways(store, definitions.current(item.survey), item, found) if found else []
    if found is None or not ways:
        raise Unverifiable("no_address")
    customer = found.contact.get(CUSTOMER) or ""
    person = contact_rule.person(key, customer, *dict.fromkeys(way.to for way in ways))
    if any(each.opted_out for each in contact_rule.look_up(store, person).values()):
        raise Unverifiable("opted_out")
    known = {**item.facts, **({CUSTOMER: customer} if customer else {})}
    link = Link(
        survey.id,
        personal=True,
        attributes={name: known[name] for name in survey.attributes if name in known},
        expires_at=(item.resolved_at or 0) + (2 * item.verify_days + OPEN_DAYS) * DAY_MS,
        verifies=item.id,
        person=person,
    )
    return Asking(*ways[0], code_of(key, item), survey, link)


def _ways(store: Store, contract: Contract, item: Item, found: Answered) -> list[_Way]:
    """What the customer left in the answer, best first; then the way they were invited by."""
    left = answered.addresses(contract, found.contact)
    ways = [_Way(channel, to, item.language) for channel, to in left]
    link = links.known(store, found.row["link"]) if found.row.get("link") else None
    invited = invitations.at(store, link.survey, link.invitation) if link else None
    if invited is not None:
        ways.append(_Way(invited.channel, invited.to, invited.language))
    return ways


def code_of(key: bytes, item: Item) -> str:
    """The code of this round's link."""
    return links.derived(key, f"verification {item.id} {item.reopened}")


def written(store: Store, item: Item, ask: Asking, step: str) -> Message:
    """Make the link good, and write the message. ``step`` is ``first`` or ``reminder``.

    Raises Unrendered.
    """
    links.add(store, {ask.code: ask.link})
    fields = {
        **writing.fields(read_site(store), ask.survey, ask.language, ask.code, ask.channel),
        "agent": item.agent,
        "team": item.team,
        "store": item.facts.get("store", ""),
    }
    rendered = messages.render(store, "verification", ask.channel, ask.language, fields)
    return rendered.message(f"verification-{item.id}-{item.reopened}-{step}", ask.to)


def _survey(definitions: Definitions, name: str) -> Contract:
    try:
        survey = definitions.current(name)
    except Missing:
        raise Unverifiable("no_survey") from None
    if survey.anonymous:  # its answers lead to no follow-up
        raise Unverifiable("no_survey")
    return survey
