"""A webhook gets signed JSON, once by its key, and nothing leaves in the clear."""

from __future__ import annotations

import hashlib
import hmac
import re
import socket

import pytest

from chalicelib.channels import Message, Unavailable, Undeliverable
from chalicelib.channels.configured import Hook
from chalicelib.channels.pacing import Pace
from chalicelib.channels.webhook import Webhook
from chalicelib.survey import EchoformError
from tests.channels.servers import web_server

MESSAGE = Message(
    key="c1-000001",
    to="+8613800138000",
    language="zh-CN",
    text="请评价 https://s.example.com/a?7K3Q\n",
    opt_out="https://s.example.com/o?7K3Q",
    fields={"name": "客户甲\r\nX: y", "link": "https://s.example.com/a?7K3Q"},
)


def webhook(url: str) -> Webhook:
    return Webhook(Hook(url=url, secret_from="HOOK"), "s3cret", Pace(1000), lambda: 1_800_000_000.9)


def test_a_receiver_can_verify_what_it_gets_and_knows_it_again() -> None:
    with web_server(lambda asked: (202, {"id": "m-7"})) as (url, asked):
        assert webhook(f"{url}/send?tenant=1").send(MESSAGE) == "m-7"
    [one] = asked
    assert one.path == "/send?tenant=1"
    assert one.headers["Idempotency-Key"] == "c1-000001"
    assert one.json["to"] == "+8613800138000"
    assert one.json["fields"]["link"] == "https://s.example.com/a?7K3Q"
    signed = re.fullmatch(r"t=(\d+),v1=([0-9a-f]{64})", one.headers["Echoform-Signature"])
    assert signed
    assert signed[1] == "1800000000"
    meant = hmac.new(b"s3cret", f"{signed[1]}.".encode() + one.body, hashlib.sha256)
    assert hmac.compare_digest(meant.hexdigest(), signed[2])


@pytest.mark.parametrize(
    ("status", "raised"),
    [(410, Undeliverable), (422, Undeliverable)]
    + [(status, Unavailable) for status in (302, 307, 400, 401, 404, 429, 500, 503)],
)
def test_what_is_not_taken(status: int, raised: type[Exception]) -> None:
    """Redirects are not followed: the customer's address goes where the site said, or nowhere."""
    with (
        web_server(lambda asked: (status, {})) as (url, asked),
        pytest.raises(raised, match=str(status)),
    ):
        webhook(url).send(MESSAGE)
    assert [one.path for one in asked] == ["/"]


@pytest.mark.parametrize("answer", [b"", b"ok", b"[]", b'{"id": 7}'])
def test_a_receiver_need_not_name_it(answer: bytes) -> None:
    with web_server(lambda asked: (200, answer)) as (url, _):
        assert webhook(url).send(MESSAGE) == "c1-000001"


def test_only_https_but_to_this_machine() -> None:
    with pytest.raises(EchoformError, match="only https"):
        webhook("http://crm.example.com/send")
    with pytest.raises(EchoformError, match="only https"):
        webhook("http://127.0.0.1.example.com/send")
    assert webhook("https://crm.example.com/send").repeatable


def test_a_receiver_that_hangs_up_gets_the_same_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unavailable, match="ConnectionRefusedError"):
        webhook(f"http://127.0.0.1:{port}/").send(MESSAGE)
