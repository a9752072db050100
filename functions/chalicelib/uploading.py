"""Uploads over HTTP: leave to send one file straight to storage, and the address to send it to.

The leave is as narrow as it can be: one new name, one kind, no more bytes than were announced, a
quarter of an hour. S3 holds whoever has it to that; on a laptop ``echoform serve`` does, by an
address of its own with a MAC. Both are forms of fields and a ``file`` behind them.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple, TypeAlias
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
from msgspec import Struct

from . import days, keys, uploads
from .collecting import JSON, Reply, decoded, refusal
from .presigning import Credentials, address, presigned
from .published import Definitions
from .storage import Missing, S3Store, Store
from .survey import Problem, Refused
from .survey.questions import Upload

LEAVE_S = 15 * 60
MEGABYTE = 1 << 20
_FOLDER = "/" + keys.UPLOADS


class Announced(Struct, frozen=True, forbid_unknown_fields=True):
    """A file that somebody is about to send."""

    version: str
    question: str
    size: int
    type: str


class Form(Struct, frozen=True):
    """Where a file is sent, and the fields that go before it."""

    url: str
    fields: dict[str, str]


class Leave(Struct, frozen=True):
    token: str
    url: str
    fields: dict[str, str]


class Coming(NamedTuple):
    """A file that this server gave leave to send to itself."""

    key: str
    kind: str
    size: int


Way: TypeAlias = Callable[[Coming, int], Form]
"""How a file gets to storage, from now (milliseconds since 1970) on."""

_DECODER = msgspec.json.Decoder(Announced)


def leave(definitions: Definitions, way: Way, survey: str, body: bytes, now: int) -> Reply:
    """Answer ``{"version": …, "question": …, "size": …, "type": …}`` with a token and a form."""
    try:
        announced = decoded(_DECODER, body)
        question = _question(definitions, survey, announced, now)
        wrong = _wrong(question, announced)
        if wrong:
            raise Refused("problems", (wrong,))
    except Refused as refused:
        return refusal(refused)
    token = f"{days.day(now, 'UTC')}-{secrets.token_hex(16)}"
    coming = Coming(keys.upload(survey, token, question.id), announced.type, announced.size)
    form = way(coming, now)
    given = Leave(token, form.url, form.fields)
    return Reply(200, msgspec.json.encode(given), {"Content-Type": JSON})


def way(store: Store, key: bytes, environ: Mapping[str, str]) -> Way:
    """To a bucket by a form that S3 takes; to anything else through this very server.

    ``key`` is the secret of the data. Raises NoCredentials.
    """
    if isinstance(store, S3Store):
        return partial(_to_bucket, store, Credentials.read(environ))
    return partial(_to_server, key)


def given(url: str, key: bytes, now: int) -> Coming | None:
    """What may come to an address of this server; None where it never gave leave, or it is over."""
    place = urlsplit(url)
    said = {name: values[-1] for name, values in parse_qs(place.query).items()}
    mac = said.pop("mac", "")
    signed = f"{place.path}?{urlencode(said)}"
    same = hmac.compare_digest(mac.encode(), _mac(signed, key).encode())
    if not same or not place.path.startswith(_FOLDER):
        return None
    if int(said["until"]) < now:
        return None
    return Coming(place.path[1:], said["type"], int(said["size"]))


def _to_bucket(store: S3Store, credentials: Credentials, coming: Coming, now: int) -> Form:
    exact = {
        "key": f"{store.prefix}/{coming.key}" if store.prefix else coming.key,
        "Content-Type": coming.kind,
        "Content-Disposition": "attachment",  # whoever opens it, it is never shown as a page
    }
    url = address(store.bucket, credentials.region, store.endpoint)
    return Form(url, presigned(credentials, store.bucket, exact, coming.size, now, LEAVE_S))


def _to_server(key: bytes, coming: Coming, now: int) -> Form:
    said = {"type": coming.kind, "size": coming.size, "until": now + LEAVE_S * 1000}
    url = f"/{coming.key}?{urlencode(said)}"
    return Form(f"{url}&mac={_mac(url, key)}", {})


def _mac(url: str, key: bytes) -> str:
    return hmac.digest(key, f"upload {url}".encode(), "sha256").hex()


def _question(definitions: Definitions, survey: str, announced: Announced, now: int) -> Upload:
    try:
        publication = definitions.publication(survey)
    except Missing:
        raise Refused("not_found") from None
    if publication.closed_at is not None and publication.closed_at <= now:
        raise Refused("gone")
    if not publication.accepts(announced.version, now):
        raise Refused("stale_version")
    for question in definitions.contract(survey, announced.version).questions:
        if isinstance(question, Upload) and question.id == announced.question:
            return question
    raise Refused("problems", (Problem(announced.question, "unknown"),))


def _wrong(question: Upload, announced: Announced) -> Problem | None:
    if announced.type not in question.accept:
        return uploads.wrong_kind(question)
    if not 1 <= announced.size <= question.largest * MEGABYTE:
        return Problem(question.id, "file_large", {"largest": question.largest})
    return None
