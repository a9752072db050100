"""Whose a token is, and that no other than a good one is anybody's."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from chalicelib.staff.issuer import BadIssuer, Fetch, OpenId, open_issuer
from chalicelib.staff.roles import Person
from chalicelib.staff.tokens import (
    LARGEST,
    LEEWAY_MS,
    BadToken,
    CannotMint,
    Names,
    Tokens,
    mint,
    open_tokens,
)
from tests.staff.issuing import ADDRESS, AUDIENCE, Key, Site, claims, ec_key, published, rsa_key

KEY = b"a secret of the functions"
NOW = 1_770_000_000_000
HOUR = 60 * 60 * 1000


def ours(**changes: Any) -> str:
    asked = {"sub": "A07", "role": "agent", "teams": ["T1"], "now": NOW, "lifetime_ms": HOUR}
    return mint(KEY, **asked | changes)


def refused(tokens: Tokens, token: str, now: int = NOW) -> str:
    with pytest.raises(BadToken) as caught:
        tokens.check(token, now)
    return caught.value.code


def parts(token: str) -> list[Any]:
    """A token's header and claims, as data."""
    return [json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2]]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(header: dict[str, Any], body: dict[str, Any], secret: bytes = b"") -> str:
    """Any header and claims; signed with HMAC where there is a secret."""
    signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(body).encode())}"
    mac = hmac.digest(secret, signed.encode(), "sha256") if secret else b""
    return f"{signed}.{b64(mac)}"


@cache
def key_of(kid: str) -> Key:
    return ec_key() if kid == "ec" else rsa_key()


def signed(kid: str = "rsa", headers: dict[str, Any] | None = None, **more: Any) -> str:
    algorithm = "ES256" if kid == "ec" else "RS256"
    held = {key: value for key, value in claims(**more).items() if value is not None}
    return jwt.encode(held, key_of(kid), algorithm, headers={"kid": kid, **(headers or {})})


def issued(site: Site, clock: Callable[[], float] = time.monotonic) -> Tokens:
    return Tokens(KEY, OpenId(ADDRESS, AUDIENCE, site.fetch, clock))


@pytest.fixture
def site() -> Site:
    return Site(published("rsa", key_of("rsa")), published("ec", key_of("ec")))


def test_a_token_of_ours_is_its_person_until_it_expires() -> None:
    found = Tokens(KEY).check(ours(), NOW + HOUR - 1)
    expected = Person(sub="A07", role="agent", teams=["T1"], expires_at=NOW + HOUR)
    assert found.person == expected
    assert found.issued_at == NOW
    assert refused(Tokens(KEY), ours(), NOW + HOUR) == "expired"


def test_a_token_of_ours_is_a_jwt_that_others_can_read() -> None:
    """By PyJWT, with the key derived as documented: nothing of ours is a format of its own."""
    derived = hmac.digest(KEY, b"echoform staff tokens 1", "sha256")
    token = ours(now=time.time_ns() // 1_000_000)
    assert jwt.decode(token, derived, ["HS256"], audience="echoform-staff")["sub"] == "A07"


HEADER, BODY = parts(ours())


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "..",
        ours() + "x",
        ours().rpartition(".")[0],
        ours().rpartition(".")[0] + ".",
        ours()[:-4] + "AAAA",
        "é" + ours(),
        ours(teams=["T" * LARGEST]),
        mint(b"another secret", "A07", "agent", [], NOW, HOUR),
        mint(KEY, "A07", "agent", [], NOW + LEEWAY_MS + 1, HOUR),
        forged({"alg": "none", "typ": "JWT"}, BODY),
        forged({"alg": "None"}, BODY),
        forged(HEADER, BODY),
        forged(HEADER, BODY, KEY),
        forged({**HEADER, "kid": "../../.key"}, BODY, KEY),
        "[" * 5000,
        ours().replace(".", ". "),
    ],
    ids=[str(number) for number in range(18)],
)
def test_what_is_not_signed_by_us_is_nobody(token: str) -> None:
    assert refused(Tokens(KEY), token) == "no_token"


