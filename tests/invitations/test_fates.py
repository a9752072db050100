"""What providers tell of messages ends on record: delivered, bounced, complained of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chalice.test import Client
from click.testing import CliRunner
from msgspec.structs import replace

import app
from chalicelib.channels.letters import tag
from chalicelib.invitations import contact_rule, record
from chalicelib.invitations.fates import learn_fates
from chalicelib.invitations.invitation import Campaign, Invitation
from chalicelib.invitations.writing import message_key
from chalicelib.storage import FolderStore, MemoryStore, Store
from generator.__main__ import main
from tests.invitations.asking import KEY, NOON, Memory, plan, run, states

HOUR = 60 * 60_000
MOMENT = "2026-06-01T05:00:00.000Z"


def everybody(store: Store, campaign: Campaign) -> list[tuple[str, Invitation]]:
    """Where each is on record, and the invitation, by customer."""
    found = [
        (record.where(campaign, shard.key, each.id), each)
        for shard in record.shards(store, campaign)
        for each in shard.invitations.values()
    ]
    return sorted(found, key=lambda pair: pair[1].customer)


def mailed(campaign: Campaign, place: str, each: Invitation, **told: Any) -> str:
    """What SES tells of a message, as the topic wraps it."""
    key = tag(message_key(campaign, each, told.pop("message", "invitation"), place))
    mail = {"timestamp": MOMENT, "messageId": "0100-a", "tags": {"echoform": [key]}}
    return json.dumps({"Type": "Notification", "Message": json.dumps({**told, "mail": mail})})


def bounce(kind: str) -> dict[str, Any]:
    return {"eventType": "Bounce", "bounce": {"bounceType": kind, "timestamp": MOMENT}}


DELIVERY = {"eventType": "Delivery", "delivery": {"timestamp": MOMENT}}
COMPLAINT = {"eventType": "Complaint", "complaint": {"timestamp": MOMENT}}


def test_invitations_become_what_became_of_their_messages() -> None:
    """A full mailbox ends nothing; that a notice arrived says nothing of the invitation; and told
    twice is told once."""
    store, channel = MemoryStore(), Memory()
    campaign = plan(store, range(5), reminders=1)
    run(store, channel)
    places = everybody(store, campaign)
    told = [DELIVERY, bounce("Permanent"), bounce("Transient"), COMPLAINT]
    bodies = [mailed(campaign, *pair, **what) for pair, what in zip(places, told, strict=False)]
    bodies.append(mailed(campaign, *places[4], message="notice", **DELIVERY))
    counts = learn_fates(store, KEY, [*bodies, *bodies, "{"], NOON + HOUR)
    assert counts == {"delivered": 2, "bounced": 2, "opted_out": 2, "passed_over": 4, "unread": 1}
    learnt = run(store, channel, NOON + HOUR)
    assert (learnt.delivered, learnt.bounced, learnt.opted_out) == (1, 1, 1)
    assert states(store, campaign) == {"delivered": 1, "bounced": 1, "opted_out": 1, "sent": 2}
    assert run(store, channel, NOON + 80 * HOUR).reminded == 3


def test_who_complains_is_never_asked_again() -> None:
    store, channel = MemoryStore(), Memory()
    campaign = plan(store, range(1))
    run(store, channel)
    learn_fates(
        store, KEY, [mailed(campaign, *everybody(store, campaign)[0], **COMPLAINT)], NOON + HOUR
    )
    for person in (["C0"], ["", "C0@EXAMPLE.com"]):
        hashes = contact_rule.person(KEY, *person)
        known = contact_rule.look_up(store, hashes)
        assert contact_rule.forbids(known, hashes, "another", 0, NOON + HOUR) == "opted_out"


def test_a_text_message_is_known_by_its_provider_s_id() -> None:
    store, channel = MemoryStore(), Memory()
    campaign = plan(store, range(2))
    run(store, channel)
    _, each = everybody(store, campaign)[0]
    note = each.steps[-1].note
    at = "2026-06-01 05:00:00.000"
    text = {"notification": {"messageId": note, "timestamp": at}, "status": "FAILURE"}
    other = {**text, "notification": {"messageId": "of-another", "timestamp": at}}
    counts = learn_fates(store, KEY, [json.dumps(text), json.dumps(other)], NOON + HOUR)
    assert counts == {"bounced": 1, "passed_over": 1}
    run(store, channel, NOON + HOUR)
    assert states(store, campaign) == {"bounced": 1, "sent": 1}


@pytest.mark.parametrize(
    "key",
    [
        "after-sales_june_../../x_" + "0" * 32 + "_invitation-1",
        "after-sales_june_00000000-0000_" + "0" * 32 + "_invitation-1\n",
        "follow-up-1",
        "",
    ],
)
def test_a_key_that_is_none_of_ours_names_nothing(key: str) -> None:
    store = MemoryStore()
    plan(store, range(1))
    before = [entry.key for entry in store.list("")]
    mail = {"timestamp": MOMENT, "messageId": "0100-a", "tags": {"echoform": [key]}}
    assert learn_fates(store, KEY, [json.dumps({**DELIVERY, "mail": mail})], NOON) == {
        "passed_over": 1
    }
    assert [entry.key for entry in store.list("")] == before


def test_the_queue_s_function_and_the_command_do_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECHOFORM_DATA", str(tmp_path))
    monkeypatch.setenv("ECHOFORM_KEY", KEY.decode())
    for known in (app.settings, app.store, app.definitions):
        known.cache_clear()
    store, channel = FolderStore(tmp_path), Memory()
    campaign = plan(store, range(3))
    run(store, channel)
    first, second, third = everybody(store, campaign)
    with Client(app.app) as client:
        body = mailed(campaign, *first, **DELIVERY)
        client.lambda_.invoke("notices", client.events.generate_sqs_event([body]))

    printed = json.dumps({"Messages": [{"Body": mailed(campaign, *second, **DELIVERY)}]}, indent=1)
    file = tmp_path / "notices.json"
    file.write_text(printed, "utf-8")
    done = CliRunner().invoke(main, ["notices", str(file), "--data", str(tmp_path)])
    assert (done.exit_code, done.output) == (0, "1 delivered\n")
    lines = f"{mailed(campaign, *third, **DELIVERY)}\nno JSON\n"
    done = CliRunner().invoke(main, ["notices", "--data", str(tmp_path)], input=lines)
    assert done.exit_code == 1
    assert "1 delivered, 1 unread" in done.output
    assert "are no JSON; the others are on record" in done.output
    run(store, channel, NOON + HOUR)
    assert states(store, campaign) == {"delivered": 3}


def test_a_key_as_it_goes_out_is_read_back() -> None:
    """``message_key`` and what reads it agree, for a standing campaign too."""
    store = MemoryStore()
    campaign = replace(plan(store, range(1)), id="service-2026-06")
    place = f"service-2026-06/{campaign.nonce[:8]}-0255/{'0a' * 16}"
    body = mailed(campaign, place, everybody(store, plan_of(store))[0][1], **DELIVERY)
    assert learn_fates(store, KEY, [body], NOON) == {"delivered": 1}


def plan_of(store: Store) -> Campaign:
    return record.campaigns(store)[0]
