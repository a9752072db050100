"""Asking the customer whether it helped: the link, the address and the message.

The link's code is made by the site's secret from the follow-up and the round, so whoever was cut
off sends the same link again, under the same key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .. import answered, links, messages
from ..channels import Channel
from ..columns import CUSTOMER
from ..invitations import contact_rule
from ..links import Link
from ..published import Definitions
from ..site import read_site
from ..storage import Missing, Store
from ..survey import Contract, EchoformError
from .events import DAY_MS, Item

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
    code: str
    survey: Contract
    link: Link


def asking(store: Store, definitions: Definitions, key: bytes, item: Item) -> Asking:
    """Raises Unverifiable."""
    survey = _survey(definitions, item.verify_with)
    found = answered.find(store, definitions, item.survey, [item.response]).get(item.response)
    contract = definitions.current(item.survey)
    ways = answered.addresses(contract, found.contact) if found else []
    if found is None or not ways:
        raise Unverifiable("no_address")
    customer = found.contact.get(CUSTOMER)
    person = contact_rule.person(key, customer or "", *(to for _, to in ways))
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


def code_of(key: bytes, item: Item) -> str:
    """The code of this round's link."""
    return links.derived(key, f"verification {item.id} {item.reopened}")


def send(store: Store, channels: Mapping[str, Channel], item: Item, ask: Asking, step: str) -> None:
    """Make the link good, and send it. ``step`` is ``first`` or ``reminder``.

    Raises Undeliverable, Unavailable, Unrendered.
    """
    links.add(store, {ask.code: ask.link})
    site = read_site(store)
    fields = {
        "link": links.url(site.url, ask.survey.id, ask.code),
        "opt_out": links.opt_out(site.url, ask.code),
        "survey": ask.survey.title.get(item.language) or next(iter(ask.survey.title.values())),
        "agent": item.agent,
        "team": item.team,
        "store": item.facts.get("store", ""),
    }
    written = messages.render(store, "verification", ask.channel, item.language, fields)
    key = f"verification-{item.id}-{item.reopened}-{step}"
    channels[ask.channel].send(written.message(key, ask.to))


def _survey(definitions: Definitions, name: str) -> Contract:
    try:
        survey = definitions.current(name)
    except Missing:
        raise Unverifiable("no_survey") from None
    if survey.anonymous:  # its answers lead to no follow-up
        raise Unverifiable("no_survey")
    return survey
