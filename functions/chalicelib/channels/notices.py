"""What became of messages, as SES and SNS tell it.

Read from an SQS queue that is subscribed to the topic of SES's events, or from the log of SNS's
text messages by a subscription of Lambda: who may write there is settled by AWS's policies, so
nothing here checks signatures, and nothing of this may ever be put behind a public address.
"""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from .letters import TAG

Fate: TypeAlias = Literal["delivered", "bounced", "complained"]


class Notice(Struct, frozen=True):
    """What became of one message. It names nobody."""

    provider_id: str
    """What ``send`` returned."""
    fate: Fate
    at: int
    """In milliseconds since 1970."""
    key: str = ""
    """The message's key, where the provider tells it back (``letters.tag``)."""
    permanent: bool = True
    """Whether the address itself is at fault, so that it is not worth another message."""


def read(body: bytes | str) -> list[Notice]:
    """What a message of the queue, or an event of the log, tells; nothing if it tells nothing.

    Raises ValueError for what is no JSON; whatever else is strange is passed over.
    """
    try:
        return list(_read(json.loads(body)))
    except (AttributeError, IndexError, KeyError, TypeError):
        return []


def _read(told: Any) -> Iterator[Notice]:
    if "awslogs" in told:
        log = json.loads(_unpacked(told["awslogs"]["data"]))
        for event in log["logEvents"]:
            yield from read(event["message"])
    elif "Messages" in told:  # as `aws sqs receive-message` prints them
        for message in told["Messages"]:
            yield from read(message["Body"])
    elif told.get("Type") == "Notification" and "Message" in told:
        yield from read(told["Message"])
    elif kind := told.get("eventType") or told.get("notificationType"):
        if known := _MAIL.get(kind):
            fate, part, moment = known
            yield _of_mail(told, fate, told.get(part, {}), moment)
    elif "notification" in told and told.get("status") in _TEXT:
        notification = told["notification"]
        at = _moment(notification["timestamp"])
        yield Notice(notification["messageId"], _TEXT[told["status"]], at)


_MAIL: dict[str, tuple[Fate, str, str]] = {
    "Bounce": ("bounced", "bounce", "timestamp"),
    "Complaint": ("complained", "complaint", "timestamp"),
    "Delivery": ("delivered", "delivery", "timestamp"),
    "Reject": ("bounced", "reject", ""),
    "Rendering Failure": ("bounced", "failure", ""),
}
"""Events of SES: what became of the message, which part says so, and where its time stands.
A delay is none: SES still tries."""
_TEXT: dict[str, Fate] = {"SUCCESS": "delivered", "FAILURE": "bounced"}
_OUR_FAULT = frozenset({"Reject", "Rendering Failure"})


def _of_mail(told: Any, fate: Fate, part: Any, moment: str) -> Notice:
    mail = told["mail"]
    kind = told.get("eventType") or told["notificationType"]
    return Notice(
        provider_id=mail["messageId"],
        fate=fate,
        at=_moment(part.get(moment) or mail["timestamp"]),
        key=next(iter(mail.get("tags", {}).get(TAG, [])), ""),
        permanent=kind not in _OUR_FAULT and part.get("bounceType", "Permanent") == "Permanent",
    )


def _moment(text: str) -> int:
    """``2017-08-05T00:41:02.669Z`` or ``2016-06-28 00:40:34.558``, both UTC."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def _unpacked(data: str) -> bytes:
    try:
        return gzip.decompress(b64decode(data))
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError("not what CloudWatch Logs sends") from error
