"""The API of staff: who asks is known first, then whether they may, and only then what there is.

``HANDLERS`` is every route; app.py hands requests in. Each handler names the act it is, and
``roles`` says how far that reaches: the table there is the only place where anybody is allowed
anything.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from .. import audit, days
from ..collecting import Reply
from ..columns import CUSTOMER, pseudonym
from ..follow_ups.acting import act
from ..follow_ups.events import OPEN, Event, Item
from ..follow_ups.moves import IllegalMove, fold, legal
from ..follow_ups.opening import open_record
from ..follow_ups.performance import Counted, is_detractor, performance, promoting
from ..follow_ups.port import MOST, Query, Scope, Stale, Unknown, in_scope
from ..published import DAY_MS, Definitions
from ..settings import Settings
from ..storage import Missing, Store
from ..survey import Contract
from . import asking, improvements, said
from .asking import Asked, Bulk, Step
from .desk import Desk, Handler
from .reader import AnswersOf, ContactsOf, FeedbackOf, Given, open_reader
from .refusals import HEADERS, Denied, refusal, spoken
from .roles import MAY, NotAllowed, Person, Reach, reach, require, scope
from .tokens import BadToken, open_tokens

USUAL = 50
"""Items on a page where nobody says how many."""
PERIOD_DAYS = 30
"""What team figures are of where nobody says when."""
LONGEST_DAYS = 366


def open_desk(settings: Settings, store: Store, environ: Mapping[str, str]) -> Desk:
    return Desk(
        store,
        settings.key,
        Definitions(store),
        open_record(settings),
        open_tokens(settings.key, environ, time.monotonic),
        open_reader(store, environ),
    )


def asked(request: Any, named: Mapping[str, str]) -> Asked:
    """The framework's request, without the framework."""
    return Asked(
        request.method,
        request.context["resourcePath"],
        named,
        dict(request.query_params or {}),
        {name.lower(): value for name, value in request.headers.items()},
        request.raw_body,
    )


def answer(desk: Desk, asked: Asked, now: int) -> Reply:
    """The reply to any request; whoever is refused for who they are is noted in the audit trail."""
    language = asked.headers.get("accept-language", "").split(",")[0].split(";")[0].strip()
    person = None
    try:
        person = known(desk, asked.headers, now)
        handler = HANDLERS[asked.method, asked.route]
        found = handler(desk, person, asked, now)
    except BadToken as bad:
        return refusal(Denied(bad.code), language)
    except NotAllowed as refused:
        if person is not None:
            audit.record(desk.store, f"staff:{person.sub}", "refuse", now, act=refused.act)
        return refusal(Denied("not_allowed_to", act=refused.act), language)
    except Denied as denied:
        return refusal(denied, language)
    except (Unknown, Missing):
        return refusal(Denied("not_found"), language)
    except Stale as stale:
        return refusal(Denied("stale", item=shown(stale.item)), language)
    except IllegalMove as illegal:
        return refusal(Denied("illegal_move", legal=illegal.legal, why=illegal.why), language)
    return Reply(200, msgspec.json.encode(found), HEADERS)


