"""Rows of a customers' file as candidates of a campaign: who it is, where to reach them, what their
link and their messages may say. What a row says is a stranger's text, and stays one.
"""

from __future__ import annotations

from sys import intern
from typing import NamedTuple

from chalicelib.columns import CUSTOMER
from chalicelib.invitations import codes, contact_rule
from chalicelib.survey import Contract
from chalicelib.survey.rules import clean
from generator.addresses import READERS, BadAddress
from generator.issuing import Unissuable, attributes
from generator.recognition import CustomerMap

_LONGEST = 100
"""Of what a message says of a customer: a name is no essay."""


class Candidate(NamedTuple):
    """Somebody who may be invited, in little room: there may be a million."""

    row: int
    id: str
    channel: str
    to: str
    stratum: str


class Terms(NamedTuple):
    """By what rows are read."""

    campaign: str
    """Its full name."""
    key: bytes
    channels: tuple[str, ...]
    country: str
    by: str | None


class LeftOut(Exception):
    """A row is not invited."""

    def __init__(self, reason: str, said: str = "") -> None:
        super().__init__(said)
        self.reason = reason


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
    said = cell(meaning.language, row).replace("_", "-").casefold()
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


class Reading:
    """Rows as candidates; knows which customers and addresses came before."""

    def __init__(self, contract: Contract, meaning: CustomerMap, terms: Terms) -> None:
        self._contract = contract
        self._meaning = meaning
        self._terms = terms
        self._first: dict[bytes, int] = {}

    def candidate(self, number: int, row: dict[str, str]) -> tuple[Candidate, list[str]]:
        """Who it is, and the hashes they are known by. Raises LeftOut."""
        meaning = self._meaning
        found, wrong = self._addresses(row)
        reached = [channel for channel in self._terms.channels if channel in found]
        if not reached and wrong:
            raise LeftOut("bad_address", "; ".join(wrong))
        if not reached:
            columns = [getattr(meaning, READERS[each][0]) for each in self._terms.channels]
            raise LeftOut("no_channel", f"{', '.join(filter(None, columns))}: empty; fill in one")
        known(self._contract, meaning, row)
        customer = cell(meaning.customer, row)
        person = contact_rule.person(self._terms.key, customer, *found.values())
        hashes = map(bytes.fromhex, person)  # half as large, and there are millions
        earlier = min((self._first.setdefault(each, number) for each in hashes), default=number)
        if earlier != number:
            raise LeftOut("duplicate", f"the same customer or address as row {earlier}")
        said = _WAYS.get(cell(meaning.channel, row).casefold(), "")
        channel = said if said in reached else reached[0]
        whom = customer or contact_rule.plain(found[channel])
        name = codes.invitation_id(self._terms.key, self._terms.campaign, whom)
        stratum = intern(row[self._terms.by]) if self._terms.by else ""
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
                found[channel] = read(row[column], self._terms.country)
            except BadAddress as bad:
                if channel in self._terms.channels:
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


def cell(column: str | None, row: dict[str, str]) -> str:
    return row[column] if column else ""


def _line(text: str) -> str:
    """On one line, for no name has two; whatever would end a header's line is gone with it."""
    return " ".join(clean(text).split())[:_LONGEST].strip()


def _same_tongue(language: str, said: str) -> bool:
    return language.partition("-")[0] == said.partition("-")[0]
