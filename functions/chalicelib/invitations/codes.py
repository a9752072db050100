"""Personal codes of invitations, made and never stored: a reminder finds the same one again.

A code is a keyed hash of the campaign's nonce and the invitation's id. Whoever has the store but
not the site's secret cannot make one.
"""

from __future__ import annotations

import hmac
import secrets

from ..links import derived


def nonce() -> str:
    """128 random bits, new for every campaign."""
    return secrets.token_hex(16)


def code(key: bytes, nonce: str, invitation: str) -> str:
    """The personal code of an invitation."""
    return derived(key, f"invitation {nonce} {invitation}")


def invitation_id(key: bytes, campaign: str, whom: str) -> str:
    """Names the invitation of a customer, or else of an address, in a campaign (its ``name``)."""
    said = f"invited {campaign} {whom}".encode()
    return hmac.digest(key, said, "sha256").hex()[:32]
