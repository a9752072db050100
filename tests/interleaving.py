"""A store at whose n-th call somebody else gets to act: every order of two actors, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from threading import RLock
from typing import Any

from chalicelib.storage import Entry, Store, Stored


class Interrupted:
    """Before its ``call``-th call, ``act`` is run to its end. ``happened`` says whether it was."""

    def __init__(self, store: Store, call: int, act: Callable[[], object]) -> None:
        self._store = store
        self._left = call
        self._act = act
        self._lock = RLock()
        self.happened = False

    def get(self, key: str) -> Stored:
        return self._after_others(lambda: self._store.get(key))

    def create(self, key: str, data: bytes) -> None:
        self._after_others(lambda: self._store.create(key, data))

    def replace(self, key: str, data: bytes, tag: str) -> None:
        self._after_others(lambda: self._store.replace(key, data, tag))

    def list(self, prefix: str) -> Iterator[Entry]:
        return self._after_others(lambda: iter([*self._store.list(prefix)]))

    def delete(self, keys: Iterable[str]) -> None:
        for key in [*keys]:
            self._after_others(lambda key=key: self._store.delete([key]))

    def _after_others(self, do: Callable[..., Any]) -> Any:
        with self._lock:
            self._left -= 1
            if self._left < 0 and not self.happened:
                self.happened = True
                self._act()
            return do()
