"""SES and SNS take messages, refuse them, and are never asked twice by the client itself."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_string
from email.policy import default
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends
from moto.sns.models import sns_backends

from chalicelib.channels import Message, Unavailable, Undeliverable
from chalicelib.channels.amazon import ONCE, sent
from chalicelib.channels.configured import Ses, Sns
from chalicelib.channels.pacing import Pace
from chalicelib.channels.ses import AmazonMail
from chalicelib.channels.sns import AmazonText, dialled

REGION = "eu-west-1"
MESSAGE = Message(
    key="c1-000001",
    to="c1@example.com",
    subject="请评价",
    text="您好",
    html="<p>您好</p>",
    opt_out="https://s.example.com/o?7K3Q",
)


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "testing")
    with mock_aws():
        yield


def test_ses_sends_the_whole_message_with_its_key_as_a_tag() -> None:
    ses = boto3.client("sesv2", region_name=REGION)
    ses.create_email_identity(EmailIdentity="care@example.com")
    said = Ses(sender="样例 <care@example.com>", region=REGION, configuration_set="echoform")
    channel = AmazonMail(said, Pace(1000))
    told: dict[str, Any] = {}
    channel.send(MESSAGE)
    channel._client.meta.events.register(
        "before-parameter-build.sesv2.SendEmail", lambda params, **_: told.update(params)
    )
    name = channel.send(MESSAGE)
    kept = ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages[-1]
    mail = message_from_string(kept.raw_data, policy=default)
    assert name == kept.id
    assert mail["List-Unsubscribe"] == "<https://s.example.com/o?7K3Q>"
    assert told["ConfigurationSetName"] == "echoform"
    assert told["EmailTags"] == [{"Name": "echoform", "Value": "c1-000001"}]


def test_a_sender_whom_ses_does_not_know_may_be_known_later() -> None:
    with pytest.raises(Unavailable, match="MessageRejected"):
        AmazonMail(Ses(sender="care@example.com", region=REGION), Pace(10)).send(MESSAGE)


def test_sns_sends_to_a_number_with_its_country() -> None:
    said = Sns(region=REGION, sender_id="EXAMPLE", country="+86")
    channel = AmazonText(said, Pace(1000))
    channel.send(Message(key="k1", to="138 0013 8000", text="请评价 https://s.example.com/a\n"))
    sent_to = sns_backends[DEFAULT_ACCOUNT_ID][REGION].sms_messages
    assert list(sent_to.values()) == [("+8613800138000", "请评价 https://s.example.com/a")]
    with pytest.raises(Undeliverable, match="no telephone number"):
        channel.send(Message(key="k2", to="call me", text="x"))


@pytest.mark.parametrize(
    ("number", "country", "dialled_as"),
    [
        ("13800138000", "+86", "+8613800138000"),
        ("8613800138000", "+86", "+8613800138000"),
        ("0049 (151) 234-56789", "+86", "+4915123456789"),
        ("+44 7700 900123", "", "+447700900123"),
        ("07700 900123", "+44", "+447700900123"),
    ],
)
def test_numbers_as_customers_write_them(number: str, country: str, dialled_as: str) -> None:
    assert dialled(number, country) == dialled_as


@pytest.mark.parametrize("number", ["13800138000", "+86 1380 0138 0001 23456", "12"])
def test_a_number_of_no_country_is_undeliverable(number: str) -> None:
    with pytest.raises(Undeliverable) as caught:
        dialled(number, "")
    assert number not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "status", "raised"),
    [
        ("BadRequestException", 400, Undeliverable),
        ("TooManyRequestsException", 429, Unavailable),
        ("SendingPausedException", 400, Unavailable),
        ("InternalFailure", 500, ClientError),
    ],
)
def test_refusals(code: str, status: int, raised: type[Exception]) -> None:
    """A fault of the server's leaves open whether the message went out."""

    def call(**arguments: str) -> dict[str, str]:
        raise ClientError(
            {
                "Error": {"Code": code, "Message": "c1@example.com is wrong"},
                "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]
            },
            "SendEmail",
        )

    with pytest.raises(raised) as caught:
        sent(call, {}, frozenset({"BadRequestException"}))
    assert raised is ClientError or str(caught.value) == f"AWS refused: {code}"


def test_the_client_never_asks_twice_by_itself() -> None:
    assert ONCE.retries == {"total_max_attempts": 1, "mode": "standard"}  # type: ignore[attr-defined]


def test_without_a_region_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(Unavailable, match="no AWS region"):
        AmazonText(Sns(), Pace(10)).send(Message(key="k", to="+8613800138000", text="x"))
