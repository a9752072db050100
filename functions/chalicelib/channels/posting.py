"""JSON over HTTPS: one request, no redirects, no proxies, no retries."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPConnection, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urlsplit

from ..survey import EchoformError
from .port import Unavailable

_TIMEOUT = 20
_LARGEST = 64 * 1024
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class Reply(NamedTuple):
    status: int
    body: bytes


def secure(url: str) -> str:
    """The address, if nobody on the way can read what is sent there. Raises EchoformError."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _HERE:
        raise EchoformError(f"{parts.scheme}://{parts.hostname}: only https, but to this machine")
    return url


def post(url: str, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
    """Raises Unavailable where nothing was sent; OSError or HTTPException where nobody knows."""
    parts = urlsplit(secure(url))
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    try:
        try:
            connection.connect()
        except OSError as error:
            raise Unavailable(f"{parts.hostname}: {type(error).__name__}") from None
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        told = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Echoform"}
        connection.request("POST", target, body, {**told, **(headers or {})})
        response = connection.getresponse()
        return Reply(response.status, response.read(_LARGEST))
    finally:
        connection.close()
