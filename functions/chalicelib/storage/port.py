"""The port between Echoform and where its data lies: five operations, all atomic per key.

Keys are relative paths of plain characters. Whatever an adapter is, a create happens once, a
replace happens only over the value that was read, and both are durable when they return.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from ..survey.errors import EchoformError

_KEY = re.compile(r"[A-Za-z0-9_=][A-Za-z0-9_=.-]*(/[A-Za-z0-9_=][A-Za-z0-9_=.-]*)*")


class StorageError(EchoformError):
    """A storage operation did not do what was asked. Carries the key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{type(self).__name__.lower()}: {key}")
        self.key = key


class Missing(StorageError):
    """No value under this key."""


class Exists(StorageError):
    """Create found a value under this key."""


class Stale(StorageError):
    """Replace found another value than the one that was read."""


class Unavailable(StorageError):
    """Storage could not be reached, or would not do it. Nothing is known of what became of it."""

    def __init__(self, key: str, reason: object = "") -> None:
        super().__init__(key)
        self.args = (f"storage is unavailable ({key}): {reason}",)


class Stored(NamedTuple):
    """A value, and the tag that names this very version of it."""

    data: bytes
    tag: str


class Entry(NamedTuple):
    key: str
    tag: str


class Store(Protocol):
    """Every operation may also raise Unavailable."""

    def get(self, key: str) -> Stored:
        """The value and its tag. Raises Missing."""
        ...

    def peek(self, key: str, length: int) -> bytes:
        """The first bytes of a value that has some. Raises Missing."""
        ...

    def create(self, key: str, data: bytes) -> None:
        """Store a value under a free key. Raises Exists."""
        ...

    def replace(self, key: str, data: bytes, tag: str) -> None:
        """Store a value in place of the version ``tag`` names. Raises Stale, also if it is gone."""
        ...

    def list(self, prefix: str) -> Iterator[Entry]:
        """What lies under a prefix that ends with ``/`` (or is empty), in key order."""
        ...

    def delete(self, keys: Iterable[str]) -> None:
        """Remove values; those already gone are no error."""
        ...


def checked(key: str) -> str:
    """The key, if it is one. Nothing a respondent sends can name a path outside the store."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"not a storage key: {key!r}")
    return key
