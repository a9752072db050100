"""How fast a channel may be used: evenly spaced, or so many in a stretch of time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock
from time import monotonic, sleep

from .port import Unavailable


class Pace:
    """At most so many a second, of all callers together: whoever is early waits."""

    def __init__(
        self,
        per_second: float,
        clock: Callable[[], float] = monotonic,
        wait: Callable[[float], None] = sleep,
    ) -> None:
        self._gap = 1 / per_second
        self._clock = clock
        self._wait = wait
        self._next = float("-inf")
        self._lock = Lock()

    def keep(self) -> None:
        with self._lock:
            now = self._clock()
            turn = max(self._next, now)
            self._next = turn + self._gap
        if turn > now:
            self._wait(turn - now)


class Allowance:
    """At most so many in so many seconds: whoever comes after that is told to come later."""

    def __init__(self, count: int, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._count = count
        self._seconds = seconds
        self._clock = clock
        self._taken: deque[float] = deque()

    def take(self) -> None:
        """Raises Unavailable."""
        now = self._clock()
        while self._taken and now - self._taken[0] >= self._seconds:
            self._taken.popleft()
        if len(self._taken) >= self._count:
            raise Unavailable(f"only {self._count} messages are taken in {self._seconds:.0f} s")
        self._taken.append(now)
