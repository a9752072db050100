"""What staff get from the API: fields, errors, pages; and what they never get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from chalice.test import Client

import app
from chalicelib import keys, logs
from chalicelib.audit import Event
from chalicelib.columns import pseudonym
from chalicelib.follow_ups.events import opened
from chalicelib.running import now as clock
from chalicelib.running import run_job
from chalicelib.settings import Settings
from chalicelib.staff import api, reading
from chalicelib.staff.api import Desk
from chalicelib.staff.reader import AnswersOf, FeedbackOf, Invoked, answer
from chalicelib.staff.refusals import STATUS, WORDS
from tests.staff.desks import (
    HOUR,
    ITEMS,
    KEY,
    NOW,
    PHONES,
    RESPONSES,
    SURVEY,
    ask,
    asked,
    follow_up,
    open_desk,
    response,
    token,
)

QUEUE = "/staff/follow-ups"
ITEM = f"{QUEUE}/{{id}}"
OWN = {"id": ITEMS["own"]}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return open_desk(tmp_path)


def events(desk: Desk, what: str) -> list[Event]:
    found = [desk.store.get(entry.key).data for entry in desk.store.list(keys.AUDIT)]
    return [event for event in msgspec.json.decode(b"[%s]" % b",".join(found), type=list[Event])
            if event.what == what]  # fmt: skip


def step(desk: Desk, version: int, move: str, role: str = "agent", **data: str) -> tuple[int, Any]:
    return ask(desk, "POST", ITEM, token(role), {"version": version, "move": move, **data}, OWN)


def test_me(desk: Desk) -> None:
    code, me = ask(desk, "GET", "/staff/me", token("lead"), headers={"accept-language": "zh-HK,x"})
    assert code == 200
    assert me.pop("may") == ["act", "bulk", "contact", "feedback", "item", "me", "queue", "team"]
    assert me == {
        "sub": "A07", "role": "lead", "teams": ["T1"], "language": "zh-CN",
        "expires_at": NOW + HOUR,
    }  # fmt: skip


def test_an_item_tells_what_was_answered_in_both_languages_and_nothing_personal(desk: Desk) -> None:
    code, found = ask(desk, "GET", ITEM, token("agent"), named=OWN)
    assert code == 200
    said = {each["question"]: each for each in found["answers"]}
    assert said["responsiveness"]["said"] == {"zh-CN": "不适用", "en": "Not applicable"}
    assert said["resolved"]["said"] == {"zh-CN": "否", "en": "No"}
    assert said["improve"]["value"] == ["speed", "skill"]
    assert said["improve"]["said"]["en"] == "Speed, Knowledge"
    assert said["overall"] == {
        "question": "overall", "value": 3, "said": {"zh-CN": "3", "en": "3"},
        "text": {"zh-CN": "请为本次服务整体打分", "en": "Rate the service overall"},
    }  # fmt: skip
    assert "<script>" in said["why_low"]["value"], "as it is: whoever shows it makes it harmless"
    assert PHONES["own"] not in json.dumps(found)
    assert "C1" not in json.dumps(found["answers"])
    assert [each["kind"] for each in found["history"]] == ["open"]
    assert "call" in found["moves"]
    assert "assign" not in found["moves"]
    empty = {"cause": "", "attempts": [], "closed_at": None, "escalated": ""}
    assert {name: found["item"][name] for name in empty} == empty, "every field is there"


def test_an_item_whose_answers_are_not_kept_has_none(desk: Desk) -> None:
    desk.store.delete([entry.key for entry in desk.store.list(keys.RESPONSES)])
    code, found = ask(desk, "GET", ITEM, token("agent"), named=OWN)
    assert (code, found["answers"]) == (200, [])


def test_a_day_with_one_customer(desk: Desk) -> None:
    assert step(desk, 1, "call", channel="phone", outcome="no_answer")[0] == 200
    code, found = step(desk, 2, "call", channel="phone", outcome="reached", note="\x00 rang\x1b ")
    assert (code, found["item"]["state"], found["item"]["version"]) == (200, "contacted", 3)
    history = ask(desk, "GET", ITEM, token("agent"), named=OWN)[1]["history"]
    assert (history[-1]["note"], history[-1]["by"]) == ("rang", "A07")
    code, found = step(desk, 2, "note", note="late")
    assert (code, found["error"], found["item"]["version"]) == (409, "stale", 3)
    code, found = step(desk, 3, "close")
    assert (code, found["error"]) == (409, "illegal_move")
    assert "resolve" in found["legal"]
    assert step(desk, 3, "resolve", cause="part", remedy="sent")[1]["item"]["state"] == "resolved"


def test_whose_follow_up_it_was_before_is_told_so_and_is_no_trespasser(desk: Desk) -> None:
    given = {"id": ITEMS["team"]}
    for version, whose in ((1, "A07"), (2, "A08")):
        body = {"version": version, "move": "assign", "to": whose}
        assert ask(desk, "POST", ITEM, token("lead"), body, given)[0] == 200
    late = {"version": 2, "move": "take"}
    for method, body in (("POST", late), ("GET", None)):
        code, found = ask(desk, method, ITEM, token("agent"), body, given)
        assert (code, found["error"]) == (403, "taken")
        assert set(found) == {"error", "message", "problems"}, "nothing of it is told"
    assert events(desk, "refuse") == []
    code, found = ask(desk, "POST", ITEM, token("agent"), late, {"id": ITEMS["foreign"]})
    assert (code, found["error"]) == (403, "not_allowed_to")
    assert len(events(desk, "refuse")) == 1


@pytest.mark.parametrize("move", ["escalate", "verified", "unverified", "erase", "open", "fly"])
def test_nobody_makes_the_records_own_moves(desk: Desk, move: str) -> None:
    data = {"to": "lead", "reason": "x"}
    code, found = step(desk, 1, move, "admin", **data)
    assert (code, found["error"]) == (409, "illegal_move")
    assert desk.record.get(ITEMS["own"]).version == 1


BAD: dict[str, tuple[str, str, object, dict[str, str], tuple[int, str]]] = {
    "not JSON": ("POST", ITEM, b"{", {}, (400, "malformed")),
    "not UTF-8": ("POST", ITEM, b'{"move":"\xff"}', {}, (400, "malformed")),
    "nested": ("POST", ITEM, b"[" * 60_000, {}, (422, "not_valid")),
    "large": ("POST", ITEM, b" " * 70_000, {}, (413, "too_large")),
    "empty": ("POST", ITEM, b"", {}, (400, "malformed")),
    "no version": ("POST", ITEM, {"move": "note", "note": "x"}, {}, (422, "not_valid")),
    "more": ("POST", ITEM, {"version": 1, "move": "note", "by": "B"}, {}, (422, "not_valid")),
    "too long": (
        "POST", ITEM, {"version": 1, "move": "note", "note": "x" * 5000}, {}, (422, "not_valid")
    ),
    "bulk of others": (
        "POST", "/staff/bulk", {"move": "close", "items": [{"id": "x", "version": 1}]}, {},
        (422, "not_valid"),
    ),
    "bulk of too many": (
        "POST", "/staff/bulk", {"move": "assign", "items": [{"id": "x", "version": 1}] * 201}, {},
        (422, "not_valid"),
    ),
    "limit": ("GET", QUEUE, None, {"limit": "201"}, (422, "not_valid")),
    "limit in words": ("GET", QUEUE, None, {"limit": "²"}, (422, "not_valid")),
    "state": ("GET", QUEUE, None, {"state": "new,asleep"}, (422, "not_valid")),
    "flag": ("GET", QUEUE, None, {"overdue": "yes"}, (422, "not_valid")),
    "unknown": ("GET", QUEUE, None, {"sort": "id"}, (422, "not_valid")),
    "long search": ("GET", QUEUE, None, {"q": "x" * 300}, (422, "not_valid")),
    "cursor": ("GET", QUEUE, None, {"cursor": "x' or 1"}, (422, "not_valid")),
    "huge cursor": (
        "GET", QUEUE, None, {"cursor": "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5LCJ4Il0"}, (422, "not_valid")
    ),
    "feedback cursor": ("GET", "/staff/feedback", None, {"cursor": "Li4vLi4"}, (422, "not_valid")),
    "feedback cursor 2": ("GET", "/staff/feedback", None, {"cursor": "é"}, (422, "not_valid")),
    "days": ("GET", "/staff/team", None, {"from": "yesterday"}, (422, "not_valid")),
    "days backwards": (
        "GET", "/staff/team", None, {"from": "2026-02-02", "to": "2026-01-01"}, (422, "not_valid")
    ),
    "days for ever": (
        "GET", "/staff/team", None, {"from": "0", "to": "9" * 15}, (422, "not_valid")
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_its_documented_error(desk: Desk, name: str) -> None:
    method, route, body, query, expected = BAD[name]
    code, found = ask(desk, method, route, token("lead"), body, OWN, **query)
    assert (code, found["error"]) == expected, found
    assert set(found) - {"why"} == {"error", "message", "problems"}


@pytest.mark.parametrize("id", ["nothing", "../../links", "x' or '1'='1", "%00", "A" * 10_000])
def test_an_id_that_is_none_is_not_found(desk: Desk, id: str) -> None:
    for method, route in (("GET", ITEM), ("POST", ITEM), ("POST", f"{ITEM}/contact")):
        code, found = ask(
            desk, method, route, token("admin"), {"version": 1, "move": "x"}, {"id": id}
        )
        assert (code, found["error"]) == (404, "not_found")


def test_errors_speak_the_language_of_whoever_asks(desk: Desk) -> None:
    for language, message in (
        ("zh-TW,zh;q=0.9", "请先登录"),
        ("fr", "Sign in first"),
        ("", "Sign in first"),
    ):
        found = ask(desk, "GET", "/staff/me", "", headers={"accept-language": language})[1]
        assert found["message"] == message
    assert all(set(words) == set(STATUS) for words in WORDS.values())


def test_every_reply_is_kept_by_nobody_and_open_to_no_other_site(desk: Desk) -> None:
    for bearer in (token("agent"), ""):
        reply = asked(desk, "GET", "/staff/me", bearer, headers={"origin": "https://evil.test"})
        assert reply.headers["Cache-Control"] == "no-store"
        assert not [name for name in reply.headers if name.lower().startswith("access-control")]
    assert not any(entry.cors for route in app.STAFF for entry in app.app.routes[route].values())


def test_a_contact_is_told_once_it_is_noted_and_the_note_says_no_value(desk: Desk) -> None:
    code, found = ask(desk, "POST", f"{ITEM}/contact", token("agent"), named=OWN)
    assert code == 200
    assert found == {"phone": PHONES["own"], "customer": "C1"}
    (noted,) = events(desk, "read_contacts")
    assert (noted.who, noted.survey) == ("staff:A07", SURVEY.id)
    assert noted.facts == {"follow_up": pseudonym(ITEMS["own"], KEY)}
    ask(desk, "POST", f"{ITEM}/contact", token("agent"), named={"id": ITEMS["foreign"]})
    assert len(events(desk, "read_contacts")) == 1
    assert [event.facts for event in events(desk, "refuse")] == [{"act": "contact"}]


def test_who_cannot_note_it_does_not_read_it(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(api.audit, "record", full)
    with pytest.raises(OSError, match="disk full"):
        ask(desk, "POST", f"{ITEM}/contact", token("agent"), named=OWN)


def test_the_queue_is_what_is_due_first_page_by_page(desk: Desk) -> None:
    for number in range(10, 35):
        given = response(number, "A07", "T1", "1")
        due = NOW + (100 - number) * HOUR
        desk.record.open(opened(follow_up(given, first_contact_due=due, resolve_due=due), NOW))
    seen: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        found = ask(desk, "GET", QUEUE, token("agent"), limit="7", **more)[1]
        seen += found["items"]
        if found["next"] is None:
            break
        more = {"cursor": found["next"]}
    assert len({item["id"] for item in seen}) == len(seen) == 26
    assert [item["next_due"] for item in seen] == sorted(item["next_due"] for item in seen)
    assert found["counts"] == {"open": 26, "overdue": 1, "mine": 26}
    assert found["now"] == NOW
    late = ask(desk, "GET", QUEUE, token("agent"), overdue="1")[1]
    assert [item["id"] for item in late["items"]] == [ITEMS["own"]]


def test_the_queue_is_found_by_words_states_and_holders(desk: Desk) -> None:
    def ids_of(**query: str) -> set[str]:
        return {i["id"] for i in ask(desk, "GET", QUEUE, token("manager"), **query)[1]["items"]}

    assert ids_of() == set(ITEMS.values())
    assert ids_of(q="三天") == set(ITEMS.values())
    assert ids_of(q=RESPONSES["foreign"].id.lower()) == {ITEMS["foreign"]}
    assert ids_of(q="%") == set()
    assert ids_of(assignee="A08") == {ITEMS["team"]}
    assert ids_of(mine="1") == {ITEMS["own"]}
    assert ids_of(team="T2") == {ITEMS["foreign"]}
    assert ids_of(state="closed") == set()
    assert ids_of(state="all", survey="after-sales") == set(ITEMS.values())
    assert ids_of(priority="urgent") == set()


def test_bulk_says_of_each_what_became_of_it(desk: Desk) -> None:
    items = [{"id": ITEMS[name], "version": 1} for name in ITEMS]
    items += [{"id": "none", "version": 1}, {"id": ITEMS["own"], "version": 7}]
    body = {"move": "assign", "to": "A09", "items": items}
    assert ask(desk, "POST", "/staff/bulk", token("lead"), body)[1] == {
        "done": [ITEMS["own"], ITEMS["team"]],
        "failed": [
            {"id": ITEMS["foreign"], "error": "not_allowed_to"},
            {"id": "none", "error": "not_found"},
            {"id": ITEMS["own"], "error": "stale"},
        ],
    }


def test_feedback_comes_newest_first_page_by_page(desk: Desk) -> None:
    for number in range(10, 60):
        given = response(number, "A07", "T1", "1", at=NOW - number * 7 * HOUR)
        desk.store.create(keys.landing(SURVEY.id, given.id, given.digest), given.to_json())
    run_job("merge", Settings("", None, KEY), desk.store)
    seen: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        found = ask(desk, "GET", "/staff/feedback", token("agent"), limit="9", **more)[1]
        seen += found["items"]
        if found["next"] is None:
            break
        more = {"cursor": found["next"]}
    assert len(seen) == 51
    assert [e["response"] for e in seen] == sorted({e["response"] for e in seen}, reverse=True)
    assert seen[0]["facts"] == {"agent": "A07", "team": "T1"}
    text = json.dumps(seen)
    assert PHONES["own"] not in text
    assert "customer" not in text


def test_who_has_few_answers_gets_a_short_page_and_its_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "DAYS_AT_ONCE", 2)
    for number in range(10, 20):
        agent = "A07" if number == 19 else "X"
        given = response(number, agent, "T9", "1", at=NOW - number * 24 * HOUR)
        desk.store.create(keys.landing(SURVEY.id, given.id, given.digest), given.to_json())
    run_job("merge", Settings("", None, KEY), desk.store)
    pages, more, seen = 0, dict[str, str](), 0
    while pages < 20:
        found = ask(desk, "GET", "/staff/feedback", token("agent"), **more)[1]
        pages, seen = pages + 1, seen + len(found["items"])
        if found["next"] is None:
            break
        more = {"cursor": found["next"]}
    assert (pages, seen) == (6, 2)


def test_team_figures_are_of_the_days_asked_for(desk: Desk) -> None:
    found = ask(desk, "GET", "/staff/team", token("lead"))[1]
    assert (found["items"], found["open"], found["overdue"]) == (2, 2, 2)
    assert found["first_contact_on_time"] == {"n": 2, "share": 0.0}
    assert found["hours_to_solution"] == {"n": 0, "median": None, "mean": None}
    assert (found["detractors"], found["recovered_detractors"]) == (2, 0)
    assert [each["assignee"] for each in found["by"]] == ["A07", "A08"]
    days = {"from": "2026-02-01", "to": "2026-02-02"}
    assert ask(desk, "GET", "/staff/team", token("manager"), **days)[1]["items"] == 3
    days = {"from": "2026-01-01", "to": "2026-01-31"}
    assert ask(desk, "GET", "/staff/team", token("manager"), **days)[1]["items"] == 0


def test_reading_in_a_function_of_its_own_is_the_same(desk: Desk) -> None:
    far = Invoked(lambda body: json.dumps(answer(desk.reader, json.loads(body))).encode())
    asked_of = AnswersOf(SURVEY.id, RESPONSES["own"].id)
    assert far.answers(asked_of) == desk.reader.answers(asked_of)
    assert far.answers(AnswersOf("none", RESPONSES["own"].id)) is None
    assert far.answers(AnswersOf("../x", RESPONSES["own"].id)) is None
    wanted = FeedbackOf(agents=("A07",), teams=("T2",), limit=1)
    assert far.feedback(wanted) == desk.reader.feedback(wanted)
    assert far.feedback(wanted).next is not None
    with_far = msgspec.structs.replace(desk, reader=far)
    told = ask(with_far, "POST", f"{ITEM}/contact", token("agent"), named=OWN)[1]
    assert told == {"phone": PHONES["own"], "customer": "C1"}


def test_the_app_answers_staff(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through Chalice: headers, query, path and body arrive; what fails inside says nothing."""
    logs.to(None)
    desk = open_desk(tmp_path)
    monkeypatch.setattr(app, "desk", lambda: desk)
    monkeypatch.setattr(app, "definitions", lambda: desk.definitions)
    bearer = {"Authorization": f"Bearer {token('agent', at=clock() - 1)}"}
    with Client(app.app) as client:
        found = client.http.get(
            "/staff/follow-ups?limit=1&q=CALL&survey=after-sales", headers=bearer
        )
        assert (found.status_code, len(found.json_body["items"])) == (200, 1)
        body = json.dumps({"version": 1, "move": "note", "note": "你好"}).encode()
        moved = client.http.post(f"/staff/follow-ups/{ITEMS['own']}", headers=bearer, body=body)
        assert (moved.status_code, moved.json_body["item"]["version"]) == (200, 2)
        assert client.http.get("/staff/me").status_code == 401
        monkeypatch.setattr(app, "desk", lambda: None)
        broken = client.http.get("/staff/me", headers=bearer)
        assert (broken.status_code, broken.json_body["error"]) == (503, "unavailable")


@pytest.mark.parametrize("header", ["Basic {}", "{}", "Bearer", "Bearer  ", "Bearer {} {}", ""])
def test_a_token_comes_as_bearer_and_alone(desk: Desk, header: str) -> None:
    sent = {"authorization": header.format(*[token("admin")] * 2)}
    code, found = ask(desk, "GET", "/staff/me", "", headers=sent)
    assert (code, found["error"]) == (401, "no_token")
