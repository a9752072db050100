"""What links know: kept by the hash of their code, many in a shard, so that one read answers.

An open link (a poster at a store) takes any number of answers; a personal one takes exactly one.
The code itself is never stored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256

import msgspec
from msgspec import Struct

from . import keys
from .storage import Exists, Missing, Stale, Store

CODE = re.compile(r"[0-9A-Za-z-]{4,64}")


class Link(Struct, frozen=True, omit_defaults=True):
    survey: str
    personal: bool = False
    attributes: dict[str, str] = {}
    expires_at: int | None = None
    """Milliseconds since 1970."""


def hash_of(code: str) -> str:
    """What a code is kept under. Codes are read aloud and typed: case and dashes do not count."""
    return sha256(code.upper().replace("-", "").encode()).hexdigest()[:32]


def look_up(store: Store, code: str) -> Link | None:
    """What the link knows; one read."""
    if not CODE.fullmatch(code):
        return None
    name = hash_of(code)
    try:
        shard = store.get(keys.links(name)).data
    except Missing:
        return None
    return msgspec.json.decode(shard, type=dict[str, Link]).get(name)


def add(store: Store, links: Mapping[str, Link]) -> None:
    """Keep links by their codes; one that is there already is replaced."""
    shards: dict[str, dict[str, Link]] = {}
    for code, link in links.items():
        name = hash_of(code)
        shards.setdefault(keys.links(name), {})[name] = link
    for key, shard in shards.items():
        _add_to(store, key, shard)


def _add_to(store: Store, key: str, links: Mapping[str, Link]) -> None:
    while True:
        try:
            stored = store.get(key)
            known = msgspec.json.decode(stored.data, type=dict[str, Link])
            store.replace(key, msgspec.json.encode({**known, **links}), stored.tag)
        except Missing:
            try:
                store.create(key, msgspec.json.encode(links))
            except Exists:
                continue
        except Stale:
            continue
        return
