"""The way out: a page that changes nothing when looked at, and a click that counts at once."""

from __future__ import annotations

import pytest

from chalicelib import keys
from chalicelib.days import DAY_MS
from chalicelib.invitations import contact_rule, opting_out
from chalicelib.linking import standing_of
from chalicelib.published import Definitions
from chalicelib.storage import MemoryStore, Stored
from tests.invitations.asking import KEY, NOON, SURVEY, Memory, plan, run, states

CHINESE = {"accept-language": "zh-CN,zh;q=0.9"}
ENGLISH = {"accept-language": "en-GB,en;q=0.9"}


def code_of(channel: Memory, number: int) -> str:
    return next(m.text for m in channel.taken if m.to == f"c{number}@example.com")


def test_looking_at_the_page_changes_nothing() -> None:
    """Scanners follow every link of an e-mail; a GET alone never opts anybody out."""
    store, channel = MemoryStore(), Memory()
    plan(store)
    run(store, channel)
    before = {entry.key: entry.tag for entry in store.list("")}
    page = opting_out.shown(ENGLISH)
    assert page.status == 200
    assert b'<form method="post"><button>' in page.body
    assert b"<script" not in page.body
    assert {entry.key: entry.tag for entry in store.list("")} == before


@pytest.mark.parametrize(("headers", "first"), [(CHINESE, "不再接收"), (ENGLISH, "Stop messages")])
def test_the_page_is_in_both_languages_the_readers_first(
    headers: dict[str, str], first: str
) -> None:
    text = opting_out.shown(headers).body.decode()
    assert text.index(f"<h1>{first}") < text.index("<hr>")
    assert "不再接收" in text
    assert "Stop messages" in text


def test_the_button_counts_at_once_in_every_campaign() -> None:
    store, channel = MemoryStore(), Memory()
    campaign = plan(store, reminders=2, remind_after_days=1)
    other = plan(store, id="other", send_at=NOON + DAY_MS, contact_rule_days=0)
    run(store, channel)
    code = code_of(channel, 1)
    done = opting_out.opted_out(store, Definitions(store), code.lower(), ENGLISH, NOON)
    assert done.status == 200
    assert "no more" in done.body.decode()
    run(store, channel, NOON + DAY_MS)
    assert channel.to == {"c0@example.com": 3, "c1@example.com": 1, "c2@example.com": 3}
    assert states(store, campaign)["opted_out"] == 1
    assert states(store, other)["opted_out"] == 1


def test_an_unknown_code_is_told_so_and_does_nothing() -> None:
    store = MemoryStore()
    plan(store)
    before = [entry.key for entry in store.list("")]
    assert opting_out.opted_out(store, Definitions(store), "7Q2K", {}, NOON).status == 410
    assert opting_out.opted_out(store, Definitions(store), "../x", {}, NOON).status == 410
    assert [entry.key for entry in store.list("")] == before


def test_whoever_changes_their_mind_is_asked_again() -> None:
    store, channel = MemoryStore(), Memory()
    person = contact_rule.person(KEY, "C1", "c1@example.com")
    contact_rule.opt_out(store, person, NOON)
    contact_rule.opt_in(store, person)
    plan(store)
    assert run(store, channel).sent == 3


def test_a_person_is_known_by_number_and_by_address_however_written() -> None:
    assert contact_rule.person(KEY, "", "Ann@Example.COM ") == contact_rule.person(
        KEY, "", "ann@example.com"
    )
    assert contact_rule.person(KEY, "", "+86 138-0013 8000") == contact_rule.person(
        KEY, "", "8613800138000"
    )
    assert contact_rule.person(KEY, "1") != contact_rule.person(KEY, "", "1")
    assert len(contact_rule.person(KEY, "C1", "a@b.cn", "")) == 2


class Counting(MemoryStore):
    """Counts what is read and written."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []
        self.writes: list[str] = []

    def get(self, key: str) -> Stored:
        self.reads.append(key.split("/")[0])
        return super().get(key)

    def create(self, key: str, data: bytes) -> None:
        self.writes.append(key.split("/")[0])
        super().create(key, data)

    def list(self, prefix: str) -> object:  # type: ignore[override]
        self.reads.append(f"list {prefix}")
        return super().list(prefix)


def test_opened_is_marked_for_who_has_the_code_and_costs_others_nothing() -> None:
    store, channel = Counting(), Memory()
    campaign = plan(store)
    run(store, channel)
    definitions = Definitions(store)
    definitions.current(SURVEY.id)

    def asked(code: str, at: int = NOON) -> tuple[list[str], list[str]]:
        store.reads.clear()
        store.writes.clear()
        body = b'{"survey":"%s","code":"%s"}' % (SURVEY.id.encode(), code.encode())
        standing_of(store, definitions, body, at)
        return [*store.reads], [*store.writes]

    unknown, expired = "0" * 27, code_of(channel, 0)
    assert asked(unknown) == asked(expired, NOON + 20 * DAY_MS) == (["links", "claims"], [])
    assert asked(code_of(channel, 1))[1] == ["heard"]
    assert run(store, channel).opened == 1
    assert run(store, channel).opened == 0
    assert states(store, campaign) == {"sent": 2, "opened": 1}
    assert not [*MemoryStore.list(store, keys.HEARD)]
