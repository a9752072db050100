"""Channels are those that the site configures; the rest is the outbox."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from chalicelib.channels import Message, Unavailable
from chalicelib.channels.configured import Channels, Hook, Robot, Ses, Smtp, Sns
from chalicelib.channels.opening import KINDS, open_channels
from chalicelib.channels.outbox import Outbox
from chalicelib.site import SiteRecord, read_site
from chalicelib.storage import MemoryStore
from tests.laying import lay_site

FUNCTIONS = Path(__file__).parents[2] / "functions"
RECORD = SiteRecord(
    url="https://survey.example.com",
    channels=Channels(
        email=Smtp(host="mail.example.com", sender="care@example.com", password_from="MAIL_PW"),
        sms=Hook(url="https://sms.example.com/send", secret_from="HOOK"),
        wecom=Robot(key_from="ROBOT"),
    ),
)


def test_every_kind_is_there_and_the_outbox_until_it_is_configured() -> None:
    store = MemoryStore()
    assert [type(each) for each in open_channels(store, {}).values()] == [Outbox] * len(KINDS)
    lay_site(store, RECORD)
    assert read_site(store) == RECORD
    environ = {"MAIL_PW": "a", "HOOK": "b", "ROBOT": "c"}
    opened = {kind: type(each).__name__ for kind, each in open_channels(store, environ).items()}
    assert opened == {
        "email": "MailServer",
        "sms": "Webhook",
        "wechat": "Outbox",
        "webhook": "Outbox",
        "wecom": "GroupRobot",
    }


def test_a_secret_that_is_missing_stops_its_channel_and_no_other() -> None:
    store = MemoryStore()
    lay_site(store, RECORD)
    channels = open_channels(store, {"HOOK": "b"})
    for kind, variable in (("email", "MAIL_PW"), ("wecom", "ROBOT")):
        with pytest.raises(Unavailable, match=f"channel {kind}: .* {variable} is not set"):
            channels[kind].send(Message(key="k", to="c1@example.com", text="x"))
    assert type(channels["sms"]).__name__ == "Webhook"


def test_what_would_send_in_the_clear_takes_nothing() -> None:
    store = MemoryStore()
    hook = Hook(url="http://sms.example.com/send", secret_from="HOOK")
    lay_site(store, SiteRecord(channels=Channels(sms=hook)))
    with pytest.raises(Unavailable, match="only https"):
        open_channels(store, {"HOOK": "b"})["sms"].send(Message(key="k", to="1", text="x"))


def test_the_record_holds_no_secret() -> None:
    data = msgspec.json.encode(RECORD)
    assert b"MAIL_PW" in data
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"host": "h", "sender": "a@b", "password": "x", "by": "smtp"}, Smtp)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"by": "robot", "key_from": "693a91f6-7xxx-4bc4"}, Robot)


@pytest.mark.parametrize(
    ("configured", "heavy"), [("", False), ("email=Ses(sender='a@example.com')", True)]
)
def test_boto3_is_loaded_only_where_amazon_sends(configured: str, heavy: bool) -> None:
    code = f"""
import sys
from chalicelib.channels.opening import open_channels
from chalicelib.channels import notices
from chalicelib.channels.configured import Channels, Ses
from chalicelib import keys
from chalicelib.site import SiteRecord, lay
from chalicelib.storage import MemoryStore
import msgspec
store = MemoryStore()
lay(store, keys.SITE, msgspec.json.encode(SiteRecord(channels=Channels({configured}))))
open_channels(store, {{}})
print("boto3" in sys.modules, "jinja2" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(FUNCTIONS)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(heavy), "False"]


def test_every_way_is_opened() -> None:
    store = MemoryStore()
    lay_site(store, SiteRecord(channels=Channels(email=Ses(sender="a@example.com"), sms=Sns())))
    opened = open_channels(store, {})
    assert [type(opened[kind]).__name__ for kind in ("email", "sms")] == [
        "AmazonMail",
        "AmazonText",
    ]
    assert not any(each.repeatable for each in (opened["email"], opened["sms"]))
