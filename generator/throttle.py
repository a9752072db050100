"""How often one address or one link may send: a bucket of tokens each.

A shop's Wi-Fi is one address and its poster one link, so both let 200 customers answer at once and
try twice; then two more a second. Whoever sends faster than that is no shop. On AWS a WAF rule says
the same (``infra/waf.yaml``).

Wrong tokens of staff's have buckets of their own: a page whose token ended tries once and asks its
person; whoever goes on is guessing, and is let in again slowly.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

BURST = 400
PER_SECOND = 2.0
WRONG = 30
WRONG_PER_SECOND = 0.1
"""Tokens that are none, from one address."""
KNOWN = 10_000
"""Buckets kept; the least recently used are forgotten first, and so are full again."""


class _Bucket(NamedTuple):
    tokens: float
    at: float


class Throttle:
    """Not for several threads."""

    def __init__(
        self,
        burst: int = BURST,
        per_second: float = PER_SECOND,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._burst = burst
        self._per_second = per_second
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait(self, *names: str) -> float:
        """Take a token from each name's bucket. Seconds to wait where one has none; 0.0 is taken.

        Who has to wait spends nothing, so a crowd that keeps trying is let in as soon as can be.
        """
        now = self._clock()
        held = {name: self._tokens(name, now) for name in names}
        least = min(held.values(), default=1.0)
        if least < 1:
            return (1 - least) / self._per_second
        for name, tokens in held.items():
            self._buckets[name] = _Bucket(tokens - 1, now)
            self._buckets.move_to_end(name)
        while len(self._buckets) > KNOWN:
            self._buckets.popitem(last=False)
        return 0.0

    def left(self, name: str) -> float:
        """Seconds to wait where a bucket is empty; nothing is taken."""
        tokens = self._tokens(name, self._clock())
        return 0.0 if tokens >= 1 else (1 - tokens) / self._per_second

    def _tokens(self, name: str, now: float) -> float:
        tokens, at = self._buckets.get(name, _Bucket(self._burst, now))
        return min(self._burst, tokens + (now - at) * self._per_second)
