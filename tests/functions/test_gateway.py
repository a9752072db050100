"""The app answers what API Gateway's HTTP API hands over, in either of its formats."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

import app
from chalicelib import keys, links
from chalicelib.break_offs import BreakOff
from chalicelib.gateway import ORIGIN, came_by_the_site, read
from chalicelib.links import Link
from chalicelib.running import now
from chalicelib.storage import open_store
from chalicelib.survey import ids
from tests.functions.gatewayed import first, second
from tests.jobs.answering import contract, live

SURVEY = contract()
CODE = "7CMM26J97MNWHFGVQRM39J17AWQ"
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
Handed = Callable[..., dict[str, Any]]
CACHED = (app.settings, app.store, app.definitions)

pytestmark = pytest.mark.parametrize("handed", [first, second], ids=["1.0", "2.0"])


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ECHOFORM_DATA", str(tmp_path))
    for each in CACHED:
        each.cache_clear()
    live(open_store(str(tmp_path)), SURVEY)
    yield
    for each in CACHED:
        each.cache_clear()


def asked(event: dict[str, Any]) -> tuple[int, str]:
    """Status and body of the reply, to an event that came as JSON."""
    reply = app.app(json.loads(json.dumps(event)), None)
    return reply["statusCode"], reply["body"]


def landed() -> list[Any]:
    store = app.store()
    return [msgspec.json.decode(store.get(each.key).data) for each in store.list(keys.LANDING)]


def test_an_answer_is_taken(handed: Handed) -> None:
    answer = {
        "id": ids.make(now(), 1), "version": SURVEY.version, "language": "en",
        "answers": {"speed": 5, "care": 4, "comment": "很好"},
    }  # fmt: skip
    event = handed(
        "POST", "/responses/{survey}", msgspec.json.encode(answer), JSON, survey=SURVEY.id
    )
    assert asked(event)[0] == 201
    assert asked(event)[0] == 200, "the same bytes again"
    [found] = landed()
    assert found["answers"] == answer["answers"]


def test_a_plain_form_comes_in_base64(handed: Handed) -> None:
    form = {"_version": SURVEY.version, "_language": "en", "speed": "5", "care": "4"}
    event = handed("POST", "/responses/{survey}", urlencode(form).encode(), FORM, survey=SURVEY.id)
    assert event["isBase64Encoded"]
    assert asked(event)[0] == 303
    assert [each["answers"] for each in landed()] == [{"speed": 5, "care": 4}]


def test_who_left_is_told_as_a_line_of_text(handed: Handed) -> None:
    """As ``sendBeacon`` posts it."""
    mark = BreakOff(ids.make(now(), 1), SURVEY.version, "en", "speed")
    kind = {"content-type": "text/plain;charset=UTF-8"}
    event = handed("POST", "/break-offs/{survey}", mark.name.encode(), kind, survey=SURVEY.id)
    assert asked(event) == (204, "")
    assert [each.key.rpartition("/")[2] for each in app.store().list(keys.LEFT)] == [mark.name]


def test_nothing_is_sent_along(handed: Handed) -> None:
    """No body, no query, no named part: null in one format, absent in the other."""
    assert asked(handed("GET", "/health")) == (200, '{"status":"ok"}')
    code, body = asked(handed("POST", "/links", headers=JSON))
    assert (code, msgspec.json.decode(body)["error"]) == (400, "malformed")
    event = handed("GET", "/health")
    event["headers"] = None
    assert asked(event)[0] == 200


def test_a_code_stands_behind_the_question_mark(handed: Handed) -> None:
    """As mail programs post it in one click: no value, and no body that is read."""
    links.add(app.store(), {CODE: Link(SURVEY.id, personal=True, attributes={"customer": "C9"})})
    assert asked(handed("GET", "/optouts", query=CODE))[0] == 200
    assert asked(handed("POST", "/optouts", b"List-Unsubscribe=One-Click", FORM, CODE))[0] == 410
    assert read(handed("GET", "/staff/team", query="a=1%2C2&a=3&b="))[
        "multiValueQueryStringParameters"
    ] == {"a": ["1,2", "3"], "b": [""]}


def test_every_route_reaches_what_answers_it(handed: Handed) -> None:
    named = {"survey": "none", "id": "none"}
    for route, methods in app.app.routes.items():
        for method in methods:
            used = {name: value for name, value in named.items() if f"{{{name}}}" in route}
            code, body = asked(handed(method, route, b"{}", JSON, **used))
            assert code != 500, (method, route, body)


def test_the_route_is_the_resource_where_nothing_else_says_it(handed: Handed) -> None:
    event = handed("GET", "/health")
    del event["requestContext"]["resourcePath" if handed is first else "stage"]
    assert asked(event)[0] == 200


@pytest.mark.parametrize("said", [None, "", "wrong", "the wor", "the word ", "Ā", "\ud800"])
def test_who_goes_round_the_site_is_refused(
    handed: Handed, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is read, and whatever is asked; only whether it runs is told to anybody."""
    monkeypatch.setenv("ECHOFORM_ORIGIN", "the word")
    app.settings.cache_clear()
    monkeypatch.setattr(app, "store", None)
    claimed = JSON if said is None else JSON | {ORIGIN: said}
    for route, methods in app.app.routes.items():
        for method in methods:
            code, body = asked(handed(method, route, b"{}", claimed, survey="none", id="none"))
            if route == "/health":
                assert code == 200
            else:
                assert (code, msgspec.json.decode(body)["error"]) == (403, "forbidden"), route


def test_what_came_by_the_site_is_answered(handed: Handed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECHOFORM_ORIGIN", "the word")
    app.settings.cache_clear()
    assert asked(handed("GET", "/optouts", headers={ORIGIN: "the word"}, query=CODE))[0] == 200
    assert came_by_the_site({}, b""), "no word is configured on a laptop"
