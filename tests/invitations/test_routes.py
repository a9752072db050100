"""The routes of invitations, through the real application."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from chalice.test import Client

import app
from chalicelib.invitations import contact_rule, record
from chalicelib.invitations.service_events import ServiceEvents, signature
from chalicelib.running import now
from chalicelib.site import SiteRecord
from chalicelib.storage import FolderStore
from tests.invitations.asking import KEY, SURVEY, Memory, plan, run
from tests.laying import lay_site

SECRET = "both sides have it"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("ECHOFORM_DATA", str(tmp_path))
    monkeypatch.setenv("ECHOFORM_KEY", KEY.decode())
    monkeypatch.setenv("ECHOFORM_EVENTS", SECRET)
    for known in (app.settings, app.store, app.definitions):
        known.cache_clear()
    with Client(app.app) as client:
        yield client


def test_the_way_out_is_a_page_and_its_button(client: Client, store: FolderStore) -> None:
    channel = Memory()
    plan(store, range(1))
    run(store, channel)
    [code] = [message.text for message in channel.taken]
    address = f"/optouts?{code}"
    assert client.http.get(address).status_code == 200
    assert not contact_rule.OptOuts(store).refresh(), "looked at, not pressed"
    # RFC 8058: what a mail program posts
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    pressed = client.http.post(address, headers=form, body=b"List-Unsubscribe=One-Click")
    assert (pressed.status_code, pressed.headers["Content-Type"][:9]) == (200, "text/html")
    assert contact_rule.OptOuts(store).refresh().keys() == {
        *contact_rule.person(KEY, "C0", "c0@example.com")
    }
    assert client.http.post("/optouts?" + "0" * 27, headers=form, body=b"").status_code == 410
    assert client.http.post("/optouts", headers=form, body=b"").status_code == 410


def test_a_signed_event_is_planned_once(client: Client, store: FolderStore) -> None:
    plan(store, ())
    lay_site(store, SiteRecord(service_events={SURVEY.id: ServiceEvents(after_hours=2)}))
    at = now() // 1000
    event = {
        "id": "WO-1",
        "survey": SURVEY.id,
        "completed_at": datetime.fromtimestamp(at, UTC).isoformat(),
        "customer": "C1",
        "addresses": {"email": "c1@example.com"},
    }
    body = json.dumps(event).encode()
    signed = {"Echoform-Signature": signature(SECRET.encode(), at, body)}

    def told(headers: dict[str, str]) -> tuple[int, str]:
        reply = client.http.post("/events/service-completed", headers=headers, body=body)
        return reply.status_code, reply.json_body.get("status") or reply.json_body["error"]

    assert told({}) == (401, "unsigned")
    assert told(signed) == (202, "planned")
    assert told(signed) == (200, "replayed")
    [campaign] = [each for each in record.campaigns(store) if each.standing]
    [shard] = record.shards(store, campaign)
    assert [each.to for each in shard.invitations.values()] == ["c1@example.com"]
