"""The port of all channels: a message, and whoever delivers it."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from ..survey import EchoformError


class Undeliverable(EchoformError):
    """This message will never arrive: the address is wrong or refused. The message says why."""


class Unavailable(EchoformError):
    """The channel takes nothing now; later it may. Nothing was sent."""


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One message to one person, as it goes out."""

    key: str
    """Names this sending: the same key again is the same message, wherever that can be known."""
    to: str
    """The address in the channel: e-mail address, telephone number, open id, URL."""
    language: str = ""
    subject: str = ""
    text: str
    html: str = ""
    opt_out: str = ""
    """The address that ends all messages to this person; a List-Unsubscribe header where there is
    one."""
    fields: dict[str, str] = {}
    """The same as data, for channels that are given fields and not text (webhook, WeChat)."""


class Channel(Protocol):
    """Delivers messages."""

    @property
    def repeatable(self) -> bool:
        """Whether the same key sent again reaches nobody twice."""
        ...

    @property
    def at_once(self) -> int:
        """How many callers it may have at a time."""
        ...

    def send(self, message: Message) -> str:
        """Send; returns the provider's id of it. Raises Undeliverable or Unavailable.

        Whatever else it raises leaves open whether the message went out.
        """
        ...
