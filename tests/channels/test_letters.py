"""What is in a message is hostile: no field of it becomes a header, an address or a part."""

from __future__ import annotations

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.channels import Message, Undeliverable
from chalicelib.channels.letters import address, letter, message_id, sender, tag
from chalicelib.survey import EchoformError

AUTHOR = sender("Example Care <care@example.com>")


def read(message: Message) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(letter(message, AUTHOR), policy=default))


def message(**said: str) -> Message:
    return Message(**{"key": "k1", "to": "c1@example.com", "text": "text", **said})


def test_one_click_ends_all_messages() -> None:
    """RFC 8058; an address of this machine, without TLS, is named and not offered for one click."""
    long = "https://survey.example.com/after-sales/opt-out/?" + "7K3Q9M2X" * 20
    mail = read(message(opt_out=long, subject="今天" * 60))
    assert mail["List-Unsubscribe"] == f"<{long}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Subject"] == "今天" * 60
    here = read(message(opt_out="http://127.0.0.1:8000/o?7K3Q"))
    assert here["List-Unsubscribe"] == "<http://127.0.0.1:8000/o?7K3Q>"
    assert here["List-Unsubscribe-Post"] is None
    assert read(message())["List-Unsubscribe"] is None


@pytest.mark.parametrize("break_", ["\r\n", "\n", "\r", "\x00", "\u2028", "\x85", "\x0b"])
def test_a_line_end_in_a_subject_or_name_makes_no_header(break_: str) -> None:
    hostile = f"Hello{break_}Bcc: all@example.com{break_}{break_}<p>body"
    mail = read(message(subject=hostile, language=hostile))
    assert mail["Bcc"] is None
    assert "Hello Bcc: all@example.com" in mail["Subject"]
    assert mail.get_content().strip() == "text"


@pytest.mark.parametrize(
    "opt_out", ["javascript:alert(1)", "https://a.example/\r\nBcc: b@c.de", "https://a.example/>,<"]
)
def test_an_address_to_opt_out_at_that_is_none_stops_the_message(opt_out: str) -> None:
    with pytest.raises(Undeliverable):
        letter(message(opt_out=opt_out), AUTHOR)


@pytest.mark.parametrize(
    "to",
    [
        "",
        "c1",
        "@example.com",
        "c1@",
        "c1@localhost",
        "c1@example.com, c2@example.com",
        "c1@example.com\r\nRCPT TO:<c2@example.com>",
        "c1 <c1@example.com>",
        "<c1@example.com>",
        "c1@exa mple.com",
        '"c1"@example.com',
        "客户@example.com",
        ".c1@example.com",
        "c1@example..com",
        "a" * 65 + "@example.com",
    ],
)
def test_what_is_no_single_address_is_undeliverable_and_not_repeated(to: str) -> None:
    with pytest.raises(Undeliverable) as caught:
        letter(message(to=to), AUTHOR)
    assert str(caught.value) == "this is no e-mail address"


def test_addresses_as_they_are() -> None:
    assert address(" c1+new@sub.example.com ") == "c1+new@sub.example.com"
    assert address("c1@例子.example") == "c1@xn--fsqu00a.example"


def test_a_sender_has_an_address() -> None:
    assert sender("care@example.com").addr_spec == "care@example.com"
    assert sender("样例服务 <care@example.com>").display_name == "样例服务"
    for wrong in ("Care", "Care <care>", ""):
        with pytest.raises(EchoformError, match="is no sender"):
            sender(wrong)


def test_the_same_key_is_the_same_message() -> None:
    first, other = message(), message(key="k2")
    assert message_id(first, "example.com") == read(message(text="again"))["Message-ID"]
    assert message_id(first, "example.com") != message_id(other, "example.com")
    assert tag("c1-000001_r2") == "c1-000001_r2"
    assert tag("c1/000001.客户").isalnum()


@given(st.text(), st.text(max_size=300))
def test_any_text_is_carried(text: str, subject: str) -> None:
    """In lines that mail allows, all of it ASCII."""
    text = text.encode("utf-8", "ignore").decode()
    data = letter(message(text=text, subject=subject.encode("utf-8", "ignore").decode()), AUTHOR)
    assert data.isascii()
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
