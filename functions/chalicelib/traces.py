"""Finding a person: every place of a survey's data that speaks of somebody.

Whoever is meant by their response id, by what links call their ``customer``, or by a telephone
number or address they left. Answers wander from ``claims/`` over ``landing/`` to the parts, so the
places are looked through in that order: what is on its way is met before it goes or after it came.

An erasure is rare, so this reads all of the survey rather than keep an index of people. By
response it reads one day.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeAlias

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from . import claims, days, keys, parts
from .columns import CUSTOMER, blinded_id, pseudonym
from .days import DAY_MS
from .invitations import contact_rule
from .published import Definitions
from .storage import Missing, Store
from .survey import ids
from .uploads import FRESH_DAYS, claimed

By: TypeAlias = Literal["response", "customer", "contact"]
AT_ONCE = 16
_HASH = re.compile("[0-9a-f]{32}")


class Traces(Struct, kw_only=True):
    """What speaks of one person in one survey. No value of theirs is in here."""

    survey: str
    by: By
    responses: set[str] = set()
    links: set[str] = set()
    """Hashes of links that know the person, or were made for them."""
    claims: set[str] = set()
    """Hashes of links whose one answer is among the responses."""
    objects: set[str] = set()
    """Keys of what landed or was rejected, and is no response that has an id."""
    uploads: set[str] = set()
    """Keys of files they sent, and of the claims on them."""
    invitations: dict[str, set[str]] = {}
    """Their invitations, by the key of the shard that has them."""
    people: set[str] = set()
    """The hashes by which the contact rule knows them."""
    seen: int = 0
    """How many rows and objects were met. A response may be named that none speaks of."""

    def __bool__(self) -> bool:
        return self.seen > 0


def find(store: Store, secret: bytes, survey: str, by: By, value: str) -> Traces:
    """``secret`` is the one that makes customers pseudonyms."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        search = _Search(store, survey, by, _MEANT[by](value, secret), pool)
        contract = Definitions(store).current(survey)
        if contract.anonymous:  # rows know a response by another id of the same day
            search.known_as = lambda id: blinded_id(id, contract.timezone, secret)
        search.invited(secret)
        if by == "response":
            search.one(value)
        else:
            search.everything()
        search.invited(secret)
        search.uploaded()
        return search.found


class _Meant(Struct, frozen=True):
    """How one person is told from others, in what landed and in rows."""

    value: str
    same: Callable[[object], bool]
    """Whether a value in the place for it is theirs."""
    place: str
    """Where a response has it: ``id``, ``attributes`` or ``answers``."""
    pseudonym: str | None = None


