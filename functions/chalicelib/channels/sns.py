"""Text messages by Amazon SNS."""

from __future__ import annotations

import re
from typing import Any

from .amazon import client, sent
from .configured import Sns
from .pacing import Pace
from .port import Message, Undeliverable

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_NEVER = frozenset({"InvalidParameter", "InvalidParameterValue", "OptedOut"})


class AmazonText:
    repeatable = False
    at_once = 1

    def __init__(self, said: Sns, pace: Pace) -> None:
        self._said = said
        self._pace = pace
        self._client: Any = None

    def send(self, message: Message) -> str:
        number = dialled(message.to, self._said.country)
        kind = "Promotional" if self._said.promotional else "Transactional"
        told = {"AWS.SNS.SMS.SMSType": kind}
        if self._said.sender_id:
            told["AWS.SNS.SMS.SenderID"] = self._said.sender_id
        self._client = self._client or client("sns", self._said.region)
        self._pace.keep()
        arguments = {
            "PhoneNumber": number,
            "Message": message.text.strip(),
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in told.items()
            },
        }
        return sent(self._client.publish, arguments, _NEVER)


def dialled(number: str, country: str) -> str:
    """A number as it is dialled from anywhere (E.164). Raises Undeliverable, without the number."""
    digits = re.sub(r"[\s().-]", "", number)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    code = country.removeprefix("+")
    if code and digits.startswith(code) and len(digits) - len(code) in (10, 11):
        digits = "+" + digits  # as exported without its plus
    if not digits.startswith("+"):
        digits = country + digits.removeprefix("0")
    if not _NUMBER.fullmatch(digits):
        raise Undeliverable("this is no telephone number with its country's code")
    return digits
