"""Drawing a sample: strata get their share by largest remainder, and of each a few are drawn
without replacement.

Whom it hits is decided by a hash of the seed and the person's id, the lowest first: who draws again
with the recorded seed draws the same people, in whatever order the file has them by then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from hashlib import sha256
from heapq import nsmallest

from chalicelib.survey import EchoformError

_SHARE = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,6})?|100)\s*[%％]")
_COUNT = re.compile(r"[1-9][0-9]{0,8}")


class Undrawable(EchoformError):
    """What was asked for is no sample. The message says how to ask."""


def size(asked: str, eligible: int) -> int:
    """How many ``30%`` or ``500`` are of so many, halves up. Raises Undrawable."""
    if share := _SHARE.fullmatch(asked.strip()):
        part = Fraction(share[1]) / 100
        if part:
            return int(eligible * part + Fraction(1, 2))
    if _COUNT.fullmatch(asked.strip()):
        return min(int(asked), eligible)
    raise Undrawable(f"{asked!r} is no sample; write 30% or 500")


def quotas(sizes: Mapping[str, int], total: int) -> dict[str, int]:
    """How many of each stratum, in proportion to its size; what is left over goes to the largest
    remainders (equal ones: to the larger stratum, then by name)."""
    every = sum(sizes.values())
    if not every:
        return dict.fromkeys(sizes, 0)
    found = {stratum: of * total // every for stratum, of in sizes.items()}
    left = total - sum(found.values())
    order = sorted(sizes, key=lambda s: (-(sizes[s] * total % every), -sizes[s], s))
    return {stratum: found[stratum] + (stratum in order[:left]) for stratum in found}


def draw(seed: str, ids: Iterable[str], many: int) -> set[str]:
    """So many of the ids."""
    return set(nsmallest(many, ids, key=lambda each: (_lot(seed, each), each)))


def _lot(seed: str, name: str) -> bytes:
    return sha256(f"{seed}\0{name}".encode()).digest()
