"""An OpenID issuer for tests: its keys, its published documents, its tokens."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

ADDRESS = "https://login.example.test"
AUDIENCE = "echoform"

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def published(kid: str, key: Key, **more: str) -> dict[str, Any]:
    """A key as a JWKS holds it."""
    algorithm = jwt.get_algorithm_by_name(
        "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    )
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"} | more  # type: ignore[attr-defined]


def claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": ADDRESS,
        "aud": AUDIENCE,
        "sub": "A07",
        "role": "agent",
        "teams": ["T1"],
        "iat": now - 10,
        "nbf": now - 10,
        "exp": now + 600,
        **more,
    }


class Site:
    """What an issuer publishes; counts how often its keys are asked for."""

    def __init__(self, *keys: dict[str, Any]) -> None:
        self.keys = [*keys]
        self.address = ADDRESS
        self.calls = 0
        self.down = False

    def fetch(self, address: str) -> bytes:
        if self.down:
            raise OSError("unreachable")
        if address == f"{ADDRESS}/.well-known/openid-configuration":
            found: dict[str, Any] = {"issuer": self.address, "jwks_uri": f"{ADDRESS}/keys"}
            return json.dumps(found).encode()
        assert address == f"{ADDRESS}/keys", "keys come from the issuer alone"
        self.calls += 1
        return json.dumps({"keys": self.keys}).encode()
