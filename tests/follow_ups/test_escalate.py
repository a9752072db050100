"""What follow-ups do by themselves: escalate once each, ask the customer, remind, stop waiting."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from chalicelib import keys, links
from chalicelib.accept import Arrival, accept
from chalicelib.channels import Channel, Message, Unavailable, Undeliverable
from chalicelib.channels.outbox import Outbox
from chalicelib.days import DAY_MS
from chalicelib.erasing import erase
from chalicelib.follow_ups import Query, Record, Stale, fold, verifying
from chalicelib.follow_ups.acting import act
from chalicelib.follow_ups.events import LEASE_MS, Item
from chalicelib.follow_ups.sqlite import SqliteRecord
from chalicelib.follow_ups.verifying import Unverifiable
from chalicelib.invitations import codes, contact_rule
from chalicelib.invitations import record as invitations
from chalicelib.invitations.invitation import Campaign, Invitation
from chalicelib.invitations.opting_out import opted_out
from chalicelib.jobs.escalate import Escalated, escalate
from chalicelib.jobs.follow_up import follow_up
from chalicelib.jobs.merge import merge
from chalicelib.published import Definitions
from chalicelib.storage import MemoryStore, Store
from chalicelib.survey import Contract, Section, Submission, ids
from chalicelib.survey.questions import Rating, YesNo
from chalicelib.traces import find
from tests.jobs.answering import KEY, NOON, contract, land, live, names, said
from tests.laying import lay_messages
from tests.records import HOUR, REACHED, RESOLVE, TAKE, after

VERIFICATION = Contract(
    id="put-right",
    title={"en": "Put right?"},
    languages=["en"],
    timezone="Asia/Shanghai",
    attributes=["customer", "agent"],
    sections=[
        Section(
            id="all",
            questions=[
                YesNo(id="solved", text={"en": "Solved?"}, role="solved"),
                Rating(id="content", text={"en": "Content?"}),
            ],
        )
    ],
)
RULE = replace(
    contract().follow_ups[0],
    first_contact_within=60,
    resolve_within=24 * 60,
    verify_with=VERIFICATION.id,
)
SURVEY = replace(contract(), follow_ups=[RULE])
UNHAPPY = {"speed": 1, "care": 2, "phone": "555 0142"}


class Site:
    """A store with both surveys live, a record, and an outbox."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = MemoryStore()
        self.record: Record = SqliteRecord(folder / "follow_ups.sqlite")
        self.channels: dict[str, Channel] = {
            kind: Outbox(self.store, kind) for kind in ("sms", "email")
        }
        live(self.store, SURVEY)
        live(self.store, VERIFICATION)
        said_so = "{{ link }} {{ opt_out }}"
        lay_messages(self.store, {"verification/sms.en.txt": said_so})

    def begun(self, **other: Any) -> Item:
        given = {"answers": UNHAPPY, "attributes": {"customer": "C1007", "agent": "a1"}}
        land(self.store, said(0, SURVEY, **{**given, **other}))
        merge(self.store, KEY, NOON)
        follow_up(self.store, self.record, KEY, NOON)
        (item,) = self.items
        return item

    def resolved(self, **other: Any) -> Item:
        resolve = replace(RESOLVE, at=NOON)
        return after(self.record, self.begun(**other), TAKE, REACHED, resolve)

    @property
    def items(self) -> list[Item]:
        return self.record.page(Query()).items

    @property
    def item(self) -> Item:
        (item,) = self.items
        assert fold(self.record.history(item.id)) == item
        return item

    def escalate(self, now: int) -> Escalated:
        return escalate(self.store, self.record, self.channels, KEY, now)

    @property
    def sent(self) -> list[Message]:
        return [
            msgspec.json.decode(self.store.get(name).data, type=Message)
            for name in names(self.store, keys.OUTBOX)
        ]

    def answers(self, code: str, now: int, **given: Any) -> None:
        submission = Submission(
            id=ids.make(now, 7), version=VERIFICATION.version, language="en", answers=given,
            link=code,
        )  # fmt: skip
        accept(self.store, Definitions(self.store), "put-right", submission, Arrival(now=now))
        merge(self.store, KEY, now)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def kinds(site: Site) -> list[str]:
    return [event.kind for event in site.record.history(site.item.id)]


