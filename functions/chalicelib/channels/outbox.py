"""The outbox: messages are kept in the data under ``outbox/``, and go nowhere.

What every channel is until it is configured, so that whoever tries things out reaches nobody.
"""

from __future__ import annotations

from contextlib import suppress

import msgspec

from .. import keys
from ..storage import Exists, Store
from .port import Message


class Outbox:
    """Keeps messages as JSON, each once."""

    repeatable = True
    at_once = 1

    def __init__(self, store: Store, channel: str) -> None:
        self._store = store
        self._channel = channel

    def send(self, message: Message) -> str:
        name = keys.outbox(self._channel, message.key)
        with suppress(Exists):
            self._store.create(name, msgspec.json.format(msgspec.json.encode(message)))
        return name