@pytest.mark.parametrize(
    "change",
    [{"aud": "another"}, {"iss": "another"}, {"teams": "T1"}, {"exp": "never"}, {"admin": True}],
)
def test_well_signed_claims_of_another_kind_are_nobody(change: dict[str, Any]) -> None:
    """As another use of the same key would sign them; the derived key stands for that here."""
    derived = hmac.digest(KEY, b"echoform staff tokens 1", "sha256")
    signed = f"{ours().partition('.')[0]}.{b64(json.dumps({**BODY, **change}).encode())}"
    token = f"{signed}.{b64(hmac.digest(derived, signed.encode(), 'sha256'))}"
    assert refused(Tokens(KEY), token) == "no_token"


def test_without_the_secret_no_token_is_made_or_taken() -> None:
    with pytest.raises(CannotMint, match="ECHOFORM_KEY"):
        mint(b"", "A07", "agent", [], NOW, HOUR)
    derived = hmac.digest(b"", b"echoform staff tokens 1", "sha256")
    head = ours().rpartition(".")[0]
    token = f"{head}.{b64(hmac.digest(derived, head.encode(), 'sha256'))}"
    assert refused(Tokens(b""), token) == "no_token"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"role": "boss"}, "agent, lead"),
        ({"sub": " "}, "--sub"),
        ({"sub": "system"}, "--sub"),
        ({"lifetime_ms": 0}, "some time"),
    ],
)
def test_a_token_that_means_nothing_is_not_made(change: dict[str, Any], said: str) -> None:
    with pytest.raises(CannotMint, match=said):
        ours(**change)


@pytest.mark.parametrize("kid", ["rsa", "ec"])
def test_an_issuers_token_is_its_person(site: Site, kid: str) -> None:
    now = int(time.time())
    token = signed(kid, exp=now + 600, iat=now - 5, nbf=None, locale="zh-CN")
    found = issued(site).check(token, NOW)
    assert found.person == Person(
        sub="A07", role="agent", teams=["T1"], language="zh-CN", expires_at=(now + 600) * 1000
    )
    assert found.issued_at == (now - 5) * 1000


def test_claims_may_be_called_otherwise(site: Site) -> None:
    environ = {"ECHOFORM_ROLE_CLAIM": "https://x.test/roles", "ECHOFORM_SUB_CLAIM": "staff_number"}
    tokens = open_tokens(KEY, environ, time.monotonic)
    names = Names(sub="staff_number", role="https://x.test/roles")
    assert tokens._names == names
    tokens = Tokens(KEY, OpenId(ADDRESS, AUDIENCE, site.fetch, time.monotonic), names)
    token = signed(**{"https://x.test/roles": ["agent", "lead", "root"], "staff_number": "A9"})
    person = tokens.check(token, NOW).person
    assert (person.sub, person.role) == ("A9", "lead"), "the furthest-reaching role that is known"
    assert tokens.check(signed(staff_number="A9"), NOW).person.role == "", "and no other claim"