def known(desk: Desk, headers: Mapping[str, str], now: int) -> Person:
    """Who asks. Raises BadToken, also for a person whose tokens were revoked."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        raise BadToken("no_token")
    verified = desk.tokens.check(token.strip(), now)
    if verified.issued_at <= desk.record.revoked_since(verified.person.sub):
        raise BadToken("revoked")
    return verified.person


def _me(desk: Desk, person: Person, asked: Asked, now: int) -> Any:
    scope(person, "me")
    preferred = person.language or asked.headers.get("accept-language", "").split(",")[0]
    return {
        "sub": person.sub,
        "role": person.role,
        "teams": person.teams,
        "language": spoken(preferred) if preferred else "",
        "expires_at": person.expires_at,
        "may": sorted(MAY[person.role]),
    }


def _queue(desk: Desk, person: Person, asked: Asked, now: int) -> Any:
    mine = scope(person, "queue")
    query = asking.found(asked.query, mine, person.sub, now)
    limit = asking.limit(asked.query, MOST, USUAL)
    try:
        page = desk.record.page(query, asked.query.get("cursor") or None, limit)
    except (ValueError, OverflowError):
        raise Denied("not_valid", why="cursor is none of ours") from None
    counts = desk.record.counts(Query(scope=mine), now)
    own = Query(assignee=person.sub, states=tuple(sorted(OPEN)))
    return {
        "items": [shown(item) for item in page.items],
        "next": page.next,
        "now": now,
        "counts": {
            "open": counts.open,
            "overdue": counts.overdue,
            "mine": desk.record.counts(own, now).open,
        },
    }


def _item(desk: Desk, person: Person, asked: Asked, now: int) -> Any:
    item = desk.record.get(asked.named["id"])
    _require(desk, person, "item", item)
    history = desk.record.history(item.id)
    helped = item.verification.response
    return {
        "item": shown(item),
        "answers": _answers(desk, item.survey, item.response),
        "verification": _answers(desk, item.verify_with, helped) if helped else [],
        "history": [told(event) for event in history],
        "moves": legal(item, person.role),
    }


def _act(desk: Desk, person: Person, asked: Asked, now: int) -> Any:
    item = desk.record.get(asked.named["id"])
    _require(desk, person, "act", item)
    step = asking.read(Step, asked.body)
    moved = _moved(desk, person, item.id, step, now)
    return {"item": shown(moved), "moves": legal(moved, person.role)}


def _require(desk: Desk, person: Person, act: str, item: Item) -> None:
    """Raises NotAllowed; Denied where it was theirs before, which is no trespass: another of the
    team was faster, or a lead gave it away."""
    try:
        require(person, act, item)
    except NotAllowed:
        history = desk.record.history(item.id)
        mine = scope(person, act)
        if mine and any(in_scope(fold(history[:n]), mine) for n in range(1, len(history))):
            raise Denied("taken") from None
        raise


def _moved(desk: Desk, person: Person, id: str, step: Step, now: int) -> Item:
    who, role = person.sub, person.role
    try:
        return act(
            desk.record, desk.definitions, id, step.version, step.move, step.data, who, role, now
        )
    except ValueError as error:
        raise Denied("not_valid", why=str(error)) from None


def _bulk(desk: Desk, person: Person, asked: Asked, now: int) -> Any:
    scope(person, "bulk")
    bulk = asking.read(Bulk, asked.body)
    done: list[str] = []
    failed: list[dict[str, Any]] = []
    for seen in bulk.items:
        step = Step(version=seen.version, move=bulk.move, to=bulk.to, team=bulk.team)
        try:
            require(person, "bulk", desk.record.get(seen.id))
            _moved(desk, person, seen.id, step, now)
        except (NotAllowed, Unknown, Stale, IllegalMove, Denied) as error:
            failed.append({"id": seen.id, "error": _CODES[type(error)]})
        else:
            done.append(seen.id)
    return {"done": done, "failed": failed}


_CODES: dict[type[Exception], str] = {
    NotAllowed: "not_allowed_to",
    Unknown: "not_found",
    Stale: "stale",
    IllegalMove: "illegal_move",
    Denied: "not_valid",
}


def _contact(desk: Desk, person: Person, asked: Asked, now: int) -> Any:
    item = desk.record.get(asked.named["id"])
    require(person, "contact", item)
    # Noted first: whoever cannot record does not read. The name of the item is a pseudonym there,
    # because a trail that nobody may shorten must not lead to somebody who is erased.
    about = pseudonym(item.id, desk.key)
    audit.record(
        desk.store, f"staff:{person.sub}", "read_contacts", now, item.survey, follow_up=about
    )
    cells = desk.reader.contacts(ContactsOf(item.survey, item.response))
    return _named(desk, item.survey, cells)


def _named(desk: Desk, survey: str, cells: Mapping[str, Any]) -> dict[str, Any]:
    """Contacts by what they are: the first telephone number is ``phone``, the first address
    ``email``; the rest is called as its question."""
    kinds = {
        field.id: field.kind
        for contract in desk.definitions.versions(survey)
        for field in contract.fields
    }
    found: dict[str, Any] = {}
    for name, cell in cells.items():
        kind = kinds.get(name, "")
        found[kind if kind in ("phone", "email") and kind not in found else name] = cell
    return found


def _team(desk: Desk, person: Person, asked: Asked, now: int) -> Any:
    mine = scope(person, "team")
    texts = asking.given(asked.query, {"from", "to", "team"})
    first = _moment(desk, texts.get("from"), now - PERIOD_DAYS * DAY_MS, 0)
    last = _moment(desk, texts.get("to"), now + 1, 1)
    if not 0 < last - first <= (LONGEST_DAYS + 1) * DAY_MS:
        raise Denied("not_valid", why=f"from must be before to, by at most {LONGEST_DAYS} days")
    if texts.get("team"):
        mine = _of_team(person, texts["team"])
    query = Query(scope=mine, opened_from=first, opened_to=last)
    scores = {
        survey: promoting(desk.definitions.versions(survey))
        for survey in desk.definitions.surveys()
    }

    def detractor(item: Item | Counted) -> bool:
        return bool(is_detractor(item, scores.get(item.survey, ())))

    whole, by = performance(desk.record.scan(query), now, detractor)
    each = [{"assignee": name, **msgspec.to_builtins(found)} for name, found in by.items()]
    return {"from": first, "to": last, **msgspec.to_builtins(whole), "by": each}


def _of_team(person: Person, team: str) -> Scope:
    """One team's follow-ups, for whoever may see them. Raises NotAllowed."""
    if reach(person, "team") < Reach.ALL and team not in person.teams:
        raise NotAllowed("team")
    return Scope(teams=(team,))