def code_in(message: Message) -> str:
    return message.text.split()[0].partition("?")[2]


def test_overdue_the_lead_is_told_and_then_the_manager_once_each(site: Site) -> None:
    site.begun()
    assert site.escalate(NOON + HOUR - 1) == Escalated()
    for now in range(NOON + HOUR, NOON + 10 * HOUR, HOUR // 4):
        for shift in (0, HOUR, -HOUR):  # schedulers whose clocks are an hour off
            site.escalate(now + shift)
    told = [event.to for event in site.record.history(site.item.id)]
    assert told == ["", "lead", "manager"]


def test_eight_schedulers_at_once_escalate_once(site: Site) -> None:
    site.begun()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: site.escalate(NOON + HOUR), range(16)))
    assert kinds(site) == ["open", "escalate"]


def test_a_first_contact_in_time_leaves_only_the_solution_due(site: Site) -> None:
    after(site.record, site.begun(), TAKE, REACHED)
    assert site.item.next_due == NOON + 24 * HOUR
    assert site.escalate(NOON + 2 * HOUR) == Escalated()
    assert site.escalate(NOON + 24 * HOUR).to_lead == 1


def test_resolved_the_customer_gets_a_personal_link_once(site: Site) -> None:
    item = site.resolved()
    assert site.escalate(NOON).asked == 1
    assert site.escalate(NOON) == Escalated()
    (message,) = site.sent
    assert message.to == "555 0142"
    link = links.look_up(site.store, code_in(message))
    assert link is not None
    assert link.survey == "put-right"
    assert link.personal
    assert link.verifies == item.id
    assert link.attributes == {"customer": "C1007", "agent": "a1"}
    assert site.item.state == "verifying"
    assert site.item.verification.link == links.hash_of(code_in(message))


def test_cut_off_between_message_and_record_the_same_link_goes_again(site: Site) -> None:
    item = site.resolved()

    class Dies:
        def __getattr__(self, name: str) -> Callable[..., Any]:
            if name == "append":
                raise KeyboardInterrupt
            return getattr(site.record, name)  # type: ignore[no-any-return]

    with pytest.raises(KeyboardInterrupt):
        escalate(site.store, Dies(), site.channels, KEY, NOON)  # type: ignore[arg-type]
    assert len(site.sent) == 1
    assert site.item == item
    site.answers(code_in(site.sent[0]), NOON + 1, solved="no")
    assert follow_up(site.store, site.record, KEY, NOON).waiting == 1, "its answer waits too"
    site.escalate(NOON + 60_000)
    assert len(site.sent) == 1, "the same key is the same message"
    assert follow_up(site.store, site.record, KEY, NOON).reopened == 1


@pytest.mark.parametrize("given", [{"solved": "yes", "content": 5}, {"solved": "yes"}])
def test_it_helped_closes_as_verified(site: Site, given: dict[str, Any]) -> None:
    site.resolved()
    site.escalate(NOON)
    site.answers(code_in(site.sent[0]), NOON + HOUR, **given)
    assert follow_up(site.store, site.record, KEY, NOON + HOUR).verified == 1
    assert (site.item.state, site.item.outcome) == ("closed", "verified")
    for days in range(30):
        site.escalate(NOON + days * DAY_MS)
    assert kinds(site)[-1] == "verified", "what is closed never escalates"


@pytest.mark.parametrize("given", [{"solved": "no"}, {"solved": "yes", "content": 2}])
def test_it_did_not_help_opens_again_with_a_fresh_clock(site: Site, given: dict[str, Any]) -> None:
    site.begun()
    site.escalate(NOON + HOUR)  # the lead knows already
    after(site.record, site.item, TAKE, REACHED, replace(RESOLVE, at=NOON + HOUR))
    site.escalate(NOON + HOUR)
    site.answers(code_in(site.sent[0]), NOON + 2 * HOUR, **given)
    now = NOON + 3 * HOUR
    marks = {name: site.store.get(name).data for name in names(site.store, keys.DUE)}
    follow_up(site.store, site.record, KEY, now)
    item = site.item
    assert (item.state, item.reopened, item.escalated) == ("reopened", 1, "")
    assert item.first_contact_due == now + HOUR
    assert len(site.items) == 1, "no second follow-up beside it"
    for name, data in marks.items():
        site.store.create(name, data)
    follow_up(site.store, site.record, KEY, now)
    assert site.item == item, "the same answer again changes nothing"
    site.escalate(now + HOUR)
    assert site.item.escalated == "lead", "a fresh clock escalates afresh"


