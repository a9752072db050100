"""The queue of parts on AWS (SQS): a message is the name of a part in which something waits.

It may come twice, late or never: whoever merges the part takes what waits there then, and the
schedule puts what still waits on the queue again. boto3 is heavy, so only who has a queue imports
this, inside a scheduled handler.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import boto3
import msgspec

from .landed import Part

_BATCH = 10
"""Messages that SQS takes at once."""


def hand(queue: str, parts: Iterable[Part]) -> None:
    """Put parts on the queue of that address. Raises OSError where it did not take them all."""
    client: Any = boto3.client("sqs")
    listed = [*parts]
    for start in range(0, len(listed), _BATCH):
        entries = [
            {"Id": str(number), "MessageBody": msgspec.json.encode(part).decode()}
            for number, part in enumerate(listed[start : start + _BATCH])
        ]
        if client.send_message_batch(QueueUrl=queue, Entries=entries).get("Failed"):
            raise OSError("the queue did not take some parts")