def _moment(desk: Desk, text: str | None, otherwise: int, after: int) -> int:
    """A day's beginning, ``after`` days on, in the time zone of the first survey; or a moment in
    milliseconds. Raises Denied."""
    if not text:
        return otherwise
    if text.isascii() and text.isdecimal() and len(text) <= 15:
        return int(text)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Denied("not_valid", why=f"{text!r} is no day such as 2026-05-17") from None
    if not 1971 <= day.year <= 2999:
        raise Denied("not_valid", why=f"{text!r} is no day such as 2026-05-17")
    surveys = desk.definitions.surveys()
    timezone = desk.definitions.current(surveys[0]).timezone if surveys else "UTC"
    noon = (day.toordinal() + after - date(1970, 1, 1).toordinal()) * DAY_MS + DAY_MS // 2
    return days.start(noon, timezone)


def _feedback(desk: Desk, person: Person, asked: Asked, now: int) -> Any:
    far = reach(person, "feedback")
    if far is Reach.NONE:
        raise NotAllowed("feedback")
    texts = asking.given(asked.query, {"agent", "team", "cursor", "limit"})
    wanted = replace(
        _whose(person, far, texts.get("agent", ""), texts.get("team", "")),
        before=asking.where(asked.query),
        limit=asking.limit(asked.query, 100, USUAL),
    )
    found = desk.reader.feedback(wanted)
    return {
        "items": [_heard(desk, given) for given in found.items],
        "next": asking.cursor(found.next),
    }


def _whose(person: Person, far: Reach, agent: str, team: str) -> FeedbackOf:
    """Whose customers' answers. Raises NotAllowed."""
    if far is Reach.ALL or (far is Reach.TEAM and team and team in person.teams):
        return FeedbackOf(
            agents=(agent,) if agent else None, teams=(team,) if team else None, narrow=True
        )
    if team or (far is Reach.OWN and agent not in ("", person.sub)):
        raise NotAllowed("feedback")
    if far is Reach.OWN or agent == person.sub:
        return FeedbackOf(agents=(person.sub,))
    teams = tuple(person.teams)
    if agent:
        return FeedbackOf(agents=(agent,), teams=teams, narrow=True)
    return FeedbackOf(agents=(person.sub,), teams=teams)


def _heard(desk: Desk, given: Given) -> dict[str, Any]:
    contract = desk.definitions.contract(given.survey, given.version)
    return {
        "survey": given.survey,
        "title": contract.title,
        "response": given.response,
        "received_at": given.received_at,
        "language": given.language,
        "channel": given.channel,
        "index": given.index,
        "facts": _facts(contract, given),
        "answers": said.answers(contract, given.cells),
    }


def _facts(contract: Contract, given: Given) -> dict[str, str]:
    names = [name for name in contract.attributes if name != CUSTOMER]
    return {name: given.cells[name] for name in names if name in given.cells}


def _answers(desk: Desk, survey: str, response: str) -> list[said.Said]:
    """What the response said; nothing where it is not kept any more."""
    given = desk.reader.answers(AnswersOf(survey, response))
    if given is None:
        return []
    return said.answers(desk.definitions.contract(given.survey, given.version), given.cells)


def shown(item: Item) -> dict[str, Any]:
    """An item with every field, also those that say nothing; not the link that asks the customer,
    by whose hash nobody needs to know it."""
    asked = asdict(replace(item.verification, link=""))
    asked.pop("link")
    return asdict(item) | {"verification": asked}


def told(event: Event) -> dict[str, Any]:
    """What happened, for the history: without the item as it began, which is the item."""
    found: dict[str, Any] = msgspec.to_builtins(replace(event, item=None, clock=None, link=""))
    return found


HANDLERS: dict[tuple[str, str], Handler] = {
    ("GET", "/staff/me"): _me,
    ("GET", "/staff/follow-ups"): _queue,
    ("GET", "/staff/follow-ups/{id}"): _item,
    ("POST", "/staff/follow-ups/{id}"): _act,
    ("POST", "/staff/follow-ups/{id}/contact"): _contact,
    ("POST", "/staff/bulk"): _bulk,
    ("GET", "/staff/team"): _team,
    ("GET", "/staff/feedback"): _feedback,
    **improvements.HANDLERS,
}