class _Search:
    def __init__(
        self, store: Store, survey: str, by: By, meant: _Meant, pool: ThreadPoolExecutor
    ) -> None:
        self._store = store
        self._survey = survey
        self._meant = meant
        self._pool = pool
        self.known_as: Callable[[str], str] = lambda id: id
        definitions = Definitions(store)
        self._timezone = definitions.current(survey).timezone
        versions = definitions.versions(survey)
        self._public = {f.id for v in versions for f in v.fields if not f.personal}
        edge = rb"(?<![0-9A-Za-z])", rb"(?![0-9A-Za-z])"
        self._word = re.compile(re.escape(meant.value.encode()).join(edge))
        self.found = Traces(survey=survey, by=by)

    def one(self, response: str) -> None:
        """The response of this id, whether anything of it is found or not."""
        self.found.responses |= {response, self.known_as(response)}
        day = days.day(ids.time_of(response), self._timezone)
        self._landed()
        self._rejected()
        self._rows(day)
        if not self.found.claims:  # answered over no link, or over one that must not be known
            self._claimed()
        self._personal()

    def everything(self) -> None:
        self._claimed()
        if self._meant.place == "attributes":
            self._known()
        self._landed()
        self._rejected()
        self._contacts()
        self._rows()
        self._personal()

    def uploaded(self) -> None:
        """Files that these responses named, which lie under the days before them."""
        near = {
            days.day(ids.time_of(response) + shift * DAY_MS, "UTC")
            for response in self.found.responses
            for shift in range(-FRESH_DAYS - 1, FRESH_DAYS + 1)
        }
        for day in sorted(near):
            names = [e.key for e in self._store.list(keys.uploads_on(self._survey, day))]
            claims = [name for name in names if name.endswith(keys.CLAIM)]
            mine = self._pool.map(lambda key: claimed(self._store, key), claims)
            taken = {
                keys.token_of(key)
                for key, response in zip(claims, mine, strict=True)
                if response in self.found.responses
            }
            self.found.uploads |= {n for n in names if keys.token_of(n) in taken}
            self.found.seen += len(taken)

    def invited(self, secret: bytes) -> None:
        """Invitations to this person, or to whoever gave these responses."""
        prefix = f"{keys.CAMPAIGNS}{self._survey}/"
        names = [e.key for e in self._store.list(prefix) if not e.key.endswith(keys.CAMPAIGN)]
        for key, data in self._each(names):
            for name, it in _json(data).items():
                link = it["link"]
                mine = self._is_asked(it) or link in self.found.links | self.found.claims
                if mine and name not in self.found.invitations.setdefault(key, set()):
                    self.found.seen += 1
                    self.found.invitations[key].add(name)
                    people = contact_rule.person(secret, it.get("customer", ""), it["to"])
                    self.found.people |= set(people)
                    self._over(link)
        if self._meant.place == "attributes":
            self.found.people |= set(contact_rule.person(secret, self._meant.value))
        elif self._meant.place == "answers":
            self.found.people |= set(contact_rule.person(secret, "", self._meant.value))

    def _is_asked(self, invitation: dict[str, Any]) -> bool:
        """Whether an invitation names the person, where what is searched by has its place."""
        named = [invitation.get("customer"), _dict(invitation.get("attributes")).get(CUSTOMER)]
        places = {"attributes": named, "answers": [invitation.get("to")]}
        return any(map(self._meant.same, places.get(self._meant.place, [])))

    def _known(self) -> None:
        """Links whose attributes name the customer."""
        for shard in self._each(entry.key for entry in self._store.list(keys.LINKS)):
            for name, link in _json(shard[1]).items():
                mine = self._meant.same(link.get("attributes", {}).get(CUSTOMER))
                if mine and link.get("survey") == self._survey:
                    self.found.seen += 1
                    self._over(name)

    def _over(self, link: str) -> None:
        """A link of theirs, and the response that has it."""
        self.found.links.add(link)
        self.found.claims.add(link)
        claim = claims.held(self._store, self._survey, link)
        if claim is not None and ids.is_id(claim.id):
            self.found.responses |= {claim.id, self.known_as(claim.id)}

    def _personal(self) -> None:
        """The links made for who gave these responses: they must not bring another one."""
        shards: dict[str, set[str]] = {}
        for name in self.found.claims:
            shards.setdefault(keys.links(name), set()).add(name)
        for key, data in self._each(shards):
            known = _json(data)
            mine = {name for name in shards[key] if known.get(name, {}).get("personal")}
            self.found.links |= mine

    def _claimed(self) -> None:
        names = (entry.key for entry in self._store.list(f"{keys.CLAIMS}{self._survey}/"))
        for key, data in self._each(names):
            if self._speaks(data) or _json(data).get("id") in self.found.responses:
                self.found.claims.add(key.rpartition("/")[2].removesuffix(".json"))
                self._note(key, _json(data).get("id"))

    def _landed(self) -> None:
        self._objects(f"{keys.LANDING}{self._survey}/", "")

    def _rejected(self) -> None:
        self._objects(keys.REJECTED, f"/{self._survey}/")

    def _objects(self, prefix: str, within: str) -> None:
        names = [entry.key for entry in self._store.list(prefix) if within in entry.key]
        if self._meant.place == "id":
            named = [name for name in names if keys.response_of(name) in self.found.responses]
            names = [*named, *(name for name in names if not ids.is_id(keys.response_of(name)))]
        for key, data in self._each(names):
            response = keys.response_of(key)
            if response in self.found.responses or self._speaks(data):
                self._note(key, response)
                over = [part.get("link") for part in _dicts(data)]
                self.found.claims |= {x for x in over if isinstance(x, str) and _HASH.fullmatch(x)}

    def _note(self, key: str, response: object) -> None:
        self.found.seen += 1
        if isinstance(response, str) and ids.is_id(response):
            self.found.responses |= {response, self.known_as(response)}
        else:
            self.found.objects.add(key)

    def _contacts(self) -> None:
        for rows in self._tables(keys.CONTACTS, None):
            for row in rows.to_pylist():
                response, _, _ = (row.pop(name) for name in ("response", "received_at", "digest"))
                customer = row.pop(CUSTOMER, None)
                left = [customer] if self._meant.pseudonym else row.values()
                if any(map(self._meant.same, left)):
                    self.found.seen += 1
                    self.found.responses.add(response)

    def _rows(self, day: str | None = None) -> None:
        """Rows by id, by the customer's pseudonym and by link; and the links they came over."""
        for rows in self._tables(keys.RESPONSES, day):
            mine = parts.among(rows["response"], self.found.responses)
            wanted = {CUSTOMER: {self._meant.pseudonym or ""}, "link": self.found.links}
            for column, values in wanted.items():
                if column in rows.column_names and values:
                    mine = pc.or_(mine, parts.among(rows[column], values))
            named = rows.filter(mine).select(["response", "link"]).to_pydict()
            self.found.seen += len(named["response"])
            self.found.responses |= set(named["response"])
            self.found.claims |= set(filter(None, named["link"]))

    def _tables(self, table: str, day: str | None) -> Iterator[pa.Table]:
        prefix = f"{table}{self._survey}/" + (f"dt={day}/" if day else "")
        for entry in self._store.list(prefix):
            rows = parts.read(self._store, entry.key).rows
            if rows is not None:
                yield rows

    def _speaks(self, data: bytes) -> bool:
        """Whether an object speaks of the person: in its place, or anywhere if it has none."""
        said = [part for part in _dicts(data) if "answers" in part or "attributes" in part]
        if not said:
            return bool(self._word.search(_plain(data)))
        place = self._meant.place
        if place == "id":
            return any(part.get("id") == self._meant.value for part in said)
        if place == "attributes":
            return any(self._meant.same(_dict(p.get(place)).get(CUSTOMER)) for p in said)
        answers = [each for part in said for each in _dict(part.get(place)).items()]
        return any(self._meant.same(a) for name, a in answers if name not in self._public)

    def _each(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """What lies under these keys, many read at a time; what is gone by then is left out."""

        def get(name: str) -> tuple[str, bytes | None]:
            try:
                return name, self._store.get(name).data
            except Missing:
                return name, None

        for name, data in self._pool.map(get, names):
            if data is not None:
                yield name, data


def _customer(value: str, secret: bytes) -> _Meant:
    return _Meant(value, lambda v: v == value, "attributes", pseudonym(value, secret))


def _contact(value: str, secret: bytes) -> _Meant:
    """Telephone numbers are the same however they are spaced, addresses in any case."""

    def plain(text: str) -> str:
        return text.strip().casefold() if "@" in text else re.sub(r"[\s()./-]", "", text).casefold()

    wanted = plain(value)
    return _Meant(value, lambda v: isinstance(v, str) and plain(v) == wanted, "answers")


_MEANT: dict[By, Callable[[str, bytes], _Meant]] = {
    "response": lambda value, secret: _Meant(value, lambda v: v == value, "id"),
    "customer": _customer,
    "contact": _contact,
}


def _dicts(data: bytes) -> list[dict[str, Any]]:
    """Every JSON object in there, at any depth."""
    found, waiting = [], [_json(data)]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            found.append(part)
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return found


def _plain(data: bytes) -> bytes:
    """What an object says, without JSON's escapes and without the base 64 of what was no JSON."""
    said = _json(data)
    if isinstance(said.get("bytes"), str):
        return b64decode(said["bytes"])
    return msgspec.json.encode(said) if said else data


def _json(data: bytes) -> dict[str, Any]:
    try:
        return _dict(msgspec.json.decode(data))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
