"""A WeCom group's robot: alerts to the staff in that group, at most 20 a minute.

As plain text, in which nothing that a customer wrote can call people or hide an address.
"""

from __future__ import annotations

from http.client import HTTPException

import msgspec
from msgspec import Struct

from .configured import Robot
from .pacing import Allowance
from .port import Message, Unavailable, Undeliverable
from .posting import post, secure

PER_MINUTE = 20
_LONGEST = 2048
"""Bytes of a text."""
_NEVER = frozenset({44004, 40035})
"""Empty, or not as it must be."""


class _Answer(Struct):
    errcode: int
    errmsg: str = ""


class GroupRobot:
    repeatable = False
    at_once = 1

    def __init__(self, said: Robot, key: str, allowance: Allowance) -> None:
        self._url = f"{secure(said.api)}/cgi-bin/webhook/send?key={key}"
        self._allowance = allowance

    def send(self, message: Message) -> str:
        """``to`` is a member's id, ``@all``, or empty to call nobody in particular."""
        content = f"{message.subject}\n{message.text}".strip()
        text: dict[str, object] = {"content": shortened(content, _LONGEST)}
        if message.to:
            text["mentioned_list"] = [message.to]
        self._allowance.take()
        status, body = post(self._url, msgspec.json.encode({"msgtype": "text", "text": text}))
        if status >= 500:  # a gateway's: it may have gone through
            raise HTTPException(f"WeCom: {status}")
        answer = msgspec.json.decode(body, type=_Answer)
        if answer.errcode:
            never = answer.errcode in _NEVER
            raise (Undeliverable if never else Unavailable)(f"WeCom: {answer.errcode}")
        return message.key


def shortened(text: str, most: int) -> str:
    """At most so many bytes of UTF-8, with an ellipsis where something is left out."""
    data = text.encode()
    if len(data) <= most:
        return text
    return data[: most - 3].decode(errors="ignore") + "…"
