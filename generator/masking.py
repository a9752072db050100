"""Personal data as it may be looked at: enough to recognise the kind, too little to know whom."""

from __future__ import annotations


def name(text: str) -> str:
    """``王小明`` as ``王**``, ``Ann Lee`` as ``A******``."""
    return text[:1] + "*" * (len(text) - 1) if len(text) > 1 else "*" * len(text)


def address(text: str) -> str:
    """``+8613800138000`` as ``+861********00``, ``ann@example.com`` as ``a***@example.com``."""
    before, at, domain = text.rpartition("@")
    if at:
        return f"{before[:1]}***@{domain}"
    return f"{text[:4]}{'*' * max(len(text) - 6, 3)}{text[-2:]}" if len(text) > 6 else "***"