def test_the_second_round_has_a_link_of_its_own(site: Site) -> None:
    site.resolved()
    site.escalate(NOON)
    site.answers(code_in(site.sent[0]), NOON, solved="no")
    follow_up(site.store, site.record, KEY, NOON)
    after(site.record, site.item, REACHED, replace(RESOLVE, at=NOON + 1))
    site.escalate(NOON + 1)
    assert len({code_in(message) for message in site.sent}) == 2
    assert site.item.state == "verifying"


def test_no_answer_is_reminded_once_and_then_closed_as_unverified(site: Site) -> None:
    site.resolved()
    states = []
    for hours in range(0, 24 * 9, 6):
        for shift in (0, HOUR, -HOUR):
            site.escalate(NOON + hours * HOUR + shift)
        states.append(site.item.outcome or site.item.state)
    assert kinds(site)[-3:] == ["verify_sent", "verify_reminded", "unverified"]
    assert len(site.sent) == 2
    assert len({code_in(message) for message in site.sent}) == 1, "the same link"
    assert states[-1] == "unverified"


def test_a_late_no_opens_again_what_was_closed_as_unverified(site: Site) -> None:
    site.resolved()
    for days in (0, 3, 6):
        site.escalate(NOON + days * DAY_MS)
    assert site.item.outcome == "unverified"
    site.answers(code_in(site.sent[0]), NOON + 7 * DAY_MS, solved="no")
    follow_up(site.store, site.record, KEY, NOON + 7 * DAY_MS)
    assert site.item.state == "reopened"


def test_without_an_address_it_says_so_and_a_lead_may_close_it(site: Site) -> None:
    item = site.resolved(answers={"speed": 1, "care": 2})
    assert site.escalate(NOON).unaskable == 1
    assert site.escalate(NOON) == Escalated()
    item = site.item
    assert (item.state, item.verification.problem) == ("resolved", "no_address")
    definitions = Definitions(site.store)
    item = act(site.record, definitions, item.id, item.version, "close", {}, "l1", "lead", NOON)
    assert (item.state, item.outcome) == ("closed", "unverified")


def test_the_way_out_of_a_verification_message_works(site: Site) -> None:
    site.resolved()
    site.escalate(NOON)
    code = code_in(site.sent[0])
    reply = opted_out(site.store, Definitions(site.store), code, {}, NOON + HOUR)
    assert reply.status == 200
    assert names(site.store, keys.OPT_OUTS)
    assert not names(site.store, keys.HEARD), "it is no invitation's"
    site.escalate(NOON + 3 * DAY_MS)
    assert len(site.sent) == 1, "not even a reminder"
    site.escalate(NOON + 6 * DAY_MS)
    assert site.item.outcome == "unverified"


@pytest.mark.parametrize("known_by", [("", "555-0142"), ("C1007",)])
def test_whoever_opted_out_is_not_asked(site: Site, known_by: tuple[str, ...]) -> None:
    site.resolved()
    contact_rule.opt_out(site.store, contact_rule.person(KEY, *known_by), NOON)
    assert site.escalate(NOON).unaskable == 1
    assert site.item.verification.problem == "opted_out"
    assert not site.sent


