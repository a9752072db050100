"""Planning a campaign: of a customers' file, whom to invite, by which channel, and why nobody else.

Everybody who is left out is left out for one reason, the first that fits, and is counted under it;
what the file's owner can mend is listed by row. Nothing here writes anything.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct

from chalicelib.invitations import codes, contact_rule
from chalicelib.invitations.invitation import Campaign, Invitation
from chalicelib.storage import Store
from chalicelib.survey import Contract
from generator.candidates import Candidate, LeftOut, Reading, Terms, cell, known, spoken, told
from generator.customers import Customers
from generator.drawing import draw, quotas, size
from generator.loading import RowProblem
from generator.recognition import CustomerMap
from generator.schedule import Schedule

REASONS = {
    "unreadable": "the row cannot be read",
    "filtered": "left out by --where",
    "no_channel": "no address for any of the channels",
    "bad_address": "a wrong address",
    "bad_value": "a value that no link can carry",
    "duplicate": "the same customer or address as an earlier row",
    "opted_out": "wants no messages",
    "asked": "was asked too recently",
    "not_drawn": "not drawn for the sample",
}
"""Why somebody is not invited, in the order in which it is asked."""

_LOOKED_UP = 100_000
"""People whose last invitation is looked up at a time; it bounds memory."""


class Asked(Struct, frozen=True, kw_only=True):
    """What the marketer asked for."""

    campaign: str
    schedule: Schedule
    channels: tuple[str, ...] = ("email", "sms")
    """In order of preference, where a customer has several."""
    where: str = ""
    sample: str | None = None
    by: str | None = None
    """A column whose values are the strata."""
    seed: str = ""
    country: str = "CN"
    contact_rule_days: int = contact_rule.DAYS
    reminders: int = 0
    remind_after_days: int = 3
    quiet: tuple[str, str] = ("21:00", "09:00")
    incentive: str = ""


class Plan(Struct):
    campaign: Campaign
    chosen: list[Candidate]
    """In the file's order."""
    problems: list[RowProblem]


def plan(
    store: Store,
    key: bytes,
    contract: Contract,
    customers: Customers,
    meaning: CustomerMap,
    asked: Asked,
    now: int,
) -> Plan:
    """Whom to invite. Raises Unfit or Undrawable where that cannot be told."""
    left_out = Counter({"unreadable": len(customers.problems)})
    problems = list(customers.problems)
    left_out["filtered"] = customers.where(asked.where)
    name = f"{contract.id}/{asked.campaign}"
    terms = Terms(name, key, asked.channels, asked.country, asked.by)
    reading = Reading(contract, meaning, terms)
    eligible: list[Candidate] = []
    people: list[tuple[Candidate, list[str]]] = []

    def settle() -> None:
        """Ask of all at once who of them may be written to."""
        known = contact_rule.look_up(store, {each for _, person in people for each in person})
        for candidate, person in people:
            days = asked.contact_rule_days
            if why := contact_rule.forbids(known, person, candidate.id, days, now):
                left_out[why] += 1
            else:
                eligible.append(candidate)
        people.clear()

    for number, row in customers.rows():
        try:
            people.append(reading.candidate(number, row))
        except LeftOut as out:
            left_out[out.reason] += 1
            problems.append(RowProblem(number, str(out)))
        if len(people) == _LOOKED_UP:
            settle()
    settle()
    seed = asked.seed or secrets.token_hex(8)
    chosen, frame = drawn(eligible, asked.sample, seed)
    left_out["not_drawn"] = len(eligible) - len(chosen)
    campaign = Campaign(
        id=asked.campaign,
        survey=contract.id,
        planned_at=now,
        send_at=asked.schedule.send_at,
        notice_at=asked.schedule.notice_at,
        deadline=asked.schedule.deadline,
        nonce=codes.nonce(),
        reminders=asked.reminders,
        remind_after_days=asked.remind_after_days,
        contact_rule_days=asked.contact_rule_days,
        quiet=asked.quiet,
        sample={"of": asked.sample, "by": asked.by or "", "seed": seed} if asked.sample else {},
        frame=frame,
        exclusions={reason: left_out[reason] for reason in REASONS if left_out[reason]},
        where=asked.where,
    )
    return Plan(campaign, chosen, sorted(problems))


def drawn(
    eligible: Sequence[Candidate], sample: str | None, seed: str
) -> tuple[list[Candidate], dict[str, dict[str, int]]]:
    """The sample, and its frame: of each stratum how many could be drawn and how many were."""
    sizes = dict(sorted(Counter(each.stratum for each in eligible).items()))
    if sample is None:
        return list(eligible), {s: {"eligible": n, "drawn": n} for s, n in sizes.items()}
    many = quotas(sizes, size(sample, len(eligible)))
    ids: dict[str, list[str]] = {stratum: [] for stratum in sizes}
    for each in eligible:
        ids[each.stratum].append(each.id)
    hit = {each for stratum in sizes for each in draw(seed, ids[stratum], many[stratum])}
    frame = {s: {"eligible": n, "drawn": many[s]} for s, n in sizes.items()}
    return [each for each in eligible if each.id in hit], frame


def invitations(
    plan: Plan, customers: Customers, contract: Contract, meaning: CustomerMap, asked: Asked
) -> Iterator[Invitation]:
    """What is put on record, one by one: the file is read again for what it says of each."""
    chosen = {each.row: each for each in plan.chosen}
    thanks = {"incentive": asked.incentive} if asked.incentive else {}
    for number, row in customers.rows():
        if each := chosen.get(number):
            yield Invitation(
                id=each.id,
                channel=each.channel,
                to=each.to,
                language=spoken(contract, meaning, row),
                send_at=plan.campaign.send_at,
                customer=cell(meaning.customer, row),
                attributes=known(contract, meaning, row),
                fields=thanks | told(meaning, row),
                stratum=each.stratum,
            )
