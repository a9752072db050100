"""The record in DynamoDB (to come with its contract test)."""

from __future__ import annotations

from pathlib import Path

from .sqlite import SqliteRecord


class DynamoRecord(SqliteRecord):
    def __init__(self, table: str) -> None:
        super().__init__(Path(table))
