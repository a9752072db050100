"""A staff API of a few lines, in memory: people by their tokens, follow-ups by their versions.

Enough for the pages to be used against; what the real one refuses is its own tests' to hold.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

from chalicelib.running import now
from chalicelib.survey import Contract
from generator.headers import headers_of
from generator.site import Site
from generator.staffing import staff_pages
from tests.browser.listening import Answering, listening

Data: TypeAlias = dict[str, Any]

MINUTE = 60_000
HOUR = 60 * MINUTE

WORKED = ("new", "assigned", "contacted", "in_progress", "reopened")
MOVES: dict[str, tuple[tuple[str, ...], str]] = {
    "take": (("new", "assigned", "reopened"), "assigned"),
    "assign": (WORKED, "assigned"),
    "call": (("assigned", "contacted", "reopened"), "contacted"),
    "note": ((*WORKED, "resolved", "closed"), ""),
    "start": (("contacted",), "in_progress"),
    "resolve": (("contacted", "in_progress"), "resolved"),
    "reopen": (("resolved", "closed"), "reopened"),
    "give_up": (("assigned", "contacted"), "unreachable"),
    "close": (("unreachable",), "closed"),
}


ACTION_MOVES = {
    "planned": ["plan", "carry_out", "note", "drop"],
    "carried_out": ["note", "drop"],
    "improved": ["note"],
    "reopened": ["plan", "note", "drop"],
    "dropped": ["note"],
}


def action(number: int, **facts: Any) -> Data:
    """An improvement action that nothing was done for yet."""
    first = {"at": now() - 48 * HOUR, "by": "M1", "kind": "open"}
    return {
        "id": f"after-sales-attitude-{number}",
        "survey": "after-sales",
        "dimension": "attitude",
        "items": ["attitude"],
        "baseline": {"first": "2026-07-01", "last": "2026-09-30"},
        "segment": "",
        "state": "planned",
        "owner": "L1",
        "due": "2026-11-30",
        "overdue": False,
        "target": 4.2,
        "cause": "",
        "plan": "",
        "wave": None,
        "judged": None,
        "version": 1,
        "history": [first],
        **facts,
    }


def item(number: int, **facts: Any) -> Data:
    """One follow-up, due in as many minutes as its number."""
    due = now() + number * MINUTE
    return {
        "id": f"01KITEM{abs(number):06d}-{'late' if number < 0 else 'due'}",
        "survey": "after-sales",
        "response": "01K",
        "rule": "unresolved",
        "title": {"zh-CN": "问题未解决，请尽快回访", "en": "Not solved. Call back soon"},
        "priority": "normal",
        "kind": "call",
        "state": "new",
        "agent": "A07",
        "team": "北区",
        "assignee": "",
        "assigned_to_team": "北区",
        "facts": {"agent": "A07", "store": "012", "service_type": "维修"},
        "scores": {"overall": 3},
        "index": 28.5,
        "comment": "",
        "customer_masked": f"王** ({number})",
        "received_at": now() - HOUR,
        "first_contact_due": due,
        "resolve_due": due + 24 * HOUR,
        "next_due": due,
        "attempts": [],
        "reopened": 0,
        "escalated": "",
        "outcome": "",
        "version": 1,
        **facts,
    }


class Desk:
    """People by their tokens, follow-ups with their history, and what goes wrong next."""

    def __init__(self, pages: dict[str, bytes]) -> None:
        self.pages = pages
        self.people: dict[str, Data] = {}
        self.items: dict[str, Data] = {}
        self.histories: dict[str, list[Data]] = {}
        self.answers: list[Data] = []
        self.team: Data = {}
        self.feedback: list[Data] = []
        self.actions: list[Data] = []
        self.lows: list[Data] = []
        self.requests: list[str] = []
        self.contacts: list[str] = []
        self.faults: list[str] = []
        """For the next posts: ``lost`` after it was done, ``down`` before."""
        self.down = False
        self.ended = ""
        """Why every token is refused."""
        self.lock = threading.Lock()
        self.url = ""

    def add(self, *items: Data) -> None:
        for each in items:
            self.items[each["id"]] = each
            opened = {"number": 1, "at": each["received_at"], "by": "system", "kind": "open"}
            self.histories[each["id"]] = [opened]

    def sign_in(self, sub: str, role: str = "agent", language: str = "en") -> str:
        token = f"h.{sub}.s{len(self.people)}"
        may = ["feedback", "queue", "actions", "improve"]
        may += ["team", "bulk", "open_action"] * (role != "agent")
        self.people[token] = {
            "sub": sub, "role": role, "teams": ["北区"], "language": language,
            "expires_at": now() + HOUR, "may": may,
        }  # fmt: skip
        return token

    def move(self, id: str, body: Data, by: str) -> tuple[int, Data]:
        """As the API does it: the version first, then whether it is legal."""
        seen = self.items[id]
        if seen["version"] != body["version"]:
            return 409, {"error": "stale", "item": seen}
        move = body["move"]
        if move not in self.legal(seen):
            return 409, {"error": "illegal_move", "legal": self.legal(seen)}
        facts = {name: value for name, value in body.items() if name not in ("version", "move")}
        number = seen["version"] + 1
        self.histories[id].append({"number": number, "at": now(), "by": by, "kind": move, **facts})
        state = MOVES[move][1] or seen["state"]
        if move == "call" and facts["outcome"] not in ("reached", "refused"):
            state = seen["state"]
        changes: Data = {"state": state, "version": number}
        if move == "take":
            changes["assignee"] = by
        if move == "assign":
            changes |= {"assignee": facts.get("to", "")}
        if move == "resolve":
            changes |= {"next_due": None, "resolved_at": now()}
        self.items[id] = seen | changes
        return 200, {"item": self.items[id], "moves": self.legal(self.items[id])}

    def legal(self, seen: Data) -> list[str]:
        return [name for name, (states, _) in MOVES.items() if seen["state"] in states]

    def get(self, path: str, asked: Data, person: Data) -> tuple[int, Data]:
        parts = path.strip("/").split("/")
        if parts == ["me"]:
            return 200, person
        if parts == ["team"]:
            return 200, self.team
        if parts == ["feedback"]:
            at = int(asked.get("cursor", 0))
            more = at + 20 < len(self.feedback)
            return 200, {"items": self.feedback[at : at + 20], "next": str(at + 20) * more or None}
        if parts == ["actions"]:
            return 200, {"items": [{**each, "history": None} for each in self.actions]}
        if parts == ["actions", "suggested"]:
            return 200, {**asked, "segment": asked.get("segment", ""), "items": self.lows}
        if parts[0] == "actions":
            return self.action(unquote(parts[1]))
        if len(parts) == 2:
            found = self.items.get(parts[1])
            if found is None:
                return 404, {"error": "not_found", "message": "there is none"}
            history, legal = self.histories[parts[1]], self.legal(found)
            answers = self.answers
            return 200, {"item": found, "answers": answers, "history": history, "moves": legal}
        return 200, self.page(asked, person["sub"])

    def action(self, id: str) -> tuple[int, Data]:
        for each in self.actions:
            if each["id"] == id:
                texts = {"attitude": {"zh-CN": "服务态度", "en": "Attitude of our staff"}}
                moves = ACTION_MOVES[each["state"]]
                return 200, {
                    "action": each, "history": each["history"], "texts": texts, "moves": moves
                }  # fmt: skip
        return 404, {"error": "not_found"}

    def improve(self, id: str, body: Data, by: str) -> tuple[int, Data]:
        """A move on an improvement action, or a new one where there is no id."""
        if not id:
            self.actions.append(action(len(self.actions) + 1, **body))
            return self.action(self.actions[-1]["id"])
        seen = next(each for each in self.actions if each["id"] == id)
        if seen["version"] != body["version"]:
            return 409, {"error": "stale", "action": seen}
        seen["history"].append({"at": now(), "by": by, "kind": body["move"], **body})
        seen["version"] += 1
        seen["state"] = {"carry_out": "carried_out", "drop": "dropped", "plan": "planned"}.get(
            body["move"], seen["state"]
        )
        return self.action(id)

    def page(self, asked: Data, sub: str) -> Data:
        open_ones = [each for each in self.items.values() if each["state"] != "closed"]
        due = sorted(open_ones, key=lambda each: (each["next_due"] or 1 << 53, each["id"]))
        wanted = [
            each
            for each in due
            if all(each[n] == asked.get(n, each[n]) for n in ("state", "priority", "assignee"))
            and ("mine" not in asked or each["assignee"] == sub)
            and ("overdue" not in asked or (each["next_due"] or 1 << 53) < now())
            and asked.get("q", "") in each["customer_masked"] + each["comment"]
        ]
        at, limit = int(asked.get("cursor", 0)), int(asked["limit"])
        overdue = sum((each["next_due"] or 1 << 53) < now() for each in due)
        return {
            "items": wanted[at : at + limit],
            "next": str(at + limit) if at + limit < len(wanted) else None,
            "now": now(),
            "counts": {
                "open": len(due),
                "overdue": overdue,
                "mine": sum(each["assignee"] == sub for each in due),
            },
        }

    def post(self, path: str, body: Data, person: Data) -> tuple[int, Data]:
        parts = path.strip("/").split("/")
        if parts[0] == "actions":
            return self.improve(unquote("".join(parts[1:])), body, person["sub"])
        if parts[-1] == "contact":
            self.contacts.append(parts[1])
            return 200, {"phone": "138 0013 8000", "email": "c@example.com"}
        if parts == ["bulk"]:
            done, failed = [], []
            facts = {name: body[name] for name in ("move", "to", "team") if name in body}
            for each in body["items"]:
                status, reply = self.move(
                    each["id"], {**facts, "version": each["version"]}, person["sub"]
                )
                if status == 200:
                    done.append(each["id"])
                else:
                    failed.append({"id": each["id"], "error": reply["error"]})
            return 200, {"done": done, "failed": failed}
        return self.move(parts[1], body, person["sub"])


@contextmanager
def serve(*contracts: Contract, site: Site | None = None) -> Iterator[Desk]:
    desk = Desk(staff_pages(contracts, site or Site()))

    class Handler(Answering):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            place = urlsplit(self.path)
            desk.requests.append(self.path)
            if page := desk.pages.get(place.path.lstrip("/") + "index.html"):
                self._reply(200, page, {"Content-Type": "text/html", **headers_of(page)})
                return
            asked = {name: values[0] for name, values in parse_qs(place.query).items()}
            self._json(lambda person: desk.get(self._path(), asked, person))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fault = desk.faults.pop(0) if desk.faults else ""
            self._json(lambda person: desk.post(self._path(), body, person), fault)

        def _path(self) -> str:
            return urlsplit(self.path).path.removeprefix("/api/staff")

        def _json(self, answer: Any, fault: str = "") -> None:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if desk.down or fault == "down":
                status, reply = 503, {"error": "unavailable"}
            elif desk.ended or token not in desk.people:
                status, reply = 401, {"error": desk.ended or "no_token"}
            else:
                with desk.lock:
                    status, reply = answer(desk.people[token])
            if fault == "lost":
                self.close_connection = True
                return
            data = json.dumps(reply).encode()
            self._reply(status, data, {"Content-Type": "application/json"})

    with listening(Handler) as desk.url:
        yield desk
