"""WeChat's template messages and WeCom's robot, against servers that answer as theirs do."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException

import pytest

from chalicelib.channels import Channel, Message, Unavailable, Undeliverable
from chalicelib.channels.configured import OfficialAccount, Robot
from chalicelib.channels.pacing import Allowance, Pace
from chalicelib.channels.wechat import TemplateMessages, fields
from chalicelib.channels.wecom import GroupRobot, shortened
from tests.channels.servers import Asked, web_server

TEXT = """template: invitation
url: https://s.example.com/a?7K3Q
thing1: 售后服务评价
thing2: 空调: 维修
"""
MESSAGE = Message(key="c1-000001", to="oOpenId1", text=TEXT)


class WeChat:
    """Answers as api.weixin.qq.com does."""

    def __init__(self) -> None:
        self.good = "token-1"
        self.errcode = 0
        self.seconds = 7200

    def __call__(self, asked: Asked) -> tuple[int, object]:
        if asked.path == "/cgi-bin/stable_token":
            if asked.json["secret"] != "s3cret":
                return 200, {"errcode": 40125, "errmsg": "invalid appsecret"}
            if asked.json["force_refresh"]:
                self.good += "+"
            return 200, {"access_token": self.good, "expires_in": self.seconds}
        if asked.path.rpartition("access_token=")[2] != self.good:
            return 200, {"errcode": 40001, "errmsg": "invalid credential"}
        if self.errcode:
            return 200, {"errcode": self.errcode, "errmsg": "refused oOpenId1"}
        return 200, {"errcode": 0, "errmsg": "ok", "msgid": 200228332}


def account(url: str, time: list[float] | None = None, secret: str = "s3cret") -> TemplateMessages:
    now = time or [0.0]
    said = OfficialAccount(
        app_id="wx1", secret_from="WX", templates={"invitation": "TPL-1"}, api=url
    )
    return TemplateMessages(said, secret, Pace(1000), lambda: now[0])


def test_a_template_message_has_the_fields_that_its_text_names() -> None:
    with web_server(WeChat()) as (url, asked):
        channel = account(url)
        assert channel.send(MESSAGE) == "200228332"
        channel.send(MESSAGE)
    assert [one.path for one in asked] == [
        "/cgi-bin/stable_token",
        *["/cgi-bin/message/template/send?access_token=token-1"] * 2,
    ]
    assert asked[0].json == {
        "grant_type": "client_credential",
        "appid": "wx1",
        "secret": "s3cret",
        "force_refresh": False,
    }
    first = asked[1].json
    assert len(first.pop("client_msg_id")) == 32
    assert first == {
        "touser": "oOpenId1",
        "template_id": "TPL-1",
        "url": "https://s.example.com/a?7K3Q",
        "data": {"thing1": {"value": "售后服务评价"}, "thing2": {"value": "空调: 维修"}},
    }


def test_a_token_is_renewed_before_its_end_and_where_it_is_refused() -> None:
    """Forced only where WeChat itself hands out the one that it refuses: that is rationed."""
    wechat, time = WeChat(), [0.0]
    with web_server(wechat) as (url, asked):
        channel = account(url, time)
        channel.send(MESSAGE)
        wechat.good = "token-2"  # somebody else renewed it
        channel.send(MESSAGE)
        time[0] += 7200 - 299
        channel.send(MESSAGE)
    tokens = [one.json["force_refresh"] for one in asked if "stable" in one.path]
    assert tokens == [False] * 3


def test_a_token_that_stays_refused_is_forced_once() -> None:
    refusing = WeChat()

    def answer(asked: Asked) -> tuple[int, object]:
        if asked.path.endswith("=token-1"):
            return 200, {"errcode": 42001, "errmsg": "access_token expired"}
        return refusing(asked)

    with web_server(answer) as (url, asked):
        assert account(url).send(MESSAGE) == "200228332"
    tokens = [one.json["force_refresh"] for one in asked if "stable" in one.path]
    assert tokens == [False, False, True]


@pytest.mark.parametrize(
    ("errcode", "raised"),
    [
        (43004, Undeliverable),
        (40003, Undeliverable),
        (47003, Undeliverable),
        (40037, Unavailable),
        (45009, Unavailable),
        (-1, Unavailable),
    ],
)
def test_what_wechat_refuses(errcode: int, raised: type[Exception]) -> None:
    wechat = WeChat()
    wechat.errcode = errcode
    with web_server(wechat) as (url, _), pytest.raises(raised) as caught:
        account(url).send(MESSAGE)
    assert str(caught.value) == f"WeChat: {errcode}"


@pytest.mark.parametrize("opened", [account, lambda url: robot(url)])
def test_what_a_gateway_answers_leaves_it_open(opened: Callable[[str], Channel]) -> None:
    """Neither sent nor not: whoever called must not simply send again."""

    def answer(asked: Asked) -> tuple[int, object]:
        return WeChat()(asked) if "stable" in asked.path else (502, b"<html>Bad Gateway")

    with web_server(answer) as (url, _), pytest.raises(HTTPException, match="502"):
        opened(url).send(MESSAGE)


def test_a_wrong_secret_or_a_template_not_told_of_sends_nothing() -> None:
    with web_server(WeChat()) as (url, asked):
        with pytest.raises(Unavailable, match="40125"):
            account(url, secret="no").send(MESSAGE)
        with pytest.raises(Unavailable, match="none for 'done'"):
            account(url).send(Message(key="k", to="o1", text="template: done\nthing1: x\n"))
    assert [one.path for one in asked] == ["/cgi-bin/stable_token"]


def test_fields_are_read_by_line() -> None:
    assert fields("url: https://a.example/?b:c\n\nnot a field\n thing1 :x\n") == {
        "url": "https://a.example/?b:c",
        "thing1": "x",
    }


ALERT = Message(
    key="alert-1", to="li", subject="请回访", text="[点此](http://evil) <@all> 很不满意"
)


def robot(url: str, time: list[float] | None = None) -> GroupRobot:
    now = time or [0.0]
    allowance = Allowance(20, 60, lambda: now[0])
    return GroupRobot(Robot(key_from="WECOM", api=url), "abc-123", allowance)


def test_a_robot_says_plain_text_and_calls_whom_it_is_told() -> None:
    with web_server(lambda asked: (200, {"errcode": 0, "errmsg": "ok"})) as (url, asked):
        assert robot(url).send(ALERT) == "alert-1"
    [one] = asked
    assert one.path == "/cgi-bin/webhook/send?key=abc-123"
    assert one.json == {
        "msgtype": "text",
        "text": {
            "content": "请回访\n[点此](http://evil) <@all> 很不满意",
            "mentioned_list": ["li"],
        },
    }


def test_a_robot_takes_twenty_a_minute() -> None:
    time = [0.0]
    with web_server(lambda asked: (200, {"errcode": 0, "errmsg": "ok"})) as (url, asked):
        channel = robot(url, time)
        for _ in range(20):
            channel.send(ALERT)
        with pytest.raises(Unavailable, match="only 20 messages"):
            channel.send(ALERT)
        time[0] = 60.0
        channel.send(ALERT)
    assert len(asked) == 21


@pytest.mark.parametrize(
    ("errcode", "raised"), [(45009, Unavailable), (93000, Unavailable), (44004, Undeliverable)]
)
def test_what_wecom_refuses(errcode: int, raised: type[Exception]) -> None:
    with (
        web_server(lambda asked: (200, {"errcode": errcode, "errmsg": "no"})) as (url, _),
        pytest.raises(raised) as caught,
    ):
        robot(url).send(ALERT)
    assert "abc-123" not in str(caught.value)


def test_what_is_too_long_is_cut_between_characters() -> None:
    assert shortened("满" * 683, 2048).encode() == "满".encode() * 681 + "…".encode()
    assert shortened("满" * 682, 2048) == "满" * 682
