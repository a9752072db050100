"""Every route of staff's × every role × one's own customer, one's team's, a stranger's.

Routes are those of the app itself: a new one without a probe here fails, and a probe that is let in
anywhere but where ``ALLOWED`` says so fails.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import app
from chalicelib.staff.api import HANDLERS
from chalicelib.staff.desk import Desk
from chalicelib.staff.roles import MAY, NotAllowed, Person, scope
from chalicelib.staff.tokens import Names, Tokens
from tests.staff.desks import (
    ACTIONS,
    IMPROVED,
    ITEMS,
    KEY,
    NOW,
    PLAN,
    RESPONSES,
    SURVEY,
    WHOSE,
    ask,
    open_desk,
    token,
)

FOLLOW_UP = "/staff/follow-ups/{id}"
ACTION = "/staff/actions/{id}"
Probe = Callable[[Desk, str, str], bool]
"""Whether the holder of a token gets at one of the three customers."""


def status(method: str, route: str, body: Any = None) -> Probe:
    def probe(desk: Desk, bearer: str, which: str) -> bool:
        code, found = ask(desk, method, route, bearer, body, {"id": ITEMS[which]})
        assert code in (200, 401, 403), found
        assert code == 200 or ITEMS[which] not in str(found), "a refusal tells nothing"
        return code == 200

    return probe


def seen(route: str, look: Callable[[Any, str], bool]) -> Probe:
    def probe(desk: Desk, bearer: str, which: str) -> bool:
        code, found = ask(desk, "GET", route, bearer)
        assert code in (200, 401, 403), found
        return code == 200 and look(found, which)

    return probe


def given(desk: Desk, bearer: str, which: str) -> bool:
    body = {"move": "assign", "to": "A09", "items": [{"id": ITEMS[which], "version": 1}]}
    code, found = ask(desk, "POST", "/staff/bulk", bearer, body)
    return code == 200 and found["done"] == [ITEMS[which]]


def improved(method: str, body: Any = None) -> Probe:
    def probe(desk: Desk, bearer: str, which: str) -> bool:
        code, found = ask(desk, method, ACTION, bearer, body, {"id": IMPROVED[which]})
        assert code in (200, 401, 403), found
        assert code == 200 or "longer visits" not in str(found), "a refusal tells nothing"
        return code == 200

    return probe


def suggested(desk: Desk, bearer: str, which: str) -> bool:
    asked = {"survey": SURVEY.id, "wave": "2026-02", "segment": ACTIONS[which][0]}
    code, found = ask(desk, "GET", "/staff/actions/suggested", bearer, **asked)
    assert code in (200, 401, 403), found
    return code == 200


def begun(desk: Desk, bearer: str, which: str) -> bool:
    asked = {"survey": SURVEY.id, "wave": "2026-02", "dimension": "attitude", "owner": "A07"}
    body = {**asked, **PLAN, "segment": ACTIONS[which][0]}
    before = [*desk.store.list("actions/")]
    code, found = ask(desk, "POST", "/staff/actions", bearer, body)
    assert code in (200, 401, 403), found
    assert code == 200 or [*desk.store.list("actions/")] == before
    return code == 200


PROBES: dict[tuple[str, str], Probe] = {
    ("GET", "/staff/me"): status("GET", "/staff/me"),
    ("GET", "/staff/follow-ups"): seen(
        "/staff/follow-ups", lambda found, which: ITEMS[which] in [i["id"] for i in found["items"]]
    ),
    ("GET", FOLLOW_UP): status("GET", FOLLOW_UP),
    ("POST", FOLLOW_UP): status("POST", FOLLOW_UP, {"version": 1, "move": "note", "note": "x"}),
    ("POST", f"{FOLLOW_UP}/contact"): status("POST", f"{FOLLOW_UP}/contact"),
    ("POST", "/staff/bulk"): given,
    ("GET", "/staff/team"): seen(
        "/staff/team",
        lambda found, which: WHOSE[which][0] in [each["assignee"] for each in found["by"]],
    ),
    ("GET", "/staff/feedback"): seen(
        "/staff/feedback",
        lambda found, which: RESPONSES[which].id in [i["response"] for i in found["items"]],
    ),
    ("GET", "/staff/actions"): seen(
        "/staff/actions", lambda found, which: IMPROVED[which] in [i["id"] for i in found["items"]]
    ),
    ("POST", "/staff/actions"): begun,
    ("GET", "/staff/actions/suggested"): suggested,
    ("GET", ACTION): improved("GET"),
    ("POST", ACTION): improved("POST", {"version": 1, "move": "note", "said": "x"}),
}
ME = {("GET", "/staff/me")}
LEADS = {("POST", "/staff/bulk"), ("GET", "/staff/team")}
OPENING = {("POST", "/staff/actions"), ("GET", "/staff/actions/suggested")}
"""A lead opens actions for their teams: that one of them is about one agent says no segment."""
EVERYTHING = set(PROBES)
ALLOWED: dict[str, dict[str, set[tuple[str, str]]]] = {
    "agent": {"own": EVERYTHING - LEADS - OPENING, "team": ME, "foreign": ME},
    "lead": {"own": EVERYTHING - OPENING, "team": EVERYTHING, "foreign": ME},
    "manager": {"own": EVERYTHING, "team": EVERYTHING, "foreign": EVERYTHING},
    "admin": {"own": EVERYTHING, "team": EVERYTHING, "foreign": EVERYTHING},
}
NOBODY: dict[str, set[tuple[str, str]]] = {"own": set(), "team": set(), "foreign": set()}


class Saying:
    """An issuer that says a role."""

    def __init__(self, role: object) -> None:
        self._role = role

    def claims(self, token: str) -> dict[str, Any]:
        seconds = NOW // 1000
        times = {"iat": seconds - 1, "exp": seconds + 60}
        return {"sub": "A07", "role": self._role, "teams": ["T1"], **times}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return open_desk(tmp_path)


def test_every_route_of_staffs_is_in_the_matrix() -> None:
    routes = {
        (method, route)
        for route, methods in app.app.routes.items()
        if route.startswith("/staff")
        for method in methods
    }
    assert routes == set(HANDLERS) == set(PROBES)


@pytest.mark.parametrize("which", WHOSE)
@pytest.mark.parametrize("role", ALLOWED)
@pytest.mark.parametrize("route", PROBES, ids=" ".join)
def test_nobody_gets_further_than_their_role(
    desk: Desk, route: tuple[str, str], role: str, which: str
) -> None:
    assert PROBES[route](desk, token(role), which) is (route in ALLOWED[role][which])


@pytest.mark.parametrize("role", ["root", "", "Agent", "agent ", None, 7, {"agent": 1}, ["x"]])
@pytest.mark.parametrize("route", PROBES, ids=" ".join)
def test_an_unknown_role_is_nobody(tmp_path: Path, route: tuple[str, str], role: object) -> None:
    desk = open_desk(tmp_path, Tokens(KEY, Saying(role), Names()))
    for which in WHOSE:
        assert not PROBES[route](desk, "an.issuers.token", which)


@pytest.mark.parametrize("bearer", ["", "x", "a.b.c"])
@pytest.mark.parametrize("route", PROBES, ids=" ".join)
def test_without_a_token_there_is_nothing(desk: Desk, route: tuple[str, str], bearer: str) -> None:
    for which in WHOSE:
        assert not PROBES[route](desk, bearer, which)
    code, found = ask(desk, *route, bearer, named={"id": "no-such"})
    assert (code, found["error"]) == (401, "no_token"), "and nobody learns what there is"


@pytest.mark.parametrize("role", ALLOWED)
@pytest.mark.parametrize("route", PROBES, ids=" ".join)
def test_who_is_revoked_is_so_at_once(desk: Desk, route: tuple[str, str], role: str) -> None:
    bearer = token(role)
    ask(desk, *route, bearer, named={"id": ITEMS["own"]})
    desk.record.revoke("A07", NOW)
    code, found = ask(desk, *route, bearer, named={"id": ITEMS["own"]})
    assert (code, found["error"]) == (401, "revoked")
    again = token(role, at=NOW + 1)
    assert ask(desk, "GET", "/staff/me", again, now=NOW + 2)[0] == 200, "a new one is good"
    assert ask(desk, "GET", "/staff/me", token(role, sub="A08"))[0] == 200, "others stay"


def test_a_lead_without_a_team_and_an_agent_without_customers_see_nothing(desk: Desk) -> None:
    for bearer in (token("lead", "L1", ()), token("lead", "L1", ("",)), token("agent", "X", ())):
        found = ask(desk, "GET", "/staff/follow-ups", bearer)[1]
        assert (found["items"], found["counts"]["open"]) == ([], 0)
        assert ask(desk, "GET", "/staff/feedback", bearer)[1]["items"] == []


def test_what_was_given_to_a_team_waits_for_any_of_it(desk: Desk) -> None:
    """And not for another team's agent; and not once somebody has it."""
    body = {"version": 1, "move": "assign", "team": "T3"}
    boss = token("manager")
    assert ask(desk, "POST", FOLLOW_UP, boss, body, {"id": ITEMS["foreign"]})[0] == 200
    theirs = {"id": ITEMS["foreign"]}
    inside, outside = token("agent", "S1", ("T3",)), token("agent", "S2", ("T4",))
    assert ask(desk, "GET", FOLLOW_UP, inside, named=theirs)[0] == 200
    assert ask(desk, "GET", FOLLOW_UP, outside, named=theirs)[0] == 403
    taken = ask(desk, "POST", FOLLOW_UP, inside, {"version": 2, "move": "take"}, theirs)
    assert taken[0] == 200
    assert ask(desk, "GET", FOLLOW_UP, token("agent", "S3", ("T3",)), named=theirs)[0] == 403