def test_who_left_no_address_is_asked_as_they_were_invited(site: Site) -> None:
    campaign = Campaign(
        id="june", survey=SURVEY.id, planned_at=NOON, send_at=NOON, nonce=codes.nonce()
    )
    invited = Invitation(
        id=codes.invitation_id(KEY, campaign.name, "C1007"),
        customer="C1007",
        channel="email",
        to="c1007@example.com",
        language="en",
        send_at=NOON,
    )
    invitations.create(site.store, KEY, campaign, [invited])
    lay_messages(
        site.store,
        {
            "verification/sms.en.txt": "{{ link }} {{ opt_out }}",
            "verification/email.en.txt": "Subject: Put right?\n\n{{ link }} {{ opt_out }}",
        },
    )
    link = links.hash_of(codes.code(KEY, campaign.nonce, invited.id))
    site.resolved(answers={"speed": 1, "care": 2}, link=link)
    assert site.escalate(NOON).asked == 1
    [message] = site.sent
    assert message.to == "c1007@example.com"


def test_an_erased_person_is_not_in_the_message_nor_known_to_its_link(site: Site) -> None:
    item = site.resolved()
    site.escalate(NOON)
    code = code_in(site.sent[0])
    traces = find(site.store, KEY, SURVEY.id, "response", item.response)
    erase(site.store, KEY, traces, NOON, "os:me", site.record)
    assert not site.sent
    assert links.look_up(site.store, code) is None


def test_a_rule_says_how_long_an_answer_is_waited_for(site: Site) -> None:
    patient = replace(SURVEY, follow_ups=[replace(RULE, verify_days=10)])
    live(site.store, patient)
    land(site.store, said(0, patient, answers=UNHAPPY, attributes={"customer": "C1"}))
    merge(site.store, KEY, NOON)
    follow_up(site.store, site.record, KEY, NOON)
    after(site.record, site.item, TAKE, REACHED, replace(RESOLVE, at=NOON))
    site.escalate(NOON)
    assert site.escalate(NOON + 9 * DAY_MS) == Escalated()
    assert site.escalate(NOON + 10 * DAY_MS).reminded == 1
    assert site.escalate(NOON + 20 * DAY_MS).unverified == 1


def test_the_days_of_a_rule_are_said_only_where_they_differ() -> None:
    """So that versions that were published before keep their hash."""
    assert b"verify_days" not in msgspec.json.encode(SURVEY)
    assert replace(SURVEY, follow_ups=[replace(RULE, verify_days=3)]).version == SURVEY.version


class MailServer(Outbox):
    """Knows no message again. ``fails`` is raised after a message has gone out, or before."""

    repeatable = False

    def __init__(self, store: Store) -> None:
        super().__init__(store, "sms")
        self.gone: list[Message] = []
        self.fails: BaseException | None = None

    def send(self, message: Message) -> str:
        if isinstance(self.fails, Unavailable):
            raise self.fails
        self.gone.append(message)
        if self.fails is not None:
            raise self.fails
        return message.key


@pytest.fixture
def mail(site: Site) -> MailServer:
    mail = MailServer(site.store)
    site.channels["sms"] = mail
    return mail


def test_by_mail_whoever_is_cut_off_does_not_send_again(site: Site, mail: MailServer) -> None:
    site.resolved()
    mail.fails = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        site.escalate(NOON)
    assert site.item.state == "resolved"
    mail.fails = None
    site.answers(code_in(mail.gone[0]), NOON + 1, solved="no")
    assert follow_up(site.store, site.record, KEY, NOON).waiting == 1
    assert site.escalate(NOON + 60_000) == Escalated(), "somebody may still be sending"
    assert site.escalate(NOON + LEASE_MS) == Escalated(asked=1, uncertain=1)
    assert len(mail.gone) == 1
    assert follow_up(site.store, site.record, KEY, NOON + LEASE_MS).reopened == 1


def test_what_was_lost_on_the_way_is_made_good_by_the_reminder(
    site: Site, mail: MailServer
) -> None:
    site.resolved()
    mail.fails = OSError("whether it went out nobody knows")
    with pytest.raises(ExceptionGroup):
        site.escalate(NOON)
    site.escalate(NOON + LEASE_MS)
    with pytest.raises(ExceptionGroup):
        site.escalate(NOON + 3 * DAY_MS + LEASE_MS)
    site.escalate(NOON + 3 * DAY_MS + 2 * LEASE_MS)
    assert [message.key.rpartition("-")[2] for message in mail.gone] == ["first", "reminder"]
    assert kinds(site)[-4:] == [
        "verify_sending", "verify_sent", "verify_sending", "verify_reminded",
    ]  # fmt: skip


