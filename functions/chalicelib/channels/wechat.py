"""Template messages of a WeChat Official Account.

A message's text has the template's fields, one a line: ``template`` names which of the account's
templates, ``url`` where a tap leads, and every other line a field by its own name (``thing1: …``).
The token is WeChat's "stable" one: whoever asks meanwhile gets the same, so many functions may.
"""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException
from time import monotonic

import msgspec
from msgspec import Struct

from .configured import OfficialAccount
from .letters import message_id
from .pacing import Pace
from .port import Message, Unavailable, Undeliverable
from .posting import post, secure

_EARLY = 300
"""Seconds before its end in which a token is renewed."""
_STALE_TOKEN = frozenset({40001, 40014, 42001})
_NEVER = frozenset({40003, 43004, 43101, 43116, 47003})
"""No such follower, not following, refused by the customer, content not as declared."""


class _Token(Struct):
    access_token: str = ""
    expires_in: int = 0
    errcode: int = 0


class _Answer(Struct):
    errcode: int
    msgid: int = 0


class TemplateMessages:
    repeatable = False
    at_once = 1
    """WeChat knows a message again for ten minutes only."""

    def __init__(
        self,
        said: OfficialAccount,
        secret: str,
        pace: Pace,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._said = said
        self._api = secure(said.api).rstrip("/")
        self._secret = secret
        self._pace = pace
        self._clock = clock
        self._token = ""
        self._refused = ""
        self._until = float("-inf")

    def send(self, message: Message) -> str:
        lines = fields(message.text)
        kind = lines.pop("template", "")
        if kind not in self._said.templates:
            raise Unavailable(f"`templates` of channel wechat has none for {kind!r}")
        body = msgspec.json.encode(
            {
                "touser": message.to,
                "template_id": self._said.templates[kind],
                "url": lines.pop("url", ""),
                "client_msg_id": message_id(message, "")[1:-2],
                "data": {name: {"value": value} for name, value in lines.items()},
            }
        )
        self._pace.keep()
        answer = self._posted(body)
        if answer.errcode in _STALE_TOKEN:
            self._refused, self._until = self._token, float("-inf")
            answer = self._posted(body)
        if answer.errcode:
            never = answer.errcode in _NEVER
            raise (Undeliverable if never else Unavailable)(f"WeChat: {answer.errcode}")
        return str(answer.msgid)

    def _posted(self, body: bytes) -> _Answer:
        url = f"{self._api}/cgi-bin/message/template/send?access_token={self._current_token()}"
        status, answer = post(url, body)
        if status >= 500:  # a gateway's: it may have gone through
            raise HTTPException(f"WeChat: {status}")
        return msgspec.json.decode(answer, type=_Answer)

    def _current_token(self) -> str:
        """The token; asked for anew where the last one ends or was refused before its time."""
        if self._clock() < self._until:
            return self._token
        asked = self._ask(force=False)
        if asked.access_token == self._refused:
            asked = self._ask(force=True)
        self._token = asked.access_token
        self._until = self._clock() + max(asked.expires_in - _EARLY, 0)
        return self._token

    def _ask(self, force: bool) -> _Token:
        asking = {
            "grant_type": "client_credential",
            "appid": self._said.app_id,
            "secret": self._secret,
            "force_refresh": force,
        }
        try:
            _, body = post(f"{self._api}/cgi-bin/stable_token", msgspec.json.encode(asking))
            token = msgspec.json.decode(body, type=_Token)
        except (OSError, HTTPException, msgspec.MsgspecError) as error:
            raise Unavailable(f"WeChat's token: {type(error).__name__}") from None
        if not token.access_token:
            raise Unavailable(f"WeChat's token: {token.errcode}")
        return token


def fields(text: str) -> dict[str, str]:
    """``name: value`` by line."""
    pairs = [line.partition(":") for line in text.splitlines() if ":" in line]
    return {name.strip(): value.strip() for name, _, value in pairs}
