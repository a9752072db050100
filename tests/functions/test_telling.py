"""You said, we did: those who said so, each once, and nobody learns anything of anybody."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from chalicelib import actions, keys, links, telling, tombstones
from chalicelib.actions import Action
from chalicelib.channels import Message, Undeliverable
from chalicelib.channels.port import Unavailable
from chalicelib.erasing import erase
from chalicelib.improving import begin, carry_out
from chalicelib.invitations import codes, contact_rule, opting_out, record
from chalicelib.invitations.invitation import Campaign, Invitation
from chalicelib.jobs.merge import merge
from chalicelib.linking import standing_of
from chalicelib.published import Definitions
from chalicelib.storage import FolderStore, MemoryStore, Store
from chalicelib.survey import EchoformError
from chalicelib.survey.questions import Rating
from chalicelib.telling import Untold, find, tell
from chalicelib.traces import find as traces
from generator.__main__ import main
from generator.data import settings
from generator.message_templates import shipped
from tests.invitations.asking import Memory
from tests.jobs.answering import KEY, at, contract, land, live, said
from tests.laying import lay_messages

SURVEY = contract(Rating(id="manner", text={"en": "Manner"}, dimension="attitude"))
DID = {"en": "We have two more people on Saturdays.", "zh-CN": "周六多了两位师傅。"}
DONE = at("2026-05-15T12:00")
HOSTILE = ["../../links", "C'; DROP TABLE x; --", "<script>alert(1)</script>", "=1+1", "\u202eC9"]


def response(number: int, manner: int, phone: str = "", **attributes: str) -> Any:
    answers: dict[str, Any] = {"manner": manner} | ({"phone": phone} if phone else {})
    known = {"customer": f"C{number}", "agent": "A07"} | attributes
    known = {name: value for name, value in known.items() if value}
    return said(number, SURVEY, at("2026-05-03T10:30"), answers=answers, attributes=known)


def heard(*responses: Any, store: Store | None = None, key: bytes = KEY) -> tuple[Store, Action]:
    """A survey with these answers, and an action that was carried out about them."""
    store = store or MemoryStore()
    live(store, SURVEY)
    lay_messages(store, shipped())
    land(store, *responses)
    merge(store, key, DONE)
    return store, action(store)


def action(store: Store, **more: Any) -> Action:
    plan = {"owner": "L1", "due": "2026-05-20", "cause": "A07 is rude", "plan": "A07 is trained"}
    made = begin(
        store, SURVEY.id, "attitude", "2026-05-01..2026-05-10", "M1", DONE, **plan | more
    )  # fmt: skip
    return carry_out(store, made.id, "L1", DONE)


def told(
    store: Store, which: Action, channel: Memory | None = None, **more: Any
) -> tuple[Counter[str], Memory]:
    channel = channel or Memory()
    finding = find(store, KEY, which, 30, DONE)
    channels = {"sms": channel, "email": channel}
    return tell(store, KEY, which, finding, DID, channels, "os:me", DONE, **more), channel


def opt_out_code(message: Message) -> str:
    return message.opt_out.partition("?")[2]


def test_those_who_rated_it_low_are_told_and_nobody_else() -> None:
    store, which = heard(
        response(1, 1, "13800000001"), response(2, 3, "13800000002"),
        response(3, 4, "13800000003"), response(4, 1), response(5, 2, "13800000005", agent="A08"),
    )  # fmt: skip
    finding = find(store, KEY, which, 30, DONE)
    assert {each.to for each in finding.people} == {f"1380000000{n}" for n in (1, 2, 5)}
    assert finding.left_out == {"no_address": 1}
    of_one = action(store, segment="agent=A08")
    assert [each.to for each in find(store, KEY, of_one, 30, DONE).people] == ["13800000005"]


def test_a_message_says_what_was_done_and_of_nobody_anything() -> None:
    store, which = heard(response(1, 1, "13800000001"), response(2, 1, "13800000002"))
    counts, channel = told(store, which)
    assert counts == {"told": 2}
    for message in channel.taken:
        assert DID["en"] in message.text
        for other in ("A07", "L1", "rude", "trained", "C1", "C2", "1380000"):
            assert other not in message.text + message.key + str(message.fields)
    assert actions.read(store, which.id).action.steps[-1].said.startswith("< 10: We have")


def test_everybody_is_told_once_also_who_said_it_twice() -> None:
    store, which = heard(
        response(1, 1, "13800000001"), response(2, 2, "+86 138 0000 0009", customer="C1"),
        response(3, 1, "138 0000 0001", customer=""),
    )  # fmt: skip
    counts, channel = told(store, which)
    assert counts == {"told": 1}, "one customer, one of their two numbers, which is also a third's"
    assert len(channel.taken) == 1
    again, second = told(store, which)
    assert (again, second.taken) == (Counter(), [])
    assert find(store, KEY, which, 30, DONE).left_out["told_already"]


def test_of_two_at_once_one_tells() -> None:
    store, which = heard(response(1, 1, "13800000001"))
    finding = find(store, KEY, which, 30, DONE)
    channel = Memory()
    for expected in ("told", "told_already"):
        counts = tell(store, KEY, which, finding, DID, {"sms": channel}, "os:me", DONE)
        assert counts == {expected: 1}
    assert len(channel.taken) == 1


@pytest.mark.parametrize(
    ("failure", "became", "again"),
    [
        (Unavailable("shut"), "unavailable", 1),
        (Undeliverable("no such number"), "undeliverable", 0),
        (OSError("cut off"), "uncertain", 0),
    ],
)
def test_what_may_have_gone_out_is_not_sent_again(
    failure: Exception, became: str, again: int
) -> None:
    store, which = heard(response(1, 1, "13800000001"))

    def fails(message: Message) -> None:
        raise failure

    channel = Memory()
    channel.fails = fails
    assert told(store, which, channel)[0] == {became: 1}
    assert len(told(store, which)[1].taken) == again


def test_the_way_out_in_it_works_and_its_link_opens_nothing() -> None:
    store, which = heard(response(1, 1, "13800000001"))
    (message,) = told(store, which)[1].taken
    code = opt_out_code(message)
    definitions = Definitions(store)
    body = msgspec.json.encode({"survey": SURVEY.id, "code": code})
    assert b"expired" in standing_of(store, definitions, body, DONE).body
    assert opting_out.opted_out(store, definitions, code, {}, DONE).status == 200
    other = action(store)
    assert find(store, KEY, other, 30, DONE).left_out == {"opted_out": 1}
    assert not [*store.list(keys.HEARD)]


def test_who_opts_out_meanwhile_is_not_told() -> None:
    store, which = heard(response(1, 1, "13800000001"))
    finding = find(store, KEY, which, 30, DONE)
    contact_rule.opt_out(store, contact_rule.person(KEY, "C1"), DONE)
    assert tell(store, KEY, which, finding, DID, {"sms": Memory()}, "os:me", DONE) == {
        "opted_out": 1
    }


def test_who_was_asked_lately_is_told_another_time_and_to_be_told_asks_nobody() -> None:
    store, which = heard(response(1, 1, "13800000001"))
    contact_rule.claim(store, {"i": contact_rule.person(KEY, "C1")}, 30, DONE - 1)
    assert find(store, KEY, which, 30, DONE).left_out == {"asked": 1}
    assert len(find(store, KEY, which, 0, DONE).people) == 1
    store, which = heard(response(1, 1, "13800000001"))
    told(store, which)
    assert not [*store.list("asked/")], "the next wave asks the unhappy too"


def test_who_was_invited_is_told_by_that_address_under_a_name_that_is_harmless() -> None:
    store = MemoryStore()
    live(store, SURVEY)
    campaign = Campaign(
        id="may", survey=SURVEY.id, planned_at=1, send_at=1, nonce=codes.nonce(), deadline=DONE
    )
    name = "<b>Ann</b> https://evil.example\r\nBcc: x@example.com"
    invitation = Invitation(
        id="ab12", channel="email", to="ann@example.com", language="en", send_at=1,
        customer="C1", fields={"name": name},
    )  # fmt: skip
    record.create(store, KEY, campaign, [invitation])
    (shard,) = record.shards(store, campaign)
    link = shard.invitations["ab12"].link
    one = said(1, SURVEY, at("2026-05-03T10:30"), answers={"manner": 1}, link=link)
    store, which = heard(one, store=store)
    counts, channel = told(store, which)
    (message,) = channel.taken
    assert (counts, message.to) == ({"told": 1}, "ann@example.com")
    assert "<b>" not in message.html
    assert "evil.example" not in message.text
    assert "\r" not in message.text


@pytest.mark.parametrize("customer", HOSTILE)
def test_hostile_customers_are_customers(customer: str) -> None:
    store, which = heard(response(1, 1, "13800000001", customer=customer))
    counts, channel = told(store, which)
    assert counts == {"told": 1}
    assert customer not in str(channel.taken)
    assert all(customer not in entry.key for entry in store.list(""))
    assert told(store, which)[0] == {}


@pytest.mark.parametrize("text", ["A07 was trained", "we trained (a07).", "Ask L1", "经A07改进"])
def test_what_is_said_names_nobody(text: str) -> None:
    store, which = heard(response(1, 1, "13800000001"))
    finding = find(store, KEY, which, 30, DONE)
    channel = Memory()
    with pytest.raises(Untold, match="names"):
        tell(store, KEY, which, finding, {"en": text}, {"sms": channel}, "os:me", DONE)
    assert channel.taken == []
    telling.checked(which, {"en": "A070 and XL1 are parts"}, ["A07"])


def test_nothing_is_told_before_it_is_done_or_where_nobody_is_known() -> None:
    store, which = heard(response(1, 1, "13800000001"))
    with pytest.raises(Untold, match="say what was done"):
        telling.checked(which, {"en": " "}, [])
    early = actions.moved(which, actions.Step(at=1, by="x", kind="drop", said="x"))
    with pytest.raises(EchoformError, match="dropped"):
        telling.checked(early, DID, [])
    hidden = contract(
        Rating(id="manner", text={"en": "M"}, dimension="attitude"), id="quiet", anonymous=True
    )
    live(store, hidden)
    with pytest.raises(Untold, match="anonymous"):
        find(store, KEY, msgspec.structs.replace(which, survey="quiet"), 30, DONE)


def test_who_is_erased_is_not_told_and_leaves_no_mark() -> None:
    store, which = heard(response(1, 1, "13800000001"), response(2, 1, "13800000002"))
    tombstones.put(store, SURVEY.id, "2026-05-03", response(2, 1).id, KEY)
    assert [each.to for each in find(store, KEY, which, 30, DONE).people] == ["13800000001"]
    told(store, which)
    assert len([*store.list(keys.TOLD)]) == 2, "the customer, and the address"
    links.add(store, {"POSTER00": links.Link(SURVEY.id, attributes={"agent": "A07"})})
    erase(store, KEY, traces(store, KEY, SURVEY.id, "customer", "C1"), DONE, "os:me")
    assert links.look_up(store, "POSTER00"), "a link that names no customer is not theirs"
    left = [entry.key for entry in store.list(keys.TOLD)]
    assert contact_rule.person(KEY, "C1")[0] not in str(left)


def test_the_command_line_shows_first_and_sends_then(tmp_path: Path) -> None:
    data = str(tmp_path)
    store: Store = FolderStore(tmp_path)
    store, which = heard(
        response(1, 1, "13800000001"), response(4, 1), store=store, key=settings(data).key
    )

    def run(*args: str) -> str:
        given = ["actions", "tell", which.id, "--data", data, *args]
        return CliRunner().invoke(main, given).output

    shown = run("--did", f"en={DID['en']}")
    assert "1 to tell\n1 left no address" in shown
    assert DID["en"] in shown
    assert "13800000001" not in shown
    assert not [*store.list(keys.OUTBOX)]
    assert "names A07" in run("--did", "en=A07 is trained")
    assert "write the language first" in run("--did", "We did")
    assert "1 told" in run("--did", f"en={DID['en']}", "--send")
    assert len([*store.list(keys.OUTBOX)]) == 1
    assert "0 to tell" in run("--did", f"en={DID['en']}", "--send")
    whats = [msgspec.json.decode(store.get(e.key).data)["what"] for e in store.list(keys.AUDIT)]
    assert Counter(whats)["tell"] == 2
    assert Counter(whats)["read_contacts"] == 4
