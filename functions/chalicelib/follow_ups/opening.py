"""Where the record is: beside the data of a folder, else in DynamoDB."""

from __future__ import annotations

from pathlib import Path

from ..settings import Settings
from .port import Record
from .sqlite import SqliteRecord


def open_record(settings: Settings) -> Record:
    """The record of the follow-ups of the data that the settings name."""
    if settings.data.startswith("s3://"):
        from .dynamo import DynamoRecord  # boto3 takes long to load

        return DynamoRecord(settings.follow_ups)
    return SqliteRecord(Path(settings.data) / "follow_ups.sqlite")
