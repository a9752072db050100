"""The routes of improvement actions: seen, suggested, opened and moved, by whoever may."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from .. import actions, improving, periods
from ..actions import Action, NoAction, Wave
from ..published import Definitions
from ..survey import EchoformError
from ..survey.rules import clean
from . import asking
from .asking import Advance, Asked, Improvement
from .desk import Desk, Handler
from .reader import LowsOf
from .refusals import Denied
from .roles import OWNERS, NotAllowed, Person, Reach, concerns, reach, segments

_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
LONGEST_DAYS = 366
"""Of a wave that is looked through while somebody waits."""


def _list(desk: Desk, person: Person, asked: Asked, now: int) -> Any:
    _may(person, "actions")
    texts = asking.given(asked.query, {"survey"})
    found = [
        each
        for each in actions.every(desk.store, texts.get("survey", ""))
        if concerns(person, "actions", each)
    ]
    found.sort(key=lambda each: (each.state in actions.OVER, each.due, each.id))
    return {"items": [_shown(desk, each, now) for each in found], "now": now}


def _suggested(desk: Desk, person: Person, asked: Asked, now: int) -> Any:
    _may(person, "open_action")
    texts = asking.given(asked.query, {"survey", "wave", "segment"})
    segment = _segment(person, texts.get("segment", ""))
    if texts.get("survey") not in desk.definitions.surveys():
        raise Denied("not_found")
    try:
        wave = Wave(*periods.window(texts.get("wave", "")))
        if wave.days > LONGEST_DAYS:
            raise Denied("not_valid", why=f"a wave has at most {LONGEST_DAYS} days")
        found = desk.reader.lows(LowsOf(texts["survey"], wave, segment))
    except EchoformError as error:
        raise _refused(error) from None
    items = [msgspec.to_builtins(each) for each in found]
    return {"survey": texts["survey"], "wave": wave, "segment": segment, "items": items}


def _open(desk: Desk, person: Person, asked: Asked, now: int) -> Any:
    _may(person, "open_action")
    wanted = asking.read(Improvement, asked.body)
    if _segment(person, wanted.segment) != wanted.segment:
        raise NotAllowed("open_action")
    if wanted.survey not in desk.definitions.surveys():
        raise Denied("not_found")
    try:
        made = improving.begin(
            desk.store,
            wanted.survey,
            wanted.dimension,
            wanted.wave,
            person.sub,
            now,
            owner=clean(wanted.owner),
            due=wanted.due,
            cause=clean(wanted.cause),
            plan=clean(wanted.plan),
            target=wanted.target,
            segment=wanted.segment,
        )
    except EchoformError as error:
        raise _refused(error) from None
    return _detail(desk, person, made, now)


def _one(desk: Desk, person: Person, asked: Asked, now: int) -> Any:
    return _detail(desk, person, _found(desk, person, "actions", asked), now)


def _move(desk: Desk, person: Person, asked: Asked, now: int) -> Any:
    seen = _found(desk, person, "improve", asked)
    wanted = asking.read(Advance, asked.body)
    if wanted.move not in _moves(person, seen):
        raise Denied("illegal_move", legal=_moves(person, seen), why=f"no {wanted.move} now")

    def step(action: Action) -> actions.Step:
        if len(action.steps) != wanted.version:
            raise Denied("stale", action=_shown(desk, action, now))
        return _step(desk, person, action, wanted, now)

    try:
        made = actions.change(desk.store, seen.id, step)
    except EchoformError as error:
        raise _refused(error) from None
    return _detail(desk, person, made, now)


def _step(desk: Desk, person: Person, action: Action, wanted: Advance, now: int) -> actions.Step:
    said = clean(wanted.said)
    if wanted.move == "carry_out":
        today = improving.today(desk.definitions, action, now)
        return improving.carried_out(action, person.sub, now, today, said, wanted.wave)
    if wanted.move != "plan":
        return actions.Step(at=now, by=person.sub, kind=wanted.move, said=said)  # type: ignore[arg-type]
    items = improving.measured(desk.definitions.versions(action.survey), action.dimension)
    improving.reachable(wanted.target, items)
    return actions.Step(
        at=now,
        by=person.sub,
        kind="plan",
        said=said,
        cause=clean(wanted.cause),
        plan=clean(wanted.plan),
        owner=clean(wanted.owner),
        due=improving.day(wanted.due) if wanted.due else "",
        target=wanted.target,
    )


def _found(desk: Desk, person: Person, act: str, asked: Asked) -> Action:
    """Raises Denied; NotAllowed also where there is none, to whoever does not see all: names are
    easily guessed, and nobody is to learn what there is."""
    _may(person, act)
    id = asked.named["id"]
    try:
        action = actions.read(desk.store, id).action if _ID.fullmatch(id) else None
    except NoAction:
        action = None
    if action is None and reach(person, act) is Reach.ALL:
        raise Denied("not_found")
    if action is None or not concerns(person, act, action):
        raise NotAllowed(act)
    return action


def _may(person: Person, act: str) -> None:
    if reach(person, act) is Reach.NONE:
        raise NotAllowed(act)


def _segment(person: Person, wanted: str) -> str:
    """The segment that an action may be opened for; of a lead's one team where none is named.

    Raises NotAllowed.
    """
    if reach(person, "open_action") is Reach.ALL:
        return wanted
    mine = segments(person)
    if wanted in mine:
        return wanted
    if wanted or len(mine) != 1:
        raise NotAllowed("open_action")
    return mine[0]


def _moves(person: Person, action: Action) -> list[str]:
    """The moves that this person can make now."""
    far = reach(person, "improve")
    if not concerns(person, "improve", action):
        return []
    return [move for move in actions.legal(action) if far > Reach.OWN or move in OWNERS]


def _refused(error: EchoformError) -> EchoformError:
    """As the API says it; what is refused already stays."""
    known = isinstance(error, Denied | NotAllowed | NoAction)
    return error if known else Denied("not_valid", why=str(error))


def _shown(desk: Desk, action: Action, now: int) -> dict[str, Any]:
    """An action without its steps, and what the latest wave says of it."""
    today = improving.today(desk.definitions, action, now)
    found: dict[str, Any] = msgspec.to_builtins(action)
    found.pop("steps", None)
    empty = {"segment": "", "state": "planned", "target": None, "wave": None, "cause": ""}
    return {
        **empty,
        **found,
        "version": len(action.steps),
        "overdue": action.is_overdue(today),
        "judged": msgspec.to_builtins(action.judged),
    }


def _detail(desk: Desk, person: Person, action: Action, now: int) -> dict[str, Any]:
    return {
        "action": _shown(desk, action, now),
        "texts": _texts(desk.definitions, action),
        "history": [msgspec.to_builtins(step) for step in action.steps],
        "moves": _moves(person, action),
    }


def _texts(definitions: Definitions, action: Action) -> dict[str, dict[str, str]]:
    """What its ratings ask, by language."""
    known = improving.ratings(definitions.versions(action.survey))
    return {item: dict(known[item].text) for item in action.items if item in known}


HANDLERS: dict[tuple[str, str], Handler] = {
    ("GET", "/staff/actions"): _list,
    ("POST", "/staff/actions"): _open,
    ("GET", "/staff/actions/suggested"): _suggested,
    ("GET", "/staff/actions/{id}"): _one,
    ("POST", "/staff/actions/{id}"): _move,
}
