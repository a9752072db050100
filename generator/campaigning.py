"""Campaigns on the marketer's machine: how they stand, reminders by hand, doubts settled.

What is shown is counted from the record itself, so it is what is so this very moment.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import click

from chalicelib import audit, published
from chalicelib.channels.letters import key_digest
from chalicelib.channels.opening import open_channels
from chalicelib.days import day, local
from chalicelib.invitations import contact_rule, record
from chalicelib.invitations.due import awake
from chalicelib.invitations.fates import learn_fates
from chalicelib.invitations.invitation import Campaign, Invitation, Kind
from chalicelib.invitations.writing import message_key
from chalicelib.jobs.invite import invite
from chalicelib.published import Definitions
from chalicelib.running import endless, now
from chalicelib.storage import Missing, Store
from chalicelib.survey import Contract, EchoformError
from generator.data import open_data, settings

Say: TypeAlias = Callable[[str], None]

SHOWN: dict[str, tuple[Kind, ...]] = {
    "invited": ("sent",),
    "delivered": ("delivered",),
    "opened": ("opened",),
    "answered": ("answered",),
    "reminded": ("reminded",),
    "opted out": ("opted_out",),
    "not reached": ("bounced", "failed"),
}
"""Columns, and the steps that count in each."""
WATCH_S = 5


class Unsettled(EchoformError):
    """What was asked cannot be done. Says why."""


def run_status(survey: str, data: str, watch: bool) -> None:
    """Show how the invitations of a survey stand; with ``watch`` again and again, until Ctrl-C."""
    store = open_data(data)
    while True:
        lines = status(store, survey, now())
        if watch:
            click.clear()
        for line in lines:
            click.echo(line)
        if not watch:
            return
        time.sleep(WATCH_S)


def status(store: Store, survey: str, at: int) -> list[str]:
    """By campaign, by channel and by day. Raises EchoformError where no such survey is live."""
    contract = _contract(store, survey)
    closed = Definitions(store).publication(survey).closed_at
    found = record.campaigns(store, survey)
    lines = [f"{survey}: closed" if closed is not None and closed <= at else f"{survey}: open"]
    if not found:
        return [*lines, "nobody was invited yet: `echoform invite`"]
    by_campaign: dict[str, list[Invitation]] = {
        each.id: list(_every(store, each)) for each in found
    }
    every = [each for some in by_campaign.values() for each in some]
    by_channel: dict[str, list[Invitation]] = defaultdict(list)
    for each in every:
        by_channel[each.channel].append(each)
    days: dict[str, Counter[str]] = defaultdict(Counter)
    for each in every:
        for step in each.steps:
            days[day(step.at, contract.timezone)][step.kind] += 1
    lines += ["", *_table("campaign", {name: _counts(some) for name, some in by_campaign.items()})]
    lines += ["", *_table("channel", {name: _counts(some) for name, some in by_channel.items()})]
    lines += ["", *_table("day", days)] if days else []
    states = Counter(each.state for each in every)
    waits = [f"{states[state]} {state}" for state in ("planned", "noticed") if states[state]]
    lines += ["", f"still to be sent: {', '.join(waits)}"] if waits else []
    if states["uncertain"]:
        lines += [f"in doubt: {states['uncertain']}; see `echoform campaigns {survey}`"]
    return lines


def run_campaigns(survey: str | None, data: str, say: Say) -> None:
    """List campaigns, and of each what nobody can tell whether it went out."""
    store = open_data(data)
    found = record.campaigns(store, survey)
    if not found:
        say("no campaigns yet")
    for campaign in found:
        states: Counter[str] = Counter()
        doubtful = []
        for shard in record.shards(store, campaign):
            states.update(each.state for each in shard.invitations.values())
            for each in shard.invitations.values():
                if each.state == "uncertain":
                    place = record.where(campaign, shard.key, each.id)
                    named = key_digest(message_key(campaign, each, "invitation", place))
                    doubtful.append(f"  {each.id}  {each.channel} to {each.to}  <{named}@…>")
        told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        say(f"{campaign.survey} {campaign.id}: {told or 'empty'}")
        if doubtful:
            say("  in doubt; look in the mail server's log for the Message-ID at the end:")
            for line in doubtful:
                say(line)
            say(f"  then: echoform settle {campaign.survey} {campaign.id} ID ... --sent or --again")


def run_settle(survey: str, name: str, ids: Sequence[str], kind: Kind, data: str, say: Say) -> None:
    """Say of invitations in doubt that they went out, or that they are to be sent again."""
    store = open_data(data)
    try:
        campaign = record.read_campaign(store, survey, name)
    except Missing:
        raise Unsettled(f"no campaign {name!r} of {survey}: see `echoform campaigns`") from None
    at, found = now(), set[str]()

    def act(there: dict[str, Invitation]) -> dict[str, Invitation]:
        doubtful = [each for each in there.values() if each.state == "uncertain"]
        return {e.id: e.then(kind, at, "settled") for e in doubtful if not ids or e.id in ids}

    for shard in record.shard_keys(store, campaign):
        found |= act(record.change(store, shard, act).invitations).keys()
    done = len(found)
    audit.record(store, audit.operator(), "settle", at, survey, campaign=name, count=done)
    say(f"{done} settled as {'sent' if kind == 'sent' else 'to be sent again'}")
    if left := set(ids) - found:
        raise Unsettled(f"not in doubt: {', '.join(sorted(left))}")


def run_remind(survey: str, name: str, data: str, say: Say) -> None:
    """Remind the silent now, under the same limits as ever."""
    store, told = open_data(data), settings(data)
    contract, at = _contract(store, survey), now()
    campaigns = [c for c in record.campaigns(store, survey) if name in ("", c.id)]
    if not campaigns:
        raise Unsettled(f"no campaign {name or ''} of {survey}: see `echoform campaigns`")
    for campaign in campaigns:
        wakes = awake(campaign, at, contract.timezone)
        if wakes != at:
            say(f"{campaign.id}: quiet hours; from {local(wakes, contract.timezone):%H:%M} on")
    done = invite(
        store,
        told.key,
        now,
        endless,
        open_channels(store, os.environ),
        survey=survey,
        by_hand=name,
    )
    say(
        f"{done.reminded} reminded. Nobody is who has answered, opted out, was written to within "
        "a day or reminded twice, nor after the deadline"
    )


def run_opt_outs(add: str | None, remove: str | None, customer: bool, data: str, say: Say) -> None:
    """Who wants no messages: list hashes, or add or remove one person."""
    store, key = open_data(data), settings(data).key
    for value, act in ((add, "opt_out"), (remove, "opt_in")):
        if value is None:
            continue
        people = (
            contact_rule.person(key, value) if customer else contact_rule.person(key, "", value)
        )
        if act == "opt_out":
            contact_rule.opt_out(store, people, now())
        else:
            contact_rule.opt_in(store, people)
        audit.record(store, audit.operator(), act, now())
        say("nothing more is sent to them" if act == "opt_out" else "they may be asked again")
    if add is None and remove is None:
        found = contact_rule.OptOuts(store).refresh()
        for each, at in sorted(found.items(), key=lambda pair: pair[1]):
            say(f"{each} {local(at, 'UTC'):%Y-%m-%d}")
        say(f"{len(found)} hashes: a person has one for their number, one for each address")


def run_notices(texts: Sequence[str], data: str, say: Say) -> None:
    """Put on record what providers told, one notification a line or all of a text one."""
    store = open_data(data)
    bodies = [body for text in texts for body in _notifications(text)]
    counts = learn_fates(store, settings(data).key, bodies, now())
    told = ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in sorted(counts.items()))
    say(told or "nothing was told")
    if counts["unread"]:
        raise Unsettled(f"{counts['unread']} notifications are no JSON; the others are on record")


def _notifications(text: str) -> list[str]:
    try:
        json.loads(text)
    except ValueError:
        return [line for line in text.splitlines() if line.strip()]
    return [text]


def run_close(survey: str, closed: bool, data: str, say: Say) -> None:
    """Close a survey or open it again; the audit trail says who did."""
    store = open_data(data)
    _contract(store, survey)
    at = now()
    if not published.close(store, survey, at if closed else None):
        say(f"{survey} is {'closed' if closed else 'open'} already")
        return
    audit.record(store, audit.operator(), "close" if closed else "reopen", at, survey)
    say(
        f"{survey} is closed: no answer is taken, nobody is invited or reminded"
        if closed
        else f"{survey} is open again"
    )


def _contract(store: Store, survey: str) -> Contract:
    try:
        return Definitions(store).current(survey)
    except Missing:
        live = ", ".join(Definitions(store).surveys()) or "none yet"
        raise EchoformError(
            f"no survey {survey!r} is live in this data; say its id (live: {live})"
        ) from None


def _every(store: Store, campaign: Campaign) -> Iterable[Invitation]:
    for shard in record.shards(store, campaign):
        yield from shard.invitations.values()


def _counts(every: Iterable[Invitation]) -> Counter[str]:
    """How many invitations had each step; reminders are counted each."""
    counts: Counter[str] = Counter()
    for each in every:
        counts.update({step.kind for step in each.steps} - {"reminded"})
        counts["reminded"] += len(each.times("reminded"))
    return counts


def _table(title: str, rows: dict[str, Counter[str]]) -> list[str]:
    cells = [[title, *SHOWN]]
    cells += [
        [name, *(str(sum(counts[kind] for kind in kinds)) for kinds in SHOWN.values())]
        for name, counts in sorted(rows.items())
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        row[0].ljust(widths[0])
        + "".join(f"  {cell.rjust(width)}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in cells
    ]
