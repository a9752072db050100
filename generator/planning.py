"""Planning a campaign: of a customers' file, whom to invite, by which channel, and why nobody else.

Everybody who is left out is left out for one reason, the first that fits, and is counted under it;
what the file's owner can mend is listed by row. Nothing here writes anything.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from sys import intern
from typing import NamedTuple

from msgspec import Struct

from chalicelib.columns import CUSTOMER
from chalicelib.invitations import codes, contact_rule
from chalicelib.invitations.record import Campaign, Invitation
from chalicelib.storage import Store
from chalicelib.survey import Contract
from chalicelib.survey.rules import clean
from generator.addresses import READERS, BadAddress
from generator.customers import Customers
from generator.drawing import draw, quotas, size
from generator.issuing import Unissuable, attributes
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
_LONGEST = 100
"""Of what a message says of a customer: a name is no essay."""


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


class Candidate(NamedTuple):
    """Somebody who may be invited, in little room: there may be a million."""

    row: int
    id: str
    channel: str
    to: str
    stratum: str


class Plan(Struct):
    campaign: Campaign
    chosen: list[Candidate]
    """In the file's order."""
    problems: list[RowProblem]


class LeftOut(Exception):
    """A row is not invited."""

    def __init__(self, reason: str, said: str = "") -> None:
        super().__init__(said)
        self.reason = reason


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
    reading = _Reading(contract, meaning, asked, key, name)
    eligible: list[Candidate] = []
    people: list[tuple[Candidate, list[str]]] = []

    def settle() -> None:
        """Ask of all at once who of them may be written to."""
        known = contact_rule.look_up(store, {each for _, person in people for each in person})
        for candidate, person in people:
            days = asked.contact_rule_days
            if why := contact_rule.forbids(known, person, name, days, now):
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
                customer=_cell(meaning.customer, row),
                attributes=known(contract, meaning, row),
                fields=thanks | told(meaning, row),
                stratum=each.stratum,
            )


def known(contract: Contract, meaning: CustomerMap, row: dict[str, str]) -> dict[str, str]:
    """What a row tells the link: the attributes, the customer among them. Raises LeftOut."""
    columns = dict(meaning.attributes)
    if CUSTOMER in contract.attributes and meaning.customer:
        columns[CUSTOMER] = meaning.customer
    try:
        return attributes(contract, {name: row[column] for name, column in columns.items()})
    except Unissuable as wrong:
        raise LeftOut("bad_value", str(wrong)) from None


def told(meaning: CustomerMap, row: dict[str, str]) -> dict[str, str]:
    """What a message may say of a row: one line each, and short."""
    columns = {
        **meaning.attributes,
        **({"name": meaning.name} if meaning.name else {}),
        **meaning.fields,
    }
    found = {name: _line(row[column]) for name, column in columns.items()}
    return {name: text for name, text in found.items() if text}


def spoken(contract: Contract, meaning: CustomerMap, row: dict[str, str]) -> str:
    """The survey's language that is nearest to what the row says; its first without one."""
    said = _cell(meaning.language, row).replace("_", "-").casefold()
    said = _SPOKEN.get(said, said)
    for fits in (str.__eq__, _same_tongue):
        for language in contract.languages:
            if said and fits(language.casefold(), said):
                return language
    return contract.languages[0]


_SPOKEN = {"中文": "zh-cn", "简体中文": "zh-cn", "汉语": "zh-cn", "chinese": "zh-cn"} | {
    "英文": "en",
    "英语": "en",
    "english": "en",
}
"""What files write for a tag."""


class _Reading:
    """Rows as candidates; knows which customers and addresses came before."""

    def __init__(
        self, contract: Contract, meaning: CustomerMap, asked: Asked, key: bytes, name: str
    ) -> None:
        self._contract = contract
        self._meaning = meaning
        self._asked = asked
        self._key = key
        self._name = name
        self._first: dict[bytes, int] = {}

    def candidate(self, number: int, row: dict[str, str]) -> tuple[Candidate, list[str]]:
        """Who it is, and the hashes they are known by. Raises LeftOut."""
        meaning = self._meaning
        found, wrong = self._addresses(row)
        reached = [channel for channel in self._asked.channels if channel in found]
        if not reached and wrong:
            raise LeftOut("bad_address", "; ".join(wrong))
        if not reached:
            columns = [getattr(meaning, READERS[each][0]) for each in self._asked.channels]
            raise LeftOut("no_channel", f"{', '.join(filter(None, columns))}: empty; fill in one")
        known(self._contract, meaning, row)
        customer = _cell(meaning.customer, row)
        person = contact_rule.person(self._key, customer, *found.values())
        hashes = map(bytes.fromhex, person)  # half as large, and there are millions
        earlier = min((self._first.setdefault(each, number) for each in hashes), default=number)
        if earlier != number:
            raise LeftOut("duplicate", f"the same customer or address as row {earlier}")
        said = _WAYS.get(_cell(meaning.channel, row).casefold(), "")
        channel = said if said in reached else reached[0]
        whom = customer or contact_rule.plain(found[channel])
        name = codes.invitation_id(self._key, self._name, whom)
        stratum = intern(row[self._asked.by]) if self._asked.by else ""
        return Candidate(number, name, channel, found[channel], stratum), person

    def _addresses(self, row: dict[str, str]) -> tuple[dict[str, str], list[str]]:
        """By channel, those that are right, and what is wrong with others.

        Also of channels nobody asked for: who opted out by one of them is written to by none.
        """
        found, wrong = {}, []
        for channel, (part, read) in READERS.items():
            column = getattr(self._meaning, part)
            if column is None or row[column].casefold() in _NOTHING:
                continue
            try:
                found[channel] = read(row[column], self._asked.country)
            except BadAddress as bad:
                if channel in self._asked.channels:
                    wrong.append(f"{column}: {bad}")
        return found, wrong


_NOTHING = frozenset(
    ["", "-", "--", "/", "\\", "—", "无", "没有", "暂无", "空", "n/a", "null", "none"]
)
"""What files write where there is no address."""
_WAYS = {channel: channel for channel in READERS} | {
    "e-mail": "email",
    "邮件": "email",
    "邮箱": "email",
    "短信": "sms",
    "手机": "sms",
    "phone": "sms",
    "微信": "wechat",
}
"""What files write for the channel a customer prefers."""


def _cell(column: str | None, row: dict[str, str]) -> str:
    return row[column] if column else ""


def _line(text: str) -> str:
    """On one line, for no name has two; whatever would end a header's line is gone with it."""
    return " ".join(clean(text).split())[:_LONGEST].strip()


def _same_tongue(language: str, said: str) -> bool:
    return language.partition("-")[0] == said.partition("-")[0]