def test_asking_for_others_is_refused_not_narrowed(desk: Desk) -> None:
    refused = [
        ("agent", "/staff/feedback", {"agent": "B01"}),
        ("agent", "/staff/feedback", {"team": "T1"}),
        ("lead", "/staff/feedback", {"team": "T2"}),
        ("lead", "/staff/team", {"team": "T2"}),
    ]
    for role, route, query in refused:
        assert ask(desk, "GET", route, token(role), **query)[0] == 403, (role, query)
    theirs = ask(desk, "GET", "/staff/feedback", token("lead"), agent="B01")
    assert theirs[1]["items"] == [], "an agent who may have served the team too"


def test_an_act_that_nobody_was_given_is_denied() -> None:
    for role in MAY:
        with pytest.raises(NotAllowed):
            scope(Person(sub="A07", role=role, teams=["T1"]), "erase_everything")


def test_an_agent_sees_to_what_they_own_and_changes_no_plan(desk: Desk) -> None:
    """And what is about them and somebody else's to see to, they read alone."""
    mine = {"id": IMPROVED["own"]}
    found = ask(desk, "GET", ACTION, token("agent"), named=mine)[1]
    assert found["moves"] == ["carry_out", "note"]
    plan = {"version": 1, "move": "plan", "target": 1.0}
    code, refused = ask(desk, "POST", ACTION, token("agent"), plan, mine)
    assert (code, refused["error"], refused["legal"]) == (409, "illegal_move", found["moves"])
    given = {"version": 1, "move": "plan", "owner": "L1"}
    assert ask(desk, "POST", ACTION, token("lead"), given, mine)[0] == 200
    seen = ask(desk, "GET", ACTION, token("agent"), named=mine)
    assert (seen[0], seen[1]["moves"]) == (200, [])
    note = {"version": 2, "move": "note", "said": "x"}
    assert ask(desk, "POST", ACTION, token("agent"), note, mine)[0] == 403


def test_whether_there_is_an_action_is_told_to_whoever_sees_all(desk: Desk) -> None:
    for role, code in (("agent", 403), ("lead", 403), ("manager", 404), ("admin", 404)):
        for id in ("after-sales-attitude-99", "../../links", "", "A" * 10_000):
            assert ask(desk, "GET", ACTION, token(role), named={"id": id})[0] == code


def test_what_a_lead_opens_is_for_a_team_of_theirs_alone(desk: Desk) -> None:
    for segment in ("", "team=", "team=T2", "agent=A07", "team=T1,team=T2"):
        query = {"survey": SURVEY.id, "wave": "2026-02", "segment": segment}
        code, found = ask(desk, "GET", "/staff/actions/suggested", token("lead"), **query)
        assert (code, found.get("segment")) == ((200, "team=T1") if not segment else (403, None))
        body = {"survey": SURVEY.id, "wave": "2026-02", "dimension": "attitude", "owner": "A07"}
        body |= {**PLAN, "segment": segment}
        assert ask(desk, "POST", "/staff/actions", token("lead"), body)[0] == 403
