"""The outbox keeps a message once, and sends it to nobody."""

from __future__ import annotations

from chalicelib.channels import Message
from chalicelib.channels.opening import open_channels
from chalicelib.storage import MemoryStore


def test_a_message_is_kept_once_by_its_key() -> None:
    store = MemoryStore()
    channel = open_channels(store, {})["email"]
    first = Message(key="c1-000001", to="a@example.com", text="one")
    assert channel.send(first) == channel.send(Message(key="c1-000001", to="", text="two"))
    [kept] = store.list("outbox/")
    assert b'"one"' in store.get(kept.key).data
