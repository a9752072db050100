"""Service events: signed, fresh, taken once, and never an invitation to who must not get one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chalicelib.collecting import Reply
from chalicelib.days import DAY_MS
from chalicelib.invitations import contact_rule, record
from chalicelib.invitations.invitation import Invitation
from chalicelib.invitations.service_events import (
    LARGEST,
    REFUSED,
    ServiceEvents,
    completed,
    signature,
)
from chalicelib.published import Definitions, close, publish
from chalicelib.storage import MemoryStore
from tests.invitations.asking import KEY, NOON, SURVEY, Memory, run

HOUR = 60 * 60 * 1000
SECRET = b"both sides have it"
KNOWN = {SURVEY.id: ServiceEvents(after_hours=2)}
EVENT: dict[str, Any] = {
    "id": "WO-1",
    "survey": SURVEY.id,
    "completed_at": "2026-06-01T12:00:00+08:00",
    "customer": "C1",
    "language": "en",
    "addresses": {"email": "c1@example.com", "sms": "13800138000"},
    "attributes": {"agent": "A7"},
    "fields": {"name": "A"},
}


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    publish(store, SURVEY, NOON)
    return store


def sent(
    store: MemoryStore,
    event: object = EVENT,
    *,
    now: int = NOON,
    signed: int | None = None,
    secret: bytes = SECRET,
    body: bytes | None = None,
) -> Reply:
    body = msgspec.json.encode(event) if body is None else body
    header = signature(secret, (now if signed is None else signed) // 1000, body)
    headers = {"echoform-signature": header}
    return completed(store, KEY, SECRET, KNOWN, Definitions(store), headers, body, now)


def told(reply: Reply) -> Any:
    return msgspec.json.decode(reply.body)


def planned(store: MemoryStore) -> list[Invitation]:
    return [
        each
        for campaign in record.campaigns(store)
        for shard in record.shards(store, campaign)
        for each in shard.invitations.values()
    ]


def test_a_service_is_followed_by_an_invitation_hours_later(store: MemoryStore) -> None:
    reply = sent(store)
    assert reply.status == 202
    assert told(reply)["send_at"] == NOON + 2 * HOUR
    channel = Memory()
    assert run(store, channel, NOON + HOUR).sent == 0
    assert run(store, channel, NOON + 2 * HOUR).sent == 1
    assert channel.to == {"c1@example.com": 1}


def test_the_same_event_again_plans_nothing_more(store: MemoryStore) -> None:
    first = told(sent(store))
    again = sent(store, now=NOON + 60_000)
    assert (again.status, told(again)["status"]) == (200, "replayed")
    assert told(again)["invitation"] == first["invitation"]
    assert len(planned(store)) == 1


def test_another_event_under_its_id_is_a_conflict(store: MemoryStore) -> None:
    sent(store)
    assert sent(store, {**EVENT, "customer": "C2"}).status == 409


def test_quiet_hours_are_waited_for(store: MemoryStore) -> None:
    late = NOON + 8 * HOUR  # 20:00, so that two hours later is 22:00
    event = {**EVENT, "completed_at": "2026-06-01T20:00:00+08:00"}
    assert told(sent(store, event, now=late))["send_at"] == NOON + 21 * HOUR


@pytest.mark.parametrize(
    "more",
    [
        {"secret": b"another"},
        {"signed": NOON - 6 * 60_000},
        {"signed": NOON + 6 * 60_000},
    ],
)
def test_what_is_not_signed_now_is_refused(store: MemoryStore, more: dict[str, Any]) -> None:
    assert sent(store, **more).status == 401
    assert planned(store) == []


def test_without_a_secret_nothing_is_taken(store: MemoryStore) -> None:
    body = msgspec.json.encode(EVENT)
    headers = {"echoform-signature": signature(b"", NOON // 1000, body)}
    reply = completed(store, KEY, b"", KNOWN, Definitions(store), headers, body, NOON)
    assert reply.status == 401


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"completed_at": "2026-06-01T12:00:00"}, "completed_at"),
        ({"completed_at": "2026-01-01T12:00:00Z"}, "completed_at"),
        ({"completed_at": "2027-01-01T12:00:00Z"}, "completed_at"),
        ({"language": "xx"}, "language"),
        ({"attributes": {"weather": "fine"}}, "attributes.weather"),
        ({"addresses": {}}, "addresses"),
        ({"addresses": {"email": "a\r\nBcc: b@example.com"}}, "addresses.email"),
        ({"addresses": {"sms": "no number"}}, "addresses.sms"),
        ({"surprise": 1}, ""),
    ],
)
def test_what_is_wrong_is_said_by_field(
    store: MemoryStore, more: dict[str, Any], field: str
) -> None:
    reply = sent(store, {**EVENT, **more})
    assert reply.status == 422
    assert [problem["field"] for problem in told(reply)["problems"]] == [field]
    assert planned(store) == []


def test_bodies_are_bounded_and_must_be_json(store: MemoryStore) -> None:
    assert sent(store, body=b"x" * (LARGEST + 1)).status == 413
    assert sent(store, body=b"{").status == 400
    assert sent(store, body=b'"' + b"[" * 5000).status == 400
    assert sent(store, {**EVENT, "survey": "another"}).status == 404


def test_a_closed_survey_asks_nobody(store: MemoryStore) -> None:
    close(store, SURVEY.id, NOON - 1)
    assert sent(store).status == 410


def test_who_opted_out_or_was_just_asked_is_not_asked(store: MemoryStore) -> None:
    contact_rule.opt_out(store, contact_rule.person(KEY, "", "13800138000"), NOON)
    assert told(sent(store)) == {"status": "excluded", "reason": "opted_out"}
    other = {**EVENT, "id": "WO-2", "customer": "C2", "addresses": {"email": "c2@example.com"}}
    sent(store, other)
    run(store, Memory(), NOON + 2 * HOUR)
    third = {**other, "id": "WO-3"}
    run(store, channel := Memory(), NOON + 3 * HOUR)
    sent(store, third, now=NOON + HOUR)
    run(store, channel, NOON + 4 * HOUR)
    assert channel.to == {}


def test_months_are_campaigns_of_their_own(store: MemoryStore) -> None:
    sent(store)
    later = NOON + 31 * DAY_MS
    event = {**EVENT, "id": "WO-9", "completed_at": "2026-07-02T11:00:00+08:00"}
    assert sent(store, event, now=later).status == 202
    assert [c.id for c in record.campaigns(store)] == ["service-2026-06", "service-2026-07"]


def test_every_refusal_has_a_status_and_words() -> None:
    assert {status for status, _ in REFUSED.values()} == {400, 401, 404, 409, 410, 413, 422}
