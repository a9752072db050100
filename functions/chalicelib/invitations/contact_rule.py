"""The contact rule: nobody is asked again too soon, whatever the survey; who opted out, never.

People are known here by keyed hashes alone, of their customer number and of every address they were
written to. Two things are kept of a hash, each in shards by its first two digits: who asked last
and when (``asked/``), and since when the person wants no messages (``optouts/``).

Being asked is claimed before the message goes out: of two campaigns at once, one has the person.
The claim names its invitation, which may go on with what it was cut off from; of a family with one
address, one is asked.
"""

from __future__ import annotations

import hmac
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import msgspec
from msgspec import Struct

from .. import keys
from ..days import DAY_MS
from ..storage import Exists, Missing, Stale, Store

DAYS = 30
"""Between two campaigns that ask the same person, unless the campaign says otherwise."""
_KEPT_MS = 400 * DAY_MS
"""No campaign asks for longer than a year."""
_PHONE = re.compile(r"\+?[0-9][0-9 ().-]{4,}")
_AT_ONCE = 8
_Value = TypeVar("_Value")


class Asked(Struct, frozen=True, array_like=True):
    at: int
    """Milliseconds since 1970."""
    by: str
    """The invitation."""


class Contact(Struct, frozen=True):
    """What is known of a hash."""

    asked: Asked | None = None
    opted_out: int | None = None


_ASKED = msgspec.json.Decoder(dict[str, Asked])
_OUT = msgspec.json.Decoder(dict[str, int])


def person(key: bytes, customer: str, *addresses: str) -> list[str]:
    """The hashes a person is known by; of what is given."""
    named = [("customer", customer.strip()), *(("address", plain(each)) for each in addresses)]
    return [
        hmac.digest(key, f"contact {kind} {value}".encode(), "sha256").hex()[:32]
        for kind, value in named
        if value
    ]


def plain(address: str) -> str:
    """One spelling of an address: e-mail without case, a telephone number as its digits."""
    address = address.strip()
    if "@" in address:
        return address.casefold()
    return re.sub(r"\D", "", address) if _PHONE.fullmatch(address) else address


def look_up(store: Store, hashes: Collection[str]) -> dict[str, Contact]:
    """What is known of each hash of which anything is; each shard is read once."""
    asked = _read(store, keys.asked, hashes, _ASKED)
    out = _read(store, keys.opt_outs, hashes, _OUT)
    return {each: Contact(asked.get(each), out.get(each)) for each in asked.keys() | out.keys()}


def forbids(
    known: Mapping[str, Contact], person: Iterable[str], by: str, days: int, now: int
) -> str:
    """Why a person may not be written to: ``opted_out``, ``asked`` or "".

    ``by`` is the id of their invitation: what it claimed itself does not hinder it.
    """
    found = [known[each] for each in person if each in known]
    if any(each.opted_out is not None for each in found):
        return "opted_out"
    since = now - days * DAY_MS
    last = [each.asked for each in found if each.asked is not None]
    return "asked" if any(each.at > since and each.by != by for each in last) else ""


def claim(store: Store, people: Mapping[str, list[str]], days: int, now: int) -> dict[str, str]:
    """Claim people for their invitations, by whose ids they are given; why not, for the others.

    Where two campaigns claim at once, the later finds the earlier's claim in the shard.
    """
    known = look_up(store, [each for person in people.values() for each in person])
    refused: dict[str, str] = {}
    wanted: dict[str, str] = {}
    for name, person in people.items():
        why = forbids(known, person, name, days, now)
        if not why and any(each in wanted for each in person):
            why = "asked"
        if why:
            refused[name] = why
        else:
            wanted |= dict.fromkeys(person, name)
    since, lost = now - days * DAY_MS, set[str]()

    def put(there: dict[str, Asked], mine: Collection[str]) -> dict[str, Asked]:
        kept = {each: asked for each, asked in there.items() if asked.at > now - _KEPT_MS}
        taken = {e for e in mine if e in kept and _is_others(kept[e], wanted[e], since)}
        lost.update(taken)
        return kept | {each: Asked(now, wanted[each]) for each in mine if each not in taken}

    _write(store, keys.asked, wanted, _ASKED, put)
    return refused | {wanted[each]: "asked" for each in lost}


def opt_out(store: Store, person: Collection[str], now: int) -> None:
    """From here on nothing is sent to this person."""
    _write(
        store,
        keys.opt_outs,
        person,
        _OUT,
        lambda there, mine: {**dict.fromkeys(mine, now), **there},
    )


def opt_in(store: Store, person: Collection[str]) -> None:
    """Undo it, as the person wished."""
    _write(store, keys.opt_outs, person, _OUT, _without)


def forget(store: Store, person: Collection[str]) -> int:
    """Erase who asked them; that they opted out stays, or they would be asked again."""
    found = [each for each, it in look_up(store, person).items() if it.asked is not None]
    _write(store, keys.asked, found, _ASKED, _without)
    return len(found)


class OptOuts:
    """Who opted out, looked at again and again: only shards that changed are read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shards: dict[str, tuple[str, dict[str, int]]] = {}

    def refresh(self) -> dict[str, int]:
        """Since when, by hash."""
        for entry in self._store.list(keys.OPT_OUTS):
            if self._shards.get(entry.key, ("",))[0] != entry.tag:
                stored = self._store.get(entry.key)
                self._shards[entry.key] = stored.tag, _OUT.decode(stored.data)
        return {each: at for _, shard in self._shards.values() for each, at in shard.items()}


def _is_others(asked: Asked, by: str, since: int) -> bool:
    return asked.at > since and asked.by != by


def _without(there: dict[str, _Value], mine: Collection[str]) -> dict[str, _Value]:
    return {each: value for each, value in there.items() if each not in mine}


def _by_shard(place: Callable[[str], str], hashes: Iterable[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for each in hashes:
        found[place(each)].add(each)
    return found


def _read(
    store: Store,
    place: Callable[[str], str],
    hashes: Iterable[str],
    decoder: msgspec.json.Decoder[dict[str, _Value]],
) -> dict[str, _Value]:
    def one(shard: tuple[str, set[str]]) -> dict[str, _Value]:
        with suppress(Missing):
            there = decoder.decode(store.get(shard[0]).data)
            return {each: there[each] for each in shard[1] if each in there}
        return {}

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(one, _by_shard(place, hashes).items())
        return {each: value for some in found for each, value in some.items()}


def _write(
    store: Store,
    place: Callable[[str], str],
    hashes: Iterable[str],
    decoder: msgspec.json.Decoder[dict[str, _Value]],
    put: Callable[[dict[str, _Value], Collection[str]], dict[str, _Value]],
) -> None:
    """Replace each shard that these hashes lie in, conditionally."""

    def one(shard: tuple[str, set[str]]) -> None:
        key, mine = shard
        while True:
            try:
                stored = store.get(key)
            except Missing:
                with suppress(Exists):
                    return store.create(key, msgspec.json.encode(put({}, mine)))
                continue
            with suppress(Stale):
                made = put(decoder.decode(stored.data), mine)
                return store.replace(key, msgspec.json.encode(made), stored.tag)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(one, _by_shard(place, hashes).items()))
