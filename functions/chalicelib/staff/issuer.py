"""An OpenID issuer's tokens, by the keys it publishes (RFC 7517, OpenID Connect Discovery 1.0).

Loaded only where an issuer is configured: PyJWT and cryptography are 17 MB and 60 ms. What a key
may sign with is this module's table, by the kind of key; what a token says of its algorithm must
be that, and decides nothing (RFC 8725, 3.1). Keys come from the issuer's own address alone: a
token's ``jku``, ``x5u`` or ``jwk`` is never looked at, and its ``kid`` is only compared.
"""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import jwt
import msgspec
from jwt import PyJWK

from ..survey import EchoformError
from .tokens import LEEWAY_MS, BadToken

ALGORITHMS = {("RSA", None): "RS256", ("EC", "P-256"): "ES256"}
"""What a key of this kind signs with; other keys are not taken."""
_LEAST_BITS = {"RS256": 2048, "ES256": 256}
AGAIN_S = 60.0
"""A key nobody knows makes us ask the issuer again, but no more often than this."""
GOOD_FOR_S = 3600.0
"""So long keys are used without asking: what the issuer took back is gone after that."""
_TIMEOUT_S = 5.0
_LARGEST = 256 * 1024
_LOCAL = ("localhost", "127.0.0.1", "::1")

Fetch: TypeAlias = Callable[[str], bytes]


class BadIssuer(EchoformError):
    """The issuer is not configured well, or is not who it should be."""


class OpenId:
    """``fetch`` gets an address; ``clock`` counts seconds."""

    def __init__(
        self, address: str, audience: str, fetch: Fetch, clock: Callable[[], float]
    ) -> None:
        self._address = address
        self._audience = audience
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, PyJWK] = {}
        self._asked_at = float("-inf")
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def claims(self, token: str) -> Mapping[str, Any]:
        try:
            key = self._key(jwt.get_unverified_header(token).get("kid"))
            return jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._audience,
                issuer=self._address,
                leeway=LEEWAY_MS / 1000,
                options={"require": ["exp", "iat", "iss", "aud"]},
            )
        except jwt.ExpiredSignatureError:
            raise BadToken("expired") from None
        except (jwt.PyJWTError, ValueError, TypeError, ArithmeticError, RecursionError):
            raise BadToken("no_token") from None

    def _key(self, kid: object) -> PyJWK:
        if not isinstance(kid, str):
            raise BadToken("no_token")
        with self._lock:
            stale = self._clock() - self._read_at > GOOD_FOR_S
            if (kid not in self._keys or stale) and self._clock() - self._asked_at >= AGAIN_S:
                self._asked_at = self._clock()
                self._read()
            try:
                return self._keys[kid]
            except KeyError:
                raise BadToken("no_token") from None

    def _read(self) -> None:
        """Read the issuer's keys; those we have stay where it does not answer."""
        try:
            found = self._json(f"{self._address.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self._address:
                raise BadIssuer(f"{self._address} calls itself {found.get('issuer')!r}")
            listed = self._json(_secure(str(found.get("jwks_uri")))).get("keys", [])
        except (OSError, HTTPException, msgspec.MsgspecError):
            return
        self._keys = dict(filter(None, map(_usable, listed)))
        self._read_at = self._clock()

    def _json(self, address: str) -> dict[str, Any]:
        return msgspec.json.decode(self._fetch(address), type=dict[str, Any])


def _usable(listed: object) -> tuple[str, PyJWK] | None:
    """A key's name and the key, if it may sign."""
    if not isinstance(listed, dict) or not isinstance(listed.get("kid"), str):
        return None
    algorithm = ALGORITHMS.get((listed.get("kty"), listed.get("crv")))  # type: ignore[arg-type]
    if algorithm is None or listed.get("use", "sig") != "sig":
        return None
    if listed.get("alg", algorithm) != algorithm:
        return None
    try:
        key = PyJWK(listed, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return (listed["kid"], key) if key.key.key_size >= _LEAST_BITS[algorithm] else None


def open_issuer(address: str, audience: str, clock: Callable[[], float]) -> OpenId:
    """Raises BadIssuer."""
    if not audience:
        raise BadIssuer("set ECHOFORM_AUDIENCE beside ECHOFORM_ISSUER: what tokens must be for")
    return OpenId(_secure(address), audience, fetch, clock)


def _secure(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL):
        return address
    raise BadIssuer(f"{address}: an issuer is reached over https")


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows nobody: keys come from where the issuer said."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_Straight)


def fetch(address: str) -> bytes:
    """What lies at an address. Raises OSError or HTTPException."""
    with _OPENER.open(_secure(address), timeout=_TIMEOUT_S) as reply:
        data: bytes = reply.read(_LARGEST)
    return data
