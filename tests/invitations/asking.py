"""Campaigns for tests: a survey that is live, customers by number, and a channel that remembers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import Any

from chalicelib.channels import Channel, Message
from chalicelib.days import DAY_MS
from chalicelib.invitations import codes, record
from chalicelib.invitations.invitation import Campaign, Invitation
from chalicelib.jobs.invite import Invited, invite
from chalicelib.published import publish
from chalicelib.running import endless
from chalicelib.storage import Store
from tests.surveys import after_sales

KEY = b"a secret of tests"
NOON = 1_780_286_400_000
"""12:00 in Shanghai on 1 June 2026."""
SURVEY = after_sales()


class Memory:
    """A channel that keeps what it was given; ``fails`` may raise instead."""

    def __init__(self, repeatable: bool = False) -> None:
        self.repeatable = repeatable
        self.at_once = 1
        self.taken: list[Message] = []
        self.fails: Callable[[Message], None] = lambda message: None
        self._lock = Lock()

    def send(self, message: Message) -> str:
        self.fails(message)
        with self._lock:
            self.taken.append(message)
        return f"id-{message.key}"

    @property
    def to(self) -> Counter[str]:
        return Counter(message.to for message in self.taken)


def write(campaign: Campaign, each: Invitation, kind: str, code: str, place: str) -> Message:
    number = len(each.times("reminded"))
    return Message(key=f"{place.replace('/', '.')}.{kind}-{number}", to=each.to, text=code)


def plan(store: Store, customers: Iterable[int] = range(3), **told: Any) -> Campaign:
    """A live survey and a campaign of these customers, due at NOON."""
    publish(store, SURVEY, NOON)
    more = {
        "id": "june",
        "survey": SURVEY.id,
        "planned_at": NOON,
        "send_at": NOON,
        "nonce": codes.nonce(),
        "deadline": NOON + 14 * DAY_MS,
    }
    campaign = Campaign(**{**more, **told})
    made = [
        Invitation(
            id=codes.invitation_id(KEY, campaign.name, f"C{number}"),
            customer=f"C{number}",
            channel="email",
            to=f"c{number}@example.com",
            language="en",
            send_at=campaign.send_at,
            attributes={"customer": f"C{number}", "tier": "VIP" if number % 3 else "plain"},
        )
        for number in customers
    ]
    record.create(store, KEY, campaign, made)
    return campaign


def run(store: Store, channel: Channel, at: int = NOON, **more: Any) -> Invited:
    channels: Mapping[str, Channel] = {"email": channel}
    return invite(store, KEY, lambda: at, endless, dict(channels), write=write, **more)


def states(store: Store, campaign: Campaign) -> Counter[str]:
    return Counter(
        each.state
        for shard in record.shards(store, campaign)
        for each in shard.invitations.values()
    )
