"""How messages reach people: one port, and an adapter for each way there is."""

from __future__ import annotations

from .port import Channel, Message, Unavailable, Undeliverable

__all__ = ["Channel", "Message", "Unavailable", "Undeliverable"]
