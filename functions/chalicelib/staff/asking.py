"""What a request of staff's asks: query and body read into types, refused where they are wrong."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from ..follow_ups.events import OPEN, PRIORITIES, STATES
from ..follow_ups.port import MOST, Query, Scope
from ..survey.rules import clean
from .refusals import Denied

LARGEST_BODY = 64 * 1024
USUAL = 50
"""Items on a page where nobody says how many."""
_OF_A_LIST = {
    "survey", "state", "team", "assignee", "priority", "overdue", "mine", "q", "cursor", "limit",
}  # fmt: skip
ALL = "all"
"""``state=all``: closed ones too."""
_LONGEST = 200
_WHERE = re.compile(r"(\d{4}-\d\d-\d\d)\|([0-9A-Z]{26}|~)")

Brief = Annotated[str, Meta(max_length=_LONGEST)]
Long = Annotated[str, Meta(max_length=4000)]
Middling = Annotated[str, Meta(max_length=2000)]
Version = Annotated[int, Meta(ge=1, le=2**31)]


class Asked(Struct, frozen=True):
    """A request, without the framework. Header names are in lower case."""

    method: str
    route: str
    named: Mapping[str, str] = {}
    """What the route's ``{names}`` stand for."""
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A move on one follow-up, and its data."""

    version: Version
    move: Brief
    to: Brief = ""
    team: Brief = ""
    channel: Brief = ""
    outcome: Brief = ""
    note: Long = ""
    cause: Long = ""
    remedy: Long = ""
    reason: Long = ""

    @property
    def data(self) -> dict[str, str]:
        """What was given with the move, as it is kept."""
        given = {name: clean(getattr(self, name)) for name in self.__struct_fields__[2:]}
        return {name: text for name, text in given.items() if text}


class Seen(Struct, frozen=True, forbid_unknown_fields=True):
    id: Brief
    version: Version


class Bulk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Many follow-ups given to somebody, or to a team."""

    move: Literal["assign"]
    to: Brief = ""
    team: Brief = ""
    items: Annotated[list[Seen], Meta(min_length=1, max_length=MOST)]


class Improvement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An improvement action to open."""

    survey: Brief
    dimension: Brief
    wave: Brief
    """In which it is low."""
    owner: Brief
    due: Brief
    cause: Middling
    plan: Middling
    target: float | None = None
    segment: Brief = ""


class Advance(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A move on one improvement action, and its data."""

    version: Version
    """How many steps were seen."""
    move: Brief
    said: Middling = ""
    cause: Middling = ""
    plan: Middling = ""
    owner: Brief = ""
    due: Brief = ""
    target: float | None = None
    wave: Brief = ""


_T = TypeVar("_T", Step, Bulk, Improvement, Advance)
_DECODERS = {kind: msgspec.json.Decoder(kind) for kind in (Step, Bulk, Improvement, Advance)}


def read(kind: type[_T], body: bytes) -> _T:
    """Raises Denied."""
    if len(body) > LARGEST_BODY:
        raise Denied("too_large")
    try:
        return _DECODERS[kind].decode(body)  # type: ignore[return-value]
    except msgspec.ValidationError as error:
        raise Denied("not_valid", why=str(error)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Denied("malformed") from None


def found(query: Mapping[str, str], scope: Scope | None, sub: str, now: int) -> Query:
    """What a list is of. Raises Denied."""
    texts = given(query, _OF_A_LIST)
    states = tuple(filter(None, texts.get("state", "").split(",")))
    _one_of("state", set(states), {*STATES, ALL})
    _one_of("priority", {texts.get("priority", "")}, {"", *PRIORITIES})
    assignee = sub if _flag(texts, "mine") else texts.get("assignee", "")
    return Query(
        scope=None if assignee == sub else scope,  # one's own are in anybody's scope
        assignee=assignee,
        team=texts.get("team", ""),
        states=() if ALL in states else states or tuple(sorted(OPEN)),
        priority=texts.get("priority", ""),
        survey=texts.get("survey", ""),
        due_before=now if _flag(texts, "overdue") else None,
        text=texts.get("q", ""),
    )


def given(query: Mapping[str, str], known: set[str]) -> dict[str, str]:
    """The query's texts. Raises Denied where one is too long, or means nothing here."""
    for name, value in query.items():
        if name not in known:
            raise Denied("not_valid", why=f"there is no {name}; there are: {_listed(known)}")
        if len(value) > _LONGEST:
            raise Denied("not_valid", why=f"{name} has more than {_LONGEST} characters")
    return dict(query)


def limit(query: Mapping[str, str], most: int, usual: int) -> int:
    """How many a page holds. Raises Denied."""
    text = query.get("limit") or str(usual)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= most):
        raise Denied("not_valid", why=f"limit must be from 1 to {most}")
    return int(text)


def where(query: Mapping[str, str]) -> tuple[str, str] | None:
    """Where a page of feedback begins: day and response. Raises Denied."""
    cursor = query.get("cursor")
    if not cursor:
        return None
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        text = ""
    place = _WHERE.fullmatch(text)
    if place is None:
        raise Denied("not_valid", why="cursor is none of ours")
    return place[1], place[2]


def cursor(place: tuple[str, str] | None) -> str | None:
    """The opaque name of a place."""
    return urlsafe_b64encode("|".join(place).encode()).decode().rstrip("=") if place else None


def _flag(texts: Mapping[str, str], name: str) -> bool:
    _one_of(name, {texts.get(name, "")}, {"", "0", "1"})
    return texts.get(name) == "1"


def _one_of(name: str, values: set[str], known: set[str]) -> None:
    if not values <= known:
        raise Denied("not_valid", why=f"{name} must be one of: {_listed(known - {''})}")


def _listed(known: set[str]) -> str:
    return ", ".join(sorted(known))
