"""A desk with three customers: one's own, one of the own team, and a stranger's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from chalicelib.collecting import Reply
from chalicelib.follow_ups.events import Item, item_id, opened
from chalicelib.follow_ups.sqlite import SqliteRecord
from chalicelib.improving import begin
from chalicelib.published import Definitions, publish
from chalicelib.running import run_job
from chalicelib.settings import Settings
from chalicelib.staff.api import answer
from chalicelib.staff.asking import Asked
from chalicelib.staff.desk import Desk
from chalicelib.staff.reader import here
from chalicelib.staff.tokens import Tokens, mint
from chalicelib.storage import MemoryStore
from chalicelib.survey import Contract, Response, ids
from tests.surveys import after_sales

KEY = b"a secret of the functions"
NOW = 1_770_000_000_000
HOUR = 60 * 60 * 1000
SURVEY = after_sales()
WHOSE = {"own": ("A07", "T1"), "team": ("A08", "T1"), "foreign": ("B01", "T2")}
PHONES = {"own": "13800138001", "team": "13800138002", "foreign": "13800138003"}


def response(number: int, agent: str, team: str, phone: str, at: int = NOW - HOUR) -> Response:
    return Response(
        id=ids.make(at, number),
        survey=SURVEY.id,
        version=SURVEY.version,
        language="zh-CN",
        channel="personal",
        received_at=at,
        attributes={"customer": f"C{number}", "agent": agent, "team": team},
        answers={
            "service_type": "repair",
            "responsiveness": "na",
            "resolution": 2,
            "attitude": 1,
            "resolved": "no",
            "overall": 3,
            "recommend": 2,
            "improve": ["speed", "skill"],
            "why_low": "等了三天 <script>alert(1)</script>",
            "phone": phone,
        },
    )


def follow_up(given: Response, survey: Contract = SURVEY, **more: Any) -> Item:
    held = {
        "id": item_id(survey.id, given.id, "unresolved"),
        "survey": survey.id,
        "response": given.id,
        "rule": "unresolved",
        "title": {"zh-CN": "回访", "en": "Call back"},
        "agent": given.attributes["agent"],
        "team": given.attributes["team"],
        "assigned_to_team": given.attributes["team"],
        "assignee": given.attributes["agent"],
        "state": "assigned",
        "scores": {"overall": 3, "recommend": 2},
        "comment": "等了三天",
        "received_at": given.received_at,
        "first_contact_due": given.received_at + HOUR // 2,
        "resolve_due": given.received_at + 24 * HOUR,
    }
    return Item(**held | more)


RESPONSES = {
    name: response(number, *WHOSE[name], PHONES[name]) for number, name in enumerate(WHOSE, 1)
}
ACTIONS = {
    "own": ("agent=A07", "A07"), "team": ("team=T1", "A08"), "foreign": ("team=T2", "B01"),
}  # fmt: skip
"""Segments and owners of improvement actions."""
IMPROVED = {name: f"{SURVEY.id}-attitude-{number}" for number, name in enumerate(ACTIONS, 1)}
"""Their ids."""
PLAN = {"due": "2026-03-01", "cause": "no time", "plan": "<b>longer visits</b>"}
ITEMS = {name: follow_up(given).id for name, given in RESPONSES.items()}


def open_desk(folder: Path, tokens: Tokens | None = None) -> Desk:
    """Answers merged, and a follow-up opened for each."""
    store = MemoryStore()
    publish(store, SURVEY, NOW - 1000 * HOUR)
    for given in RESPONSES.values():
        store.create(f"landing/{SURVEY.id}/{given.id}-{given.digest}.json", given.to_json())
    run_job("merge", Settings("", None, KEY), store)
    record = SqliteRecord(folder / "follow_ups.sqlite")
    for given in RESPONSES.values():
        record.open(opened(follow_up(given), NOW - HOUR))
    for segment, owner in ACTIONS.values():
        begin(
            store, SURVEY.id, "attitude", "2026-01", "M1", NOW - HOUR,
            owner=owner, segment=segment, target=4.5, **PLAN,
        )  # fmt: skip
    return Desk(store, KEY, Definitions(store), record, tokens or Tokens(KEY), here(store))


def token(role: str, sub: str = "A07", teams: tuple[str, ...] = ("T1",), at: int = NOW) -> str:
    return mint(KEY, sub, role, [*teams], at, HOUR)


def ask(
    desk: Desk,
    method: str,
    route: str,
    bearer: str,
    body: Any = None,
    named: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    now: int = NOW,
    **query: str,
) -> tuple[int, Any]:
    """Status and body of the reply."""
    reply = asked(desk, method, route, bearer, body, named, headers, now, **query)
    return reply.status, msgspec.json.decode(reply.body)


def asked(
    desk: Desk,
    method: str,
    route: str,
    bearer: str,
    body: Any = None,
    named: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    now: int = NOW,
    **query: str,
) -> Reply:
    sent = {"authorization": f"Bearer {bearer}"} if bearer else {}
    data = body if isinstance(body, bytes) else msgspec.json.encode(body) if body else b""
    return answer(desk, Asked(method, route, named or {}, query, sent | (headers or {}), data), now)
