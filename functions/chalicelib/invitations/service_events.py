"""A service was completed: a signed message from a ticket system plans an invitation.

The same event again plans nothing twice: the invitation's id is made of the event's, and says where
it would lie. Invitations of a month form a standing campaign, so that rates have their months.

The body is signed with a secret both sides have: ``Echoform-Signature: t=<seconds>,v1=<hex>``, the
HMAC-SHA256 of ``<seconds>.<body>``. A signature is good for five minutes.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from .. import columns, days
from ..collecting import JSON, Reply
from ..days import DAY_MS
from ..published import Definitions
from ..storage import Missing, Store
from ..survey import Contract
from . import contact_rule, record
from .codes import invitation_id
from .due import awake
from .invitation import Campaign, Invitation

LARGEST = 16 * 1024
WINDOW_S = 5 * 60
OLDEST_MS = 31 * DAY_MS
"""A service completed before that is not asked about any more."""
_HOUR_MS = 60 * 60 * 1000
_SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")
_SHORT = Annotated[str, Meta(max_length=320)]
_EMAIL = re.compile(r"[^@\s\x00-\x1f<>]+@[^@\s\x00-\x1f<>]+\.[^@\s\x00-\x1f<>]+")
_SMS = re.compile(r"\+?[0-9][0-9 ().-]{4,24}")
_ADDRESSES = {"email": _EMAIL, "sms": _SMS}
_ANY = re.compile(r"[^\x00-\x1f\s]+")

REFUSED = {
    "malformed": (400, "The body is not the JSON of an event"),
    "unsigned": (401, "The signature is missing, wrong or older than five minutes"),
    "not_found": (
        404,
        "service_events of site.yaml does not name this survey",
    ),
    "conflict": (409, "Another event had this id"),
    "gone": (410, "The survey is closed"),
    "too_large": (413, "The body is too large"),
    "problems": (422, "Something in the event is wrong"),
}


class ServiceEvents(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What ``service_events`` of ``site.yaml`` says of a survey."""

    after_hours: Annotated[int, Meta(ge=0, le=24 * 30)] = 24
    """Between the service and the invitation."""
    channels: tuple[str, ...] = ("email", "sms", "wechat")
    """In this order; the first of which the event has an address."""
    answer_within_days: Annotated[int, Meta(ge=1, le=366)] = 14
    reminders: Annotated[int, Meta(ge=0, le=2)] = 0
    remind_after_days: Annotated[int, Meta(ge=1, le=60)] = 3
    contact_rule_days: Annotated[int, Meta(ge=0, le=366)] = contact_rule.DAYS
    quiet: tuple[str, str] = ("21:00", "09:00")


