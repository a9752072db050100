"""Any address that takes signed JSON: a company's own gateway for text messages, its CRM.

The body is the message. ``Echoform-Signature: t=SECONDS,v1=HEX`` holds the time, and the
HMAC-SHA256 under the shared secret of ``SECONDS.BODY``; ``Idempotency-Key`` is the message's key.
2xx means taken, 410 and 422 never; whatever else it answers, the same message comes again.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from http.client import HTTPException
from time import time

import msgspec

from .configured import Hook
from .pacing import Pace
from .port import Message, Unavailable, Undeliverable
from .posting import Reply, post, secure

NEVER = (410, 422)
"""What is answered so is not sent again."""


class Webhook:
    repeatable = True
    at_once = 1
    """By the receiver's part: a key it has seen is a message it has sent."""

    def __init__(
        self, said: Hook, secret: str, pace: Pace, clock: Callable[[], float] = time
    ) -> None:
        self._url = secure(said.url)
        self._secret = secret.encode()
        self._pace = pace
        self._clock = clock

    def send(self, message: Message) -> str:
        body = msgspec.json.encode(message)
        self._pace.keep()
        try:
            status, answer = signed(self._url, self._secret, message.key, body, self._clock())
        except (OSError, HTTPException) as error:  # whether it was taken or not: again is the same
            raise Unavailable(f"the webhook: {type(error).__name__}") from None
        if 200 <= status < 300:
            return _id(answer) or message.key
        raise (Undeliverable if status in NEVER else Unavailable)(f"the webhook: {status}")


def signed(url: str, secret: bytes, key: str, body: bytes, at: float) -> Reply:
    """Post what a receiver can tell to be ours, and a repetition. Raises what ``post`` does."""
    headers = {"Idempotency-Key": key, "Echoform-Signature": signature(secret, int(at), body)}
    return post(url, body, headers)


def signature(secret: bytes, at: int, body: bytes) -> str:
    """``at`` is in seconds since 1970."""
    digest = hmac.new(secret, b"%d." % at + body, "sha256").hexdigest()
    return f"t={at},v1={digest}"


class _Answer(msgspec.Struct):
    id: str = ""


def _id(answer: bytes) -> str:
    """What the receiver calls the message, if it says so: ``{"id": "…"}``."""
    try:
        return msgspec.json.decode(answer, type=_Answer).id[:200]
    except msgspec.MsgspecError:
        return ""
