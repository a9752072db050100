"""E-mail by Amazon SES (version 2 of its API), as a whole message of our own making."""

from __future__ import annotations

from typing import Any

from .amazon import client, sent
from .configured import Ses
from .letters import TAG, letter, sender, tag
from .pacing import Pace
from .port import Message

_NEVER = frozenset({"BadRequestException"})


class AmazonMail:
    repeatable = False
    at_once = 1

    def __init__(self, said: Ses, pace: Pace) -> None:
        self._said = said
        self._sender = sender(said.sender)
        self._reply_to = sender(said.reply_to) if said.reply_to else None
        self._pace = pace
        self._client: Any = None

    def send(self, message: Message) -> str:
        data = letter(message, self._sender, self._reply_to)
        self._client = self._client or client("sesv2", self._said.region)
        arguments: dict[str, Any] = {
            "Content": {"Raw": {"Data": data}},
            "EmailTags": [{"Name": TAG, "Value": tag(message.key)}],
        }
        if self._said.configuration_set:
            arguments["ConfigurationSetName"] = self._said.configuration_set
        self._pace.keep()
        return sent(self._client.send_email, arguments, _NEVER)
