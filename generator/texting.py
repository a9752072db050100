"""How many text messages a text is: networks carry 160 plain letters in one, or 70 of any others.

What is longer goes out in pieces of 153 or 67, each of which is paid for (3GPP TS 23.038, 23.040).
"""

from __future__ import annotations

_PLAIN = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TWICE = frozenset("^{}\\[~]|€\f")
"""Letters that take the room of two."""


def pieces(text: str) -> int:
    """How many are paid for."""
    if all(sign in _PLAIN or sign in _TWICE for sign in text):
        length, alone, each = sum(2 if sign in _TWICE else 1 for sign in text), 160, 153
    else:
        length, alone, each = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= alone else -(-length // each)
