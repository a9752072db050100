"""Who a request is from: a token, checked whole before anything else is looked at.

Two kinds are taken. Ours are minted by ``echoform staff token``: a JWT whose header is one
constant, compared byte for byte, so that no algorithm is ever read from a token; HMAC by a key that
is derived from the functions' own. An OpenID issuer's are checked in ``issuer``, which loads PyJWT
and cryptography (17 MB, 60 ms), and so only where there is an issuer.

=========================  =================================================================
``ECHOFORM_ISSUER``        the issuer's address; without it only our own tokens are taken
``ECHOFORM_AUDIENCE``      what its tokens must be for
``ECHOFORM_SUB_CLAIM``     which claim is the person, as links call agents (``sub``)
``ECHOFORM_ROLE_CLAIM``    which is the role (``role``); a list's furthest-reaching one is meant
``ECHOFORM_TEAMS_CLAIM``   which are the teams (``teams``)
=========================  =================================================================
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from ..follow_ups.events import SYSTEM
from ..survey import EchoformError
from .roles import RANK, Person

LARGEST = 8 * 1024
"""Characters of a token; issuers put many things into theirs."""
LEEWAY_MS = 30_000
"""By how much clocks may differ."""
ISSUER = "echoform"
AUDIENCE = "echoform-staff"
_LABEL = b"echoform staff tokens 1"
_TEAMS = 100
_LONGEST = 200


class BadToken(EchoformError):
    """``code`` is ``no_token`` (none, or one that is not good) or ``expired``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class CannotMint(EchoformError):
    """A token was not made. The message says why."""


class Names(Struct, frozen=True):
    """Which claims hold what."""

    sub: str = "sub"
    role: str = "role"
    teams: str = "teams"


class Verified(Struct, frozen=True):
    """A token that is good: its person, and when it was issued (ms), for revocation."""

    person: Person
    issued_at: int


class Issuer(Protocol):
    def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a good token, with iss, aud, exp and nbf checked. Raises BadToken."""
        ...


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


_HEADER = _b64(b'{"alg":"HS256","typ":"JWT"}')
_ENCODER = msgspec.json.Encoder()


class _Claims(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of our own tokens; all of them must be there."""

    iss: str
    aud: str
    sub: str
    role: str
    teams: list[str]
    iat: float
    nbf: float
    exp: float


_DECODER = msgspec.json.Decoder(_Claims)


def mint(key: bytes, sub: str, role: str, teams: list[str], now: int, lifetime_ms: int) -> str:
    """A token of ours. Raises CannotMint."""
    if not key:
        raise CannotMint("ECHOFORM_KEY is not set: without the secret anybody could make tokens")
    if role not in RANK:
        raise CannotMint(f"no role {role!r}; there are: {', '.join(RANK)}")
    if not _somebody(sub):
        raise CannotMint("a token needs somebody it is for: --sub A07, as links call the agent")
    if lifetime_ms <= 0:
        raise CannotMint("a token must be good for some time")
    seconds = now / 1000
    claims = _Claims(
        iss=ISSUER,
        aud=AUDIENCE,
        sub=sub,
        role=role,
        teams=teams,
        iat=seconds,
        nbf=seconds,
        exp=(now + lifetime_ms) / 1000,
    )
    signed = f"{_HEADER}.{_b64(_ENCODER.encode(claims))}"
    return f"{signed}.{_b64(_mac(key, signed))}"


class Tokens:
    """Checks tokens. ``key`` is the functions' secret; without it none of ours is good."""

    def __init__(
        self, key: bytes, issuer: Issuer | None = None, names: Names | None = None
    ) -> None:
        self._key = key
        self._issuer = issuer
        self._names = names or Names()

    def check(self, token: str, now: int) -> Verified:
        """Raises BadToken."""
        if not token or len(token) > LARGEST or not token.isascii():
            raise BadToken("no_token")
        if token.startswith(f"{_HEADER}."):
            return self._ours(token, now)
        if self._issuer is None:
            raise BadToken("no_token")
        return self._theirs(self._issuer.claims(token))

    def _ours(self, token: str, now: int) -> Verified:
        signed, _, mac = token.rpartition(".")
        if not self._key or not hmac.compare_digest(mac, _b64(_mac(self._key, signed))):
            raise BadToken("no_token")
        try:
            claims = _DECODER.decode(_bytes(signed.rpartition(".")[2]))
        except (NotBase64, ValueError):
            raise BadToken("no_token") from None
        if (claims.iss, claims.aud) != (ISSUER, AUDIENCE) or claims.nbf * 1000 > now + LEEWAY_MS:
            raise BadToken("no_token")
        if claims.exp * 1000 <= now:
            raise BadToken("expired")
        if not _somebody(claims.sub):
            raise BadToken("no_token")
        person = Person(
            sub=claims.sub,
            role=claims.role,
            teams=claims.teams,
            expires_at=round(claims.exp * 1000),
        )
        return Verified(person, round(claims.iat * 1000))

    def _theirs(self, claims: Mapping[str, Any]) -> Verified:
        sub = claims.get(self._names.sub)
        if not isinstance(sub, str) or not _somebody(sub):
            raise BadToken("no_token")
        roles = _listed(claims.get(self._names.role))
        locale = claims.get("locale")
        person = Person(
            sub=sub,
            role=max((role for role in roles if role in RANK), key=RANK.index, default=""),
            teams=_listed(claims.get(self._names.teams))[:_TEAMS],
            language=locale if isinstance(locale, str) else "",
            expires_at=int(float(claims["exp"]) * 1000),
        )
        return Verified(person, int(float(claims["iat"]) * 1000))


def open_tokens(key: bytes, environ: Mapping[str, str], clock: Callable[[], float]) -> Tokens:
    """What checks tokens here. ``clock`` counts seconds. Raises EchoformError."""
    named = {
        name: environ.get(f"ECHOFORM_{name.upper()}_CLAIM") or name
        for name in Names.__struct_fields__
    }
    address, audience = environ.get("ECHOFORM_ISSUER", ""), environ.get("ECHOFORM_AUDIENCE", "")
    issuer = None
    if address:  # loads cryptography
        open_issuer = import_module("chalicelib.staff.issuer").open_issuer
        issuer = open_issuer(address, audience, clock)
    return Tokens(key, issuer, Names(**named))


def _somebody(sub: str) -> bool:
    """Whether this can be a person: not what the record calls itself."""
    return sub == sub.strip() and 0 < len(sub) <= _LONGEST and sub.isprintable() and sub != SYSTEM


def _mac(key: bytes, signed: str) -> bytes:
    return hmac.digest(hmac.digest(key, _LABEL, "sha256"), signed.encode(), "sha256")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _listed(claim: object) -> list[str]:
    """A claim's texts, whether it is a list or one text."""
    given = claim if isinstance(claim, list) else [claim]
    return [text for text in given if isinstance(text, str) and text]
