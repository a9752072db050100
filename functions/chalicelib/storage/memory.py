"""A store in memory: the port's own model, for tests and benchmarks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from threading import Lock

from .port import Entry, Exists, Missing, Stale, Stored, checked


class MemoryStore:
    def __init__(self) -> None:
        self._values: dict[str, Stored] = {}
        self._tags = count(1)
        self._lock = Lock()

    def get(self, key: str) -> Stored:
        try:
            return self._values[checked(key)]
        except KeyError:
            raise Missing(key) from None

    def peek(self, key: str, length: int) -> bytes:
        return self.get(key).data[:length]

    def create(self, key: str, data: bytes) -> None:
        with self._lock:
            if checked(key) in self._values:
                raise Exists(key)
            self._values[key] = Stored(data, str(next(self._tags)))

    def replace(self, key: str, data: bytes, tag: str) -> None:
        with self._lock:
            if checked(key) not in self._values or self._values[key].tag != tag:
                raise Stale(key)
            self._values[key] = Stored(data, str(next(self._tags)))

    def list(self, prefix: str) -> Iterator[Entry]:
        values = self._values.copy()
        for key in sorted(key for key in values if key.startswith(prefix)):
            yield Entry(key, values[key].tag)

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._values.pop(checked(key), None)
