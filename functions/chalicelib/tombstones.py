"""Tombstones: what was erased, so that no retry, replay or merge under way brings it back.

A tombstone is the name of an empty object: a keyed hash of the response id, under the survey and
the day of the response. Whoever has the id and the secret can ask; nobody else learns anything. By
day, because merge asks for one day at a time: one list, a page for a thousand erased of that day.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from hashlib import sha256

from . import keys
from .storage import Exists, Store


class Tombstones:
    """Tombstones as they were when they were read."""

    def __init__(self, names: frozenset[str], secret: bytes) -> None:
        self._names = names
        self._secret = secret

    def __bool__(self) -> bool:
        return bool(self._names)

    @property
    def digest(self) -> str:
        """Names this very set; "" where there are none."""
        return sha256("".join(sorted(self._names)).encode()).hexdigest()[:16] if self else ""

    def __contains__(self, response: str) -> bool:
        return bool(self._names) and name_of(response, self._secret) in self._names


def read(store: Store, survey: str, day: str, secret: bytes) -> Tombstones:
    return _under(store, keys.tombstones(survey, day), secret)


def everything(store: Store, survey: str, secret: bytes) -> Tombstones:
    """The tombstones of all days."""
    return _under(store, f"{keys.TOMBSTONES}{survey}/", secret)


def _under(store: Store, prefix: str, secret: bytes) -> Tombstones:
    names = frozenset(entry.key.rpartition("/")[2] for entry in store.list(prefix))
    return Tombstones(names, secret)


def put(store: Store, survey: str, day: str, response: str, secret: bytes) -> None:
    with suppress(Exists):
        store.create(keys.tombstones(survey, day) + name_of(response, secret), b"")


def name_of(response: str, secret: bytes) -> str:
    return hmac.digest(secret, b"erased " + response.encode(), "sha256").hex()[:32]