class Event(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: Annotated[str, Meta(min_length=1, max_length=200)]
    survey: str
    completed_at: str
    """As in ``2026-05-17T12:00:00+08:00``."""
    customer: _SHORT = ""
    language: str = ""
    addresses: dict[str, _SHORT]
    """By channel."""
    attributes: dict[str, _SHORT] = {}
    fields: dict[str, _SHORT] = {}


_EVENT = msgspec.json.Decoder(Event)


def signature(secret: bytes, at_s: int, body: bytes) -> str:
    """The header's value, for whoever sends."""
    return f"t={at_s},v1={hmac.digest(secret, b'%d.' % at_s + body, 'sha256').hex()}"


def completed(
    store: Store,
    key: bytes,
    secret: bytes,
    known: Mapping[str, ServiceEvents],
    definitions: Definitions,
    headers: Mapping[str, str],
    body: bytes,
    now: int,
) -> Reply:
    """Plan an invitation for the event in a body; ``headers`` have lower-case names."""
    if len(body) > LARGEST:
        return _refused("too_large")
    if not secret or not _is_signed(secret, headers.get("echoform-signature", ""), body, now):
        return _refused("unsigned")
    try:
        event = _EVENT.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as wrong:
        if isinstance(wrong, msgspec.ValidationError):
            return _refused("problems", {"": str(wrong)})
        return _refused("malformed")
    wanted = known.get(event.survey)
    if wanted is None:
        return _refused("not_found")
    try:
        contract = definitions.current(event.survey)
        closed = definitions.publication(event.survey).closed_at
    except Missing:
        return _refused("not_found")
    if closed is not None and closed <= now:
        return _refused("gone")
    at, problems = _checked(event, contract, wanted, now)
    if problems:
        return _refused("problems", problems)
    return _planned(store, key, wanted, contract, event, at, now)


def _planned(
    store: Store,
    key: bytes,
    wanted: ServiceEvents,
    contract: Contract,
    event: Event,
    at: int,
    now: int,
) -> Reply:
    campaign = record.stand(store, _campaign(key, wanted, contract, at, now))
    send_at = awake(campaign, max(now, at + wanted.after_hours * _HOUR_MS), contract.timezone)
    channel = next(each for each in wanted.channels if event.addresses.get(each))
    invitation = Invitation(
        id=invitation_id(key, f"{contract.id}/service", event.id),
        channel=channel,
        to=event.addresses[channel],
        language=event.language or contract.languages[0],
        send_at=send_at,
        customer=event.customer,
        attributes={**event.attributes, **_customer(contract, event)},
        fields=event.fields,
        deadline=send_at + wanted.answer_within_days * DAY_MS,
    )
    there = record.find(store, campaign, invitation.id)
    if there is None:
        people = contact_rule.person(key, event.customer, *event.addresses.values())
        told = contact_rule.look_up(store, people)
        why = contact_rule.forbids(told, people, invitation.id, campaign.contact_rule_days, now)
        if why:
            return _told(200, {"status": "excluded", "reason": why})
        if record.add(store, key, campaign, invitation):
            return _told(202, _said("planned", invitation))
        there = record.find(store, campaign, invitation.id)
    if there is not None and _content(there) != _content(invitation):
        return _refused("conflict")
    return _told(200, _said("replayed", there or invitation))


def _campaign(key: bytes, wanted: ServiceEvents, contract: Contract, at: int, now: int) -> Campaign:
    """The standing campaign of the month of a service, whoever makes it first."""
    month = days.day(at, contract.timezone)[:7]
    said = f"service {contract.id} {month}".encode()
    return Campaign(
        id=f"service-{month}",
        survey=contract.id,
        planned_at=now,
        send_at=now,
        nonce=hmac.digest(key, said, "sha256").hex()[:32],
        remind_after_days=wanted.remind_after_days,
        reminders=wanted.reminders,
        contact_rule_days=wanted.contact_rule_days,
        quiet=wanted.quiet,
        standing=True,
    )


def _checked(
    event: Event, contract: Contract, wanted: ServiceEvents, now: int
) -> tuple[int, dict[str, str]]:
    """When it was completed, and what is wrong by field."""
    wrong: dict[str, str] = {}
    at = 0
    try:
        moment = datetime.fromisoformat(event.completed_at)
        if moment.tzinfo is None:
            raise ValueError
        at = int(moment.timestamp() * 1000)
        if not -_HOUR_MS <= now - at <= OLDEST_MS:
            wrong["completed_at"] = "more than a month ago, or in the future"
    except (ValueError, OverflowError):
        wrong["completed_at"] = "not a moment with its time zone, as 2026-05-17T12:00:00+08:00"
    if event.language and event.language not in contract.languages:
        wrong["language"] = f"the survey is in {', '.join(contract.languages)}"
    for name in event.attributes:
        if name not in columns.attributes(contract):
            wrong[f"attributes.{name}"] = "the survey declares no such attribute"
    usable = [each for each in wanted.channels if event.addresses.get(each)]
    if not usable:
        wrong["addresses"] = f"none of {', '.join(wanted.channels)}"
    elif not _ADDRESSES.get(usable[0], _ANY).fullmatch(event.addresses[usable[0]]):
        wrong[f"addresses.{usable[0]}"] = "not an address"
    return at, wrong


def _customer(contract: Contract, event: Event) -> dict[str, str]:
    declared = columns.CUSTOMER in columns.attributes(contract) and event.customer
    return {columns.CUSTOMER: event.customer} if declared else {}


def _content(invitation: Invitation) -> str:
    told = [invitation.customer, invitation.to, sorted(invitation.attributes.items())]
    return sha256(msgspec.json.encode(told)).hexdigest()


def _is_signed(secret: bytes, header: str, body: bytes, now: int) -> bool:
    found = _SIGNATURE.fullmatch(header.strip())
    if not found or abs(now // 1000 - int(found[1])) > WINDOW_S:
        return False
    return hmac.compare_digest(signature(secret, int(found[1]), body), found[0])


def _said(status: str, invitation: Invitation) -> dict[str, str | int]:
    return {"status": status, "invitation": invitation.id, "send_at": invitation.send_at}


def _told(status: int, said: Mapping[str, object]) -> Reply:
    return Reply(status, msgspec.json.encode(said), {"Content-Type": JSON})


def _refused(code: str, problems: Mapping[str, str] | None = None) -> Reply:
    status, message = REFUSED[code]
    told = [{"field": name, "message": what} for name, what in (problems or {}).items()]
    body = {"error": code, "message": message, "problems": told}
    return Reply(status, msgspec.json.encode(body), {"Content-Type": JSON}, code)
