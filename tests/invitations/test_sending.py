"""Whoever is to be asked is asked once: with two senders, after a crash, and when minds change."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib import claims, keys, links
from chalicelib.channels import Message, Unavailable, Undeliverable
from chalicelib.claims import Claim
from chalicelib.days import DAY_MS
from chalicelib.invitations import codes, contact_rule, learning
from chalicelib.invitations.invitation import Campaign, Invitation, Step
from chalicelib.invitations.record import Planned
from chalicelib.storage import MemoryStore, Store
from chalicelib.survey import ids
from tests.invitations.asking import KEY, NOON, SURVEY, Memory, plan, run, states

HOUR = 60 * 60 * 1000


class Killed(BaseException):
    """What a kill is to a thread: nothing after it runs."""


def answer(store: Store, campaign: Campaign, number: int, at: int = NOON) -> None:
    name = codes.invitation_id(KEY, campaign.name, f"C{number}")
    link = links.hash_of(codes.code(KEY, campaign.nonce, name))
    claim = Claim(ids.make(at, number), "digest")
    store.create(keys.claim(SURVEY.id, link), b'{"id":"%s","digest":"d"}' % claim.id.encode())
    assert claims.held(store, SURVEY.id, link) is not None


def test_everybody_gets_one_and_a_second_run_sends_nothing() -> None:
    store, channel = MemoryStore(), Memory()
    campaign = plan(store, range(1200))
    assert run(store, channel).sent == 1200
    assert run(store, channel).sent == 0
    assert set(channel.to.values()) == {1}
    assert len(channel.to) == 1200
    assert states(store, campaign) == {"sent": 1200}


def test_nothing_is_sent_before_its_time_nor_in_quiet_hours() -> None:
    store, channel = MemoryStore(), Memory()
    plan(store, send_at=NOON + HOUR)
    assert run(store, channel).sent == 0
    assert run(store, channel, NOON + 10 * HOUR).sent == 0  # 22:00
    assert run(store, channel, NOON + 20 * HOUR).sent == 0  # 08:00
    assert run(store, channel, NOON + 21 * HOUR).sent == 3


def test_a_campaign_is_planned_once() -> None:
    store = MemoryStore()
    plan(store)
    with pytest.raises(Planned, match="planned already"):
        plan(store)


def test_two_senders_at_once_share_the_work(store: Store) -> None:
    channel = Memory()
    plan(store, range(300))
    with ThreadPoolExecutor(3) as pool:
        done = [f.result() for f in [pool.submit(run, store, channel) for _ in range(3)]]
    run(store, channel)
    assert set(channel.to.values()) == {1}
    assert len(channel.to) == 300
    assert sum(each.sent for each in done) == 300


def test_what_a_crash_leaves_in_doubt_is_few_and_waits_for_somebody_to_look() -> None:
    store, channel = MemoryStore(), Memory()
    campaign = plan(store, range(100))

    def fails(message: Message) -> None:
        if len(channel.taken) >= 40:
            raise Killed

    channel.fails = fails
    with pytest.raises(Killed):
        run(store, channel)
    channel.fails = lambda message: None
    assert run(store, channel, NOON + 1000).sent > 0  # others go on at once
    left = states(store, campaign)
    assert 0 < left["sending"] <= 16
    assert left["sent"] == 100 - left["sending"]
    assert run(store, channel, NOON + 5 * 60_000).uncertain == left["sending"]
    assert set(channel.to.values()) == {1}


def test_a_channel_that_knows_a_message_again_is_given_it_again() -> None:
    store, channel = MemoryStore(), Memory(repeatable=True)
    campaign = plan(store, range(100))
    keys_taken = set()

    def fails(message: Message) -> None:
        keys_taken.add(message.key)
        if len(channel.taken) >= 40:
            raise Killed

    channel.fails = fails
    with pytest.raises(Killed):
        run(store, channel)
    channel.fails = lambda message: keys_taken.add(message.key)
    run(store, channel, NOON + 5 * 60_000)
    assert states(store, campaign) == {"sent": 100}
    assert len(keys_taken) == 100


def test_a_channel_that_takes_nothing_is_tried_later() -> None:
    store, channel = MemoryStore(), Memory()
    campaign = plan(store, range(40))

    def fails(message: Message) -> None:
        raise Unavailable("later")

    channel.fails = fails
    assert run(store, channel).sent == 0
    assert states(store, campaign) == {"planned": 40}
    channel.fails = lambda message: None
    assert run(store, channel).sent == 40


def test_an_address_that_is_refused_is_written_to_no_more() -> None:
    store, channel = MemoryStore(), Memory()

    def fails(message: Message) -> None:
        if message.to.startswith("c1@"):
            raise Undeliverable("no such mailbox")

    channel.fails = fails
    campaign = plan(store, reminders=2)
    assert run(store, channel).failed == 1
    run(store, channel, NOON + 3 * DAY_MS)
    assert channel.to == {"c0@example.com": 2, "c2@example.com": 2}
    assert states(store, campaign)["failed"] == 1


def test_whoever_opted_out_after_planning_gets_nothing() -> None:
    store, channel = MemoryStore(), Memory()
    plan(store)
    contact_rule.opt_out(store, contact_rule.person(KEY, "", "C1@Example.com"), NOON)
    done = run(store, channel)
    assert (done.sent, done.opted_out) == (2, 1)
    assert "c1@example.com" not in channel.to


def test_an_opt_out_while_sending_is_honoured() -> None:
    store, channel = MemoryStore(), Memory()
    plan(store, range(100))

    def fails(message: Message) -> None:
        if len(channel.taken) == 1:
            for number in range(80, 100):
                contact_rule.opt_out(store, contact_rule.person(KEY, f"C{number}"), NOON)

    channel.fails = fails
    assert run(store, channel).opted_out == 20
    assert len(channel.to) == 80


def test_whoever_another_campaign_asked_meanwhile_is_left_out() -> None:
    store, channel = MemoryStore(), Memory()
    plan(store, range(3))
    late = plan(store, range(1, 6), id="late", send_at=NOON + HOUR)
    assert run(store, channel).sent == 3
    done = run(store, channel, NOON + HOUR)
    assert (done.sent, done.excluded) == (3, 2)
    assert set(channel.to.values()) == {1}
    assert states(store, late) == {"sent": 3, "excluded": 2}


def test_after_thirty_days_they_may_be_asked_again() -> None:
    store, channel = MemoryStore(), Memory()
    plan(store)
    run(store, channel)
    later = NOON + 31 * DAY_MS
    plan(store, id="july", send_at=later, planned_at=later, deadline=later + DAY_MS)
    assert run(store, channel, later).sent == 3


def test_reminders_go_to_the_silent_at_most_two_until_the_deadline() -> None:
    store, channel = MemoryStore(), Memory()
    campaign = plan(store, range(4), reminders=2, remind_after_days=2)
    run(store, channel)
    answer(store, campaign, 0)
    reminded = [run(store, channel, NOON + day * DAY_MS).reminded for day in range(1, 16)]
    assert reminded == [0, 3, 0, 3] + [0] * 11
    assert channel.to == {"c0@example.com": 1, **{f"c{n}@example.com": 3 for n in (1, 2, 3)}}
    assert states(store, campaign) == {"answered": 1, "expired": 3}
    assert len({message.text for message in channel.taken}) == 4  # the same link each time


def test_an_answer_that_comes_just_before_a_reminder_stops_it() -> None:
    store, channel = MemoryStore(), Memory()
    campaign = plan(store, range(40), reminders=1, remind_after_days=1)
    run(store, channel)

    def fails(message: Message) -> None:
        if len(channel.taken) == 40:
            channel.fails = lambda message: None
            for number in range(30, 40):
                answer(store, campaign, number, NOON + DAY_MS)

    channel.fails = fails
    assert run(store, channel, NOON + DAY_MS).reminded == 30


def test_the_more_claims_there_are_the_less_often_all_are_looked_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(learning, "CLAIMS_A_MINUTE", 2)
    store, channel = MemoryStore(), Memory()
    campaign = plan(store, range(6), reminders=1, remind_after_days=1)
    run(store, channel)

    def learnt(minute: int, **asked: str) -> int:
        return run(store, channel, NOON + minute * learning.MINUTE_MS, **asked).answered

    for number in range(4):
        answer(store, campaign, number)
    assert learnt(1) == 4
    answer(store, campaign, 4)
    assert (learnt(2), learnt(3)) == (0, 1)
    answer(store, campaign, 5)
    assert (learnt(4), learnt(4, by_hand="june")) == (0, 1)


def test_by_hand_the_limits_are_the_same() -> None:
    store, channel = MemoryStore(), Memory()
    plan(store)
    run(store, channel)
    hand = [
        run(store, channel, NOON + hours * HOUR, by_hand="").reminded
        for hours in (2, 24, 25, 47, 48, 72)
    ]
    assert hand == [0, 3, 0, 0, 3, 0]


def test_a_notice_goes_before_and_is_no_second_question() -> None:
    store, channel = MemoryStore(), Memory()
    plan(store, notice_at=NOON, send_at=NOON + 2 * DAY_MS)
    assert run(store, channel).noticed == 3
    assert run(store, channel, NOON + DAY_MS).noticed == 0
    assert run(store, channel, NOON + 2 * DAY_MS).sent == 3


def test_a_closed_survey_invites_nobody() -> None:
    store, channel = MemoryStore(), Memory()
    campaign = plan(store)
    stored = store.get(keys.current(SURVEY.id))
    closed = stored.data[:-1] + b',"closed_at":%d}' % NOON
    store.replace(keys.current(SURVEY.id), closed, stored.tag)
    assert run(store, channel).sent == 0
    assert states(store, campaign) == {"planned": 3}


def test_what_somebody_settled_goes_on() -> None:
    store = MemoryStore()
    one = Invitation(id="a", channel="email", to="x", language="en", send_at=0)
    doubt = one.then("noticed", 1).then("sending", 2).then("uncertain", 3)
    assert doubt.state == "uncertain"
    assert doubt.then("sent", 4).state == "sent"
    assert doubt.then("again", 4).state == "noticed"
    assert doubt.then("again", 4).then("sending", 5).then("sent", 6).state == "sent"
    assert Step("sent", 1) in doubt.then("sent", 1).steps
    assert store is not None


def test_the_store_never_holds_a_code() -> None:
    store, channel = MemoryStore(), Memory()
    plan(store)
    run(store, channel)
    everything = b"".join(store.get(entry.key).data for entry in store.list(""))
    assert len(channel.taken) == 3
    assert not any(message.text.encode() in everything for message in channel.taken)
    assert all(links.look_up(store, message.text) for message in channel.taken)
