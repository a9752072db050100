"""Sending from the author's machine what is due of a campaign, watched while it goes out.

What sends is the job that the functions run every minute; done here, it does not wait for them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import chain

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from chalicelib import running
from chalicelib.channels import Channel, Message, Unavailable
from chalicelib.channels.opening import open_channels
from chalicelib.channels.outbox import Outbox
from chalicelib.invitations import record
from chalicelib.invitations.due import awake, upcoming
from chalicelib.invitations.invitation import INTENTS, Campaign, Invitation
from chalicelib.invitations.writing import writer
from chalicelib.jobs.invite import invite
from chalicelib.published import Definitions
from chalicelib.storage import Store
from chalicelib.survey import Contract, EchoformError
from generator.schedule import shown

CAME_OF_IT = {
    "noticed": "notices sent",
    "sent": "invitations sent",
    "reminded": "reminders sent",
    "failed": "addresses that take nothing",
    "excluded": "not sent: asked meanwhile by another campaign",
    "opted_out": "not sent: opted out meanwhile",
    "unwritten": "not sent: no message could be written (`echoform messages`)",
    "uncertain": "in doubt: cut off while they went out (`echoform campaigns`)",
}
"""What is said of each step that a sending puts on record."""


class Watched:
    """A channel of which somebody wants to know why it takes nothing."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.repeatable = channel.repeatable
        self.at_once = channel.at_once
        self.why = ""

    def send(self, message: Message) -> str:
        try:
            return self.channel.send(message)
        except Unavailable as why:
            self.why = str(why)
            raise


class Interrupted(EchoformError):
    """Somebody stopped it. What is on record is on record."""


def deliver(
    store: Store, key: bytes, campaign: Campaign, contract: Contract, say: Callable[[str], None]
) -> None:
    """Send what is due now, and say what comes later and who sends it. Raises Interrupted."""
    now = running.now()
    due, later = standing(store, campaign, now)
    morning = awake(campaign, now, contract.timezone)
    if due and morning > now:
        say(f"It is quiet until {shown(morning, contract.timezone)}: {due:,} go out then.")
    elif due:
        _send(store, key, campaign, due, say)
        _, later = standing(store, campaign, running.now())
    else:
        say("Nothing is due now.")
    if later or (due and morning > now):
        say(
            "It goes on by itself where `echoform serve` runs, or the functions on AWS; what is due"
        )
        say("at a moment is also sent by `echoform job invite`, or by this command again.")


def standing(store: Store, campaign: Campaign, now: int) -> tuple[int, int]:
    """Of how many something is due, and of how many something will be."""
    each = chain.from_iterable(s.invitations.values() for s in record.shards(store, campaign))
    times = [at for kind, at in (upcoming(campaign, one) for one in each) if kind in INTENTS]
    return sum(at <= now for at in times), sum(now < at < float("inf") for at in times)


def _send(
    store: Store, key: bytes, campaign: Campaign, due: int, say: Callable[[str], None]
) -> None:
    opened = {kind: Watched(each) for kind, each in open_channels(store, os.environ).items()}
    channels: dict[str, Channel] = {**opened}
    write = writer(store, Definitions(store))
    used: set[str] = set()
    columns = TextColumn("sending"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("sending", total=due)

        def counted(
            of: Campaign, invitation: Invitation, kind: str, code: str, place: str
        ) -> Message:
            if of.name == campaign.name:
                used.add(invitation.channel)
                progress.advance(bar)
            return write(of, invitation, kind, code, place)

        try:
            done = invite(
                store,
                key,
                running.now,
                running.endless,
                channels,
                write=counted,
                survey=campaign.survey,
            )
        except KeyboardInterrupt:
            raise Interrupted("stopped; the same command goes on where it stopped") from None
    counts: dict[str, int] = msgspec.to_builtins(done)
    for step, said in CAME_OF_IT.items():
        if many := counts[step]:
            say(f"{many:>9,} {said}")
    for kind in sorted(used):
        if why := opened[kind].why:
            say(f"By {kind} nothing goes out now: {why}")
            say("What waits for it goes out by the same command again.")
        if isinstance(opened[kind].channel, Outbox):
            say(f"Nobody was reached by {kind}: the messages are kept under outbox/{kind}/ of the")
            say("data, until `channels` of surveys/site.yaml says who delivers them.")
