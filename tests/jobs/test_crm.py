"""What was learnt goes back to the CRM: signed, once each, and nothing that it should not have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from chalicelib import keys
from chalicelib.channels import webhook
from chalicelib.channels.configured import Crm
from chalicelib.channels.port import Unavailable
from chalicelib.channels.posting import Reply
from chalicelib.erasing import erase
from chalicelib.follow_ups.events import Event, Item, item_id, opened
from chalicelib.follow_ups.port import Record
from chalicelib.follow_ups.sqlite import SqliteRecord
from chalicelib.jobs import crm
from chalicelib.jobs.crm import Done, tell_all
from chalicelib.jobs.merge import merge
from chalicelib.storage import MemoryStore, Store
from chalicelib.survey import EchoformError
from chalicelib.traces import find
from tests.jobs.answering import KEY, NOON, contract, land, live, said

SURVEY = contract()
HOUR = 60 * 60 * 1000


class Receiver:
    """A CRM that remembers, and takes so many."""

    def __init__(self, most: int = 1000) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.left = most

    def __call__(self, key: str, body: dict[str, Any]) -> bool:
        if not self.left:
            raise Unavailable("busy")
        self.left -= 1
        self.heard.append((key, body))
        return body["customer"] != "C2"


def response(number: int, customer: str = "", **more: Any) -> Any:
    answers = {"speed": 2, "care": 4, "comment": "等了三天", "phone": "13800138000"}
    known = {"customer": customer, "agent": "A07"} if customer else {"agent": "A07"}
    return said(number, SURVEY, answers=answers, attributes=known, **more)


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return SqliteRecord(tmp_path / "follow_ups.sqlite")


@pytest.fixture
def store() -> Store:
    store = MemoryStore()
    live(store, SURVEY)
    return store


def merged(store: Store, *responses: Any) -> None:
    land(store, *responses)
    merge(store, KEY, NOON + HOUR)


def test_a_known_customers_response_is_told_once_and_without_words_or_numbers(
    store: Store, record: Record
) -> None:
    one = response(1, "C1")
    merged(store, one, response(3))
    receiver = Receiver()
    assert tell_all(store, record, receiver, NOON + HOUR) == Done(responses=1)
    [(key, body)] = receiver.heard
    assert key == f"response-{one.id}"
    assert (body["customer"], body["scores"]["speed"], body["received_at"]) == ("C1", 2, NOON + 1)
    assert "等了三天" not in str(body)
    assert "13800138000" not in str(body)
    assert tell_all(store, record, receiver, NOON + HOUR) == Done()
    merged(store, response(4, "C4"))
    assert tell_all(store, record, receiver, NOON + HOUR) == Done(responses=1)
    assert receiver.heard[-1][1]["customer"] == "C4"


def test_what_was_cut_off_goes_on_and_what_is_refused_is_not_told_again(
    store: Store, record: Record
) -> None:
    merged(store, *(response(number, f"C{number}") for number in range(1, 6)))
    slow = Receiver(3)
    assert tell_all(store, record, slow, NOON + HOUR).postponed == 1
    rest = Receiver()
    tell_all(store, record, rest, NOON + HOUR)
    told = [key for key, _ in slow.heard + rest.heard]
    assert len(told) == len(set(told)) == 5
    assert tell_all(store, record, rest, NOON + HOUR) == Done()


def test_who_has_no_time_left_tells_nothing_and_the_next_run_does(
    store: Store, record: Record
) -> None:
    merged(store, response(1, "C1"))
    receiver = Receiver()
    assert tell_all(store, record, receiver, NOON + HOUR, lambda: 1.0) == Done()
    assert tell_all(store, record, receiver, NOON + HOUR) == Done(responses=1)


def test_what_is_old_is_not_told(store: Store, record: Record) -> None:
    merged(store, response(1, "C1"))
    receiver = Receiver()
    assert tell_all(store, record, receiver, NOON + 8 * 24 * HOUR) == Done()
    assert receiver.heard == []


def test_notes_go_with_the_days_of_which_nothing_is_told(store: Store, record: Record) -> None:
    merged(store, response(1, "C1"))
    tell_all(store, record, Receiver(), NOON + HOUR)
    assert [e.key for e in store.list(f"{keys.CRM}{SURVEY.id}/dt=")]
    receiver = Receiver()
    assert tell_all(store, record, receiver, NOON + 10 * 24 * HOUR) == Done()
    assert not [e.key for e in store.list(f"{keys.CRM}{SURVEY.id}/dt=")]


def test_a_closed_follow_up_is_told_once_with_what_was_done(store: Store, record: Record) -> None:
    one = response(1, "C1")
    merged(store, one)
    id = item_id(SURVEY.id, one.id, "unhappy")
    item = Item(
        id=id, survey=SURVEY.id, response=one.id, rule="unhappy", kind="no_contact",
        state="assigned", assignee="A07", received_at=NOON,
    )  # fmt: skip
    record.open(opened(item, NOON + 2))
    receiver = Receiver()
    assert tell_all(store, record, receiver, NOON + HOUR) == Done(responses=1)
    now = record.get(id)
    record.append(id, now.version, Event(id=id, number=0, at=NOON + 3, by="L1", kind="close"))
    assert tell_all(store, record, receiver, NOON + HOUR) == Done(follow_ups=1)
    assert tell_all(store, record, receiver, NOON + HOUR) == Done()
    key, body = receiver.heard[-1]
    assert (key, body["kind"], body["customer"]) == (f"follow-up-{id}-0", "follow_up", "C1")
    assert body["rule"] == "unhappy"


def test_who_is_erased_leaves_no_note(store: Store, record: Record) -> None:
    one = response(1, "C1")
    merged(store, one, response(3, "C3"))
    tell_all(store, record, Receiver(), NOON + HOUR)
    erase(store, KEY, find(store, KEY, SURVEY.id, "customer", "C1"), NOON + HOUR, "os:me")
    tell_all(store, record, Receiver(), NOON + HOUR)
    notes = [store.get(entry.key).data.decode() for entry in store.list(keys.CRM)]
    assert notes
    assert one.id not in "".join(notes)


def test_it_is_signed_and_named_and_says_when_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[tuple[bytes, dict[str, str]]] = []
    status = 200

    def post(url: str, body: bytes, headers: dict[str, str]) -> Reply:
        sent.append((body, headers))
        return Reply(status, b"")

    monkeypatch.setattr(webhook, "post", post)
    said = Crm(url="https://crm.example/hook", secret_from="CRM_SECRET")
    with pytest.raises(EchoformError, match="CRM_SECRET is not set"):
        crm.hook(said, {})
    tell = crm.hook(said, {"CRM_SECRET": "s3"})
    assert tell("response-1", {"customer": "C1"})
    body, headers = sent[0]
    assert msgspec.json.decode(body) == {"key": "response-1", "customer": "C1"}
    at = int(headers["Echoform-Signature"].partition(",")[0].removeprefix("t="))
    assert headers["Echoform-Signature"] == webhook.signature(b"s3", at, body)
    assert headers["Idempotency-Key"] == "response-1"
    status = 422
    assert not tell("response-2", {})
    status = 500
    with pytest.raises(Unavailable):
        tell("response-3", {})
