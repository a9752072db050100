"""The figures of a team's follow-ups, for whoever leads it: how many, how fast, with what end."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from .. import days
from ..days import DAY_MS
from ..follow_ups.events import Item
from ..follow_ups.performance import Counted, is_detractor, performance, promoting
from ..follow_ups.port import Query, Scope
from . import asking
from .asking import Asked
from .desk import Desk, Handler
from .refusals import Denied
from .roles import NotAllowed, Person, Reach, reach, scope

PERIOD_DAYS = 30
"""What figures are of where nobody says when."""
LONGEST_DAYS = 366


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


HANDLERS: dict[tuple[str, str], Handler] = {
    ("GET", "/staff/team"): _team,
}
