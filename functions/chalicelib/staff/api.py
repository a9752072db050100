"""The API of staff: who asks is known first, then whether they may, and only then what there is.

``HANDLERS`` is every route; app.py hands requests in. Follow-ups are handled here, all else in the
modules beside. Each handler names the act it is, and ``roles`` says how far that reaches: the table
there is the only place where anybody is allowed anything.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from .. import audit
from ..collecting import Reply
from ..columns import pseudonym
from ..follow_ups.acting import act
from ..follow_ups.events import OPEN, Event, Item
from ..follow_ups.moves import IllegalMove, fold, legal
from ..follow_ups.opening import open_record
from ..follow_ups.port import MOST, Query, Stale, Unknown, in_scope
from ..published import Definitions
from ..settings import Settings
from ..storage import Missing, Store
from . import asking, feedback, improvements, said, team
from .asking import Asked, Bulk, Step
from .desk import Desk, Handler
from .reader import AnswersOf, ContactsOf, open_reader
from .refusals import HEADERS, Denied, refusal, spoken
from .roles import MAY, NotAllowed, Person, require, scope
from .tokens import BadToken, open_tokens


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
    limit = asking.limit(asked.query, MOST, asking.USUAL)
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
    **team.HANDLERS,
    **feedback.HANDLERS,
    **improvements.HANDLERS,
}