def test_eight_schedulers_at_once_send_one_mail(site: Site, mail: MailServer) -> None:
    site.resolved()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: site.escalate(NOON), range(16)))
    assert len(mail.gone) == 1
    assert site.item.state == "verifying"


def test_a_mail_server_that_takes_nothing_is_tried_again_later(
    site: Site, mail: MailServer
) -> None:
    site.resolved()
    mail.fails = Unavailable("down")
    assert site.escalate(NOON).postponed == 1
    assert site.escalate(NOON + 60_000) == Escalated(), "not at every run: each is on record"
    mail.fails = None
    assert site.escalate(NOON + LEASE_MS).asked == 1
    assert len(mail.gone) == 1


def test_a_rule_without_verification_leaves_closing_to_the_lead(site: Site) -> None:
    live(site.store, replace(SURVEY, follow_ups=[replace(RULE, verify_with=None)]))
    version = replace(SURVEY, follow_ups=[replace(RULE, verify_with=None)])
    land(site.store, said(1, version, answers=UNHAPPY, attributes={"customer": "C2"}))
    merge(site.store, KEY, NOON)
    follow_up(site.store, site.record, KEY, NOON)
    after(site.record, site.item, TAKE, REACHED, replace(RESOLVE, at=NOON))
    site.escalate(NOON)
    assert site.item.verification.problem == "no_survey"


class Broken:
    repeatable = True
    at_once = 1

    def __init__(self, error: Exception) -> None:
        self._error = error

    def send(self, message: Message) -> str:
        raise self._error


def test_a_channel_that_takes_nothing_is_tried_again(site: Site) -> None:
    site.resolved()
    outbox = site.channels["sms"]
    site.channels["sms"] = Broken(Unavailable("down"))
    assert site.escalate(NOON).postponed == 1
    assert site.item.state == "resolved"
    site.channels["sms"] = outbox
    assert site.escalate(NOON + 60_000).asked == 1


def test_an_address_that_is_refused_is_noted(site: Site) -> None:
    site.resolved()
    site.channels["sms"] = Broken(Undeliverable("no such number"))
    assert site.escalate(NOON).unaskable == 1
    assert site.item.verification.problem == "undeliverable"


def test_one_that_fails_keeps_no_other_waiting(site: Site) -> None:
    site.resolved()
    land(site.store, said(5, SURVEY, answers=UNHAPPY, attributes={"customer": "C2"}))
    merge(site.store, KEY, NOON)
    follow_up(site.store, site.record, KEY, NOON)
    site.channels["sms"] = Broken(OSError("broken"))
    with pytest.raises(ExceptionGroup):
        site.escalate(NOON + 2 * HOUR)
    assert {item.escalated for item in site.items} == {"", "lead"}


def test_a_person_reopens_with_a_fresh_clock(site: Site) -> None:
    item = site.resolved()
    reason = {"reason": "they called again"}
    definitions = Definitions(site.store)
    now = NOON + 5 * HOUR
    item = act(
        site.record, definitions, item.id, item.version, "reopen", reason, "a1", "agent", now
    )
    assert item.state == "reopened"
    assert item.first_contact_due == now + HOUR
    with pytest.raises(Stale):
        act(site.record, definitions, item.id, 1, "take", {}, "a2", "agent", now)
    with pytest.raises(ValueError, match="no `state`"):
        act(
            site.record,
            definitions,
            item.id,
            item.version,
            "note",
            {"state": "x"},
            "a1",
            "agent",
            0,
        )


def test_the_way_out_of_a_verification_works_and_is_kept(site: Site) -> None:
    """Who opts out by it is not reminded, nor asked about another follow-up."""
    site.resolved()
    assert site.escalate(NOON) == Escalated(asked=1)
    code = site.sent[0].opt_out.partition("?")[2]
    definitions = Definitions(site.store)
    assert opted_out(site.store, definitions, code, {}, NOON).status == 200
    site.escalate(NOON + 10 * 24 * HOUR)
    assert len(site.sent) == 1
    with pytest.raises(Unverifiable, match="opted_out"):
        verifying.asking(site.store, definitions, KEY, site.item)
