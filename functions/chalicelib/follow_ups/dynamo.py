"""The record in DynamoDB (to come with its contract test)."""

from __future__ import annotations

from .sqlite import SqliteRecord as DynamoRecord

__all__ = ["DynamoRecord"]
