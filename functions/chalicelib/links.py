"""What links know: kept by the hash of their code, many in a shard, so that one read answers.

An open link (a poster at a store) takes any number of answers; a personal one takes exactly one.
The code itself is never stored.

A code is Crockford's base 32 with his check symbol at its end, and is read as he says: case and
dashes do not count, O is 0, I and L are 1. Codes whose check symbol would be none of the 32 letters
are not given out, so a code is letters and digits alone, in addresses too.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from hashlib import sha256
from itertools import count

import msgspec
from msgspec import Raw, Struct

from . import keys
from .storage import Exists, Missing, Stale, Store
from .survey import EchoformError
from .survey.ids import ALPHABET

CODE = re.compile(r"[0-9A-Za-z-]{4,64}")
PERSONAL = 27
"""Symbols of a personal code: 130 random bits (129.8, less the codes not given out) and a check."""
OPEN = 8
"""Symbols of an open code, which is no secret: short enough to read aloud and type."""
BRIEF = 10
"""Symbols of what names a link in the address of its opt-out: 50 bits of its hash."""
_LOOKALIKE = str.maketrans("OIL", "011", "-")
_AT_ONCE = 16


class Link(Struct, frozen=True, omit_defaults=True):
    survey: str
    personal: bool = False
    attributes: dict[str, str] = {}
    expires_at: int | None = None
    """Milliseconds since 1970."""
    label: str = ""
    """For those who issued it: "Counter 3"."""
    verifies: str = ""
    """The follow-up it asks about: whether it helped."""
    invitation: str = ""
    """Where that is on record: ``campaign/shard/id``."""
    person: list[str] = []
    """Whom an opt-out with this code is of: hashes of the contact rule."""


_DECODER = msgspec.json.Decoder(Link)


class Taken(EchoformError):
    """A code that should be new is another link's."""


def mint(symbols: int) -> str:
    """A new code of that many symbols, the last one its check."""
    while True:
        number = secrets.randbits(5 * (symbols - 1))
        if number % 37 < 32:
            return spelled(number, symbols)


def spelled(number: int, symbols: int) -> str:
    """The code of a number, which modulo 37 is below 32."""
    letters = [ALPHABET[number >> 5 * at & 31] for at in reversed(range(symbols - 1))]
    return "".join([*letters, ALPHABET[number % 37]])


def derived(key: bytes, said: str) -> str:
    """The personal code of what is said: whoever has the site's secret makes it again, nobody
    else, and the store never holds it."""
    bits = 5 * (PERSONAL - 1)
    for turn in count():
        number = int.from_bytes(hmac.digest(key, f"{said} {turn}".encode(), "sha256"))
        number >>= 256 - bits
        if number % 37 < 32:  # else its check symbol would be no letter: the next
            return spelled(number, PERSONAL)
    raise AssertionError


def canonical(code: str) -> str:
    """The one spelling of a code, however it was typed."""
    return code.upper().translate(_LOOKALIKE)


def is_mistyped(code: str) -> bool:
    """Whether a code as long as ours are does not end in its check symbol."""
    letters = canonical(code)
    if len(letters) not in (OPEN, PERSONAL):
        return False
    number = 0
    for letter in letters[:-1]:
        if letter not in ALPHABET:
            return True
        number = number * 32 + ALPHABET.index(letter)
    return number % 37 != ALPHABET.find(letters[-1])


def hash_of(code: str) -> str:
    """What a code is kept under."""
    return sha256(canonical(code).encode()).hexdigest()[:32]


def brief(code: str) -> str:
    """Names a code's link where every character is paid for. Whoever has it cannot answer."""
    return _brief(hash_of(code))


def _brief(name: str) -> str:
    number = int(name, 16) >> 128 - 5 * BRIEF
    return "".join(ALPHABET[number >> 5 * at & 31] for at in reversed(range(BRIEF)))


def look_up_brief(store: Store, brief: str) -> Link | None:
    """The same as ``look_up``, by what ``brief`` made of the code."""
    letters = canonical(brief)
    if len(letters) != BRIEF or not set(letters) <= set(ALPHABET):
        return None
    number = 0
    for letter in letters:
        number = number * 32 + ALPHABET.index(letter)
    start = f"{number >> 5 * BRIEF - 12:03x}"
    try:
        shard = msgspec.json.decode(store.get(keys.links(start)).data, type=dict[str, Raw])
    except Missing:
        return None
    found = next((name for name in shard if _brief(name) == letters), None)
    return None if found is None else _DECODER.decode(shard[found])


def look_up(store: Store, code: str) -> Link | None:
    """What the link knows; one read, whether or not there is such a link."""
    return known(store, hash_of(code)) if CODE.fullmatch(code) else None


def known(store: Store, name: str) -> Link | None:
    """What the link knows whose code has this hash."""
    try:
        shard = msgspec.json.decode(store.get(keys.links(name)).data, type=dict[str, Raw])
    except Missing:
        return None
    # Of the hundreds in a shard, one is read whole.
    return _DECODER.decode(shard[name]) if name in shard else None


def add(store: Store, links: Mapping[str, Link], *, new: bool = False) -> None:
    """Keep links by their codes; each shard is written once, many at a time.

    One that is there already is replaced. With ``new``, none may be there: raises Taken, before
    that shard is written but perhaps after others were.
    """
    shards: dict[str, dict[str, Raw]] = {}
    for code, link in links.items():
        name = hash_of(code)
        shards.setdefault(keys.links(name), {})[name] = Raw(msgspec.json.encode(link))
    if len(shards) == 1:
        _add_to(store, new, *shards.popitem())
    elif shards:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            # list(): what one of them raised is raised here
            list(pool.map(partial(_add_to, store, new), shards, shards.values()))


def remove(store: Store, key: str, names: Collection[str]) -> int:
    """Take links out of their shard; how many there were. A code that is unknown opens nothing."""
    while True:
        try:
            stored = store.get(key)
        except Missing:
            return 0
        known = msgspec.json.decode(stored.data, type=dict[str, Raw])
        left = {name: link for name, link in known.items() if name not in names}
        with suppress(Stale):
            if len(left) < len(known):
                store.replace(key, msgspec.json.encode(left), stored.tag)
            return len(known) - len(left)


def _add_to(store: Store, new: bool, key: str, links: Mapping[str, Raw]) -> None:
    """Add to one shard; whoever changed it meanwhile is read again, never written over."""
    while True:
        try:
            stored = store.get(key)
        except Missing:
            try:
                return store.create(key, msgspec.json.encode(links))
            except Exists:
                continue
        known = msgspec.json.decode(stored.data, type=dict[str, Raw])
        if new and not known.keys().isdisjoint(links):
            raise Taken("this code is another link's")
        try:
            return store.replace(key, msgspec.json.encode({**known, **links}), stored.tag)
        except Stale:
            continue
