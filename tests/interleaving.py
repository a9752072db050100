"""Stores whose every call is a step: at one of them somebody else gets to act, or all ends.

So every order of two actors, and every moment at which a process may be cut off, is tried one by
one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from threading import RLock
from typing import Any

from chalicelib.storage import Entry, Store, Stored


class Cut(Exception):
    """The process ended here."""


class Steps:
    """Counts calls. Before the ``at``-th, from 0, ``act`` is run to its end; without one all ends
    there. ``happened`` says whether it came to that."""

    def __init__(self, at: int = -1, act: Callable[[], object] | None = None) -> None:
        self.left, self._act = at, act
        self._lock = RLock()
        self.happened = False

    def step(self, do: Callable[[], Any] = lambda: None) -> Any:
        """Do this one; nobody else does anything meanwhile."""
        with self._lock:
            self.left -= 1
            if self.left == -1 and not self.happened:
                self.happened = True
                if self._act is None:
                    raise Cut
                self._act()
            return do()


class Stepped:
    """A store whose calls are steps, beside others that may count as well."""

    def __init__(self, store: Store, steps: Steps) -> None:
        self._store, self._step = store, steps.step

    def get(self, key: str) -> Stored:
        return self._step(lambda: self._store.get(key))

    def peek(self, key: str, length: int) -> bytes:
        return self._step(lambda: self._store.peek(key, length))

    def create(self, key: str, data: bytes) -> None:
        self._step(lambda: self._store.create(key, data))

    def replace(self, key: str, data: bytes, tag: str) -> None:
        self._step(lambda: self._store.replace(key, data, tag))

    def list(self, prefix: str) -> Iterator[Entry]:
        return self._step(lambda: iter([*self._store.list(prefix)]))

    def delete(self, keys: Iterable[str]) -> None:
        for key in [*keys]:
            self._step(lambda key=key: self._store.delete([key]))


class Interrupted(Stepped):
    """A store at whose ``call``-th call somebody else gets to act."""

    def __init__(self, store: Store, call: int, act: Callable[[], object]) -> None:
        self._steps = Steps(call, act)
        super().__init__(store, self._steps)

    @property
    def happened(self) -> bool:
        return self._steps.happened