def rs_public_pem() -> bytes:
    return (
        key_of("rsa")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


HOSTILE: dict[str, tuple[Callable[[], str], str]] = {
    "none": (lambda: forged({"alg": "none", "kid": "rsa"}, claims()), "no_token"),
    "HS256 with the public key": (
        lambda: forged({"alg": "HS256", "kid": "rsa"}, claims(), rs_public_pem()),
        "no_token",
    ),
    "HS256 with the modulus": (
        lambda: forged(
            {"alg": "HS256", "kid": "rsa"}, claims(), published("rsa", key_of("rsa"))["n"].encode()
        ),
        "no_token",
    ),
    "RS256 said of an EC key": (lambda: signed("rsa", {"kid": "ec"}), "no_token"),
    "expired": (lambda: signed(exp=int(time.time()) - 60), "expired"),
    "not yet": (lambda: signed(nbf=int(time.time()) + 600), "no_token"),
    "issued tomorrow": (lambda: signed(iat=int(time.time()) + 86_400), "no_token"),
    "never expires": (lambda: signed(exp=None), "no_token"),
    "never issued": (lambda: signed(iat=None), "no_token"),
    "no audience": (lambda: signed(aud=None), "no_token"),
    "another audience": (lambda: signed(aud="billing"), "no_token"),
    "another issuer": (lambda: signed(iss="https://evil.test"), "no_token"),
    "nobody": (lambda: signed(sub=None), "no_token"),
    "the record itself": (lambda: signed(sub="system"), "no_token"),
    "empty": (lambda: signed(sub=""), "no_token"),
    "kid is a path": (lambda: signed(headers={"kid": "../../../dev/null"}), "no_token"),
    "kid is an address": (lambda: signed(headers={"kid": "https://evil.test/k"}), "no_token"),
    "kid is no text": (lambda: forged({"alg": "RS256", "kid": {"a": 1}}, claims()), "no_token"),
    "no kid": (lambda: forged({"alg": "RS256"}, claims()), "no_token"),
    "brings its key": (
        lambda: jwt.encode(
            claims(),
            _own_key(),
            "RS256",
            headers={"kid": "mine", "jwk": published("mine", _own_key())},
        ),
        "no_token",
    ),
    "names its keys": (
        lambda: jwt.encode(
            claims(), _own_key(), "RS256", headers={"kid": "rsa", "jku": "https://evil.test/keys"}
        ),
        "no_token",
    ),
    "huge": (lambda: signed(padding="x" * LARGEST), "no_token"),
    "critical extension": (lambda: signed(headers={"crit": ["exp"]}), "no_token"),
}


@cache
def _own_key() -> Any:
    return rsa_key()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_token_is_nobody(site: Site, name: str) -> None:
    make, code = HOSTILE[name]
    assert refused(issued(site), make()) == code


@pytest.mark.parametrize(
    "listed",
    [
        {"kty": "oct", "kid": "rsa", "k": "c2VjcmV0"},
        {**published("rsa", key_of("rsa")), "use": "enc"},
        {**published("rsa", key_of("rsa")), "alg": "RS512"},
        published("rsa", rsa_key(1024)),
        {"kty": "RSA", "kid": "rsa"},
        "rsa",
    ],
)
def test_keys_of_other_kinds_sign_nothing(listed: Any) -> None:
    site = Site()
    site.keys = [listed]
    assert refused(issued(site), signed()) == "no_token"


def test_an_unknown_key_asks_the_issuer_once_a_minute(site: Site) -> None:
    clock = [1000.0]
    tokens = issued(site, lambda: clock[0])
    tokens.check(signed(), NOW)
    new = rsa_key()
    later = jwt.encode(claims(), new, "RS256", headers={"kid": "new"})
    for _ in range(50):
        assert refused(tokens, later) == "no_token"
    assert site.calls == 1, "a stranger's kid costs the issuer nothing"
    site.keys.append(published("new", new))
    clock[0] += 60
    tokens.check(later, NOW)
    assert site.calls == 2


def test_keys_stay_while_the_issuer_is_away_and_go_when_it_takes_them_back(site: Site) -> None:
    clock = [1000.0]
    tokens = issued(site, lambda: clock[0])
    tokens.check(signed(), NOW)
    site.down, clock[0] = True, clock[0] + 4000
    tokens.check(signed(), NOW)
    site.down, site.keys, clock[0] = False, [], clock[0] + 60
    assert refused(tokens, signed()) == "no_token"


def test_an_issuer_is_who_it_should_be(site: Site) -> None:
    site.address = "https://evil.test"
    with pytest.raises(BadIssuer, match="calls itself"):
        issued(site).check(signed(), NOW)


def test_an_issuer_is_reached_over_https() -> None:
    for address in ("http://login.example.test", "ftp://x", "file:///etc/passwd", "login"):
        with pytest.raises(BadIssuer, match="https"):
            open_issuer(address, AUDIENCE, time.monotonic)
    open_issuer("http://localhost:8080/realms/x", AUDIENCE, time.monotonic)
    with pytest.raises(BadIssuer, match="ECHOFORM_AUDIENCE"):
        open_issuer(ADDRESS, "", time.monotonic)


def test_keys_elsewhere_are_reached_over_https_too() -> None:
    def fetch(address: str) -> bytes:
        assert address.endswith("openid-configuration")
        return json.dumps({"issuer": ADDRESS, "jwks_uri": "http://evil.test/keys"}).encode()

    get: Fetch = fetch
    with pytest.raises(BadIssuer, match="https"):
        Tokens(KEY, OpenId(ADDRESS, AUDIENCE, get, time.monotonic)).check(signed(), NOW)
