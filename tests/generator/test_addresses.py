"""Addresses, as files have them and as channels take them."""

from __future__ import annotations

import pytest

from generator import masking
from generator.addresses import READERS, BadAddress, email, phone


@pytest.mark.parametrize(
    "text",
    [
        "13800138000",
        "13800138000.0",
        "138 0013 8000",
        "138-0013-8000",
        "+86 138 0013 8000",
        "008613800138000",
        "8613800138000",
        "１３８００１３８０００",
        "(+86)13800138000",
    ],
)
def test_a_number_has_one_spelling(text: str) -> None:
    assert phone(text, "CN") == "+8613800138000"


def test_a_number_without_its_country_is_of_the_campaigns() -> None:
    assert phone("(201) 555-0123", "US") == "+12015550123"
    assert phone("+44 7400 123456", "CN") == "+447400123456"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1380013800", "digits are missing"),
        ("010-62345678", "no mobile"),
        ("1.38E+10", "Excel shortened"),
        ("没有", "no telephone number"),
        ("13800138000\r\nBcc: x@example.com", "no telephone number"),
        ("=1+1", "no telephone number"),
        ("{{7*7}}", "no telephone number"),
    ],
)
def test_a_number_that_gets_no_text_message_is_told_apart(text: str, said: str) -> None:
    with pytest.raises(BadAddress, match=said) as bad:
        phone(text, "CN")
    assert text not in str(bad.value), "what is said of rows quotes no address"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Ann.Lee+x@Example.COM", "Ann.Lee+x@example.com"),
        (" ａｎｎ@example.com\n", "ann@example.com"),
    ],
)
def test_an_email_address_keeps_what_may_mean_something(text: str, address: str) -> None:
    assert email(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "ann@example",
        "ann@@example.com",
        ".ann@example.com",
        "a..b@example.com",
        "ann@-example.com",
        "ann@127.0.0.1",
        "ann@example.com,bob@example.com",
        "ann@example.com\r\nBcc: bob@example.com",
        "Ann <ann@example.com>",
        "x" * 65 + "@example.com",
    ],
)
def test_what_is_no_email_address_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        email(text)


@pytest.mark.parametrize("channel", READERS)
def test_no_address_ends_a_line(channel: str) -> None:
    _, read = READERS[channel]
    for hostile in ("a\r\nBcc: x@example.com", "x@example.com\n.\nMAIL", "a\0b", "a b\u2028c"):
        with pytest.raises(BadAddress):
            read(hostile, "CN")


def test_masked_names_and_addresses_tell_nobody_who_it_is() -> None:
    assert masking.name("王小明") == "王**"
    assert masking.name("王") == "*"
    assert masking.address("ann@example.com") == "a***@example.com"
    assert masking.address("+8613800138000") == "+861********00"
    assert masking.address("oX1") == "***"
