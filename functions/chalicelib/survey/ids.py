"""Response ids: ULIDs (https://github.com/ulid/spec), canonical upper case.

48 bits of time in milliseconds and 80 random bits, as 26 characters of Crockford's base 32. The
time decides the day an answer belongs to, so it is read from the id and never from a clock.
"""

from __future__ import annotations

import re

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RESPONSE_ID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
_DIGITS = bytes.maketrans(ALPHABET.encode(), b"0123456789abcdefghijklmnopqrstuv")
"""Crockford's letters, and those that Python counts with in base 32."""


def make(ms: int, random: int) -> str:
    """The id of a moment (``ms`` since 1970, below 2⁴⁸) and 80 random bits."""
    if not 0 <= ms < 1 << 48:
        raise ValueError(f"time {ms} does not fit 48 bits")
    number = ms << 80 | random & (1 << 80) - 1
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -5, -5))


def is_id(text: str) -> bool:
    return RESPONSE_ID.fullmatch(text) is not None


def time_of(response: str) -> int:
    """Milliseconds since 1970 at which the id was minted. Wants a well-formed id."""
    return int(response[:10].encode().translate(_DIGITS), 32)
