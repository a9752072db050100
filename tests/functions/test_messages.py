"""Messages are written from templates, and nothing in a field is more than a text in one line."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.channels.letters import letter, sender
from chalicelib.channels.segments import segmented
from chalicelib.messages import (
    KINDS,
    WRITTEN,
    Messages,
    Rendered,
    Unrendered,
    render,
)
from chalicelib.published import Definitions
from chalicelib.site import SiteRecord
from chalicelib.storage import MemoryStore
from generator.message_templates import shipped
from tests.laying import lay_messages, lay_site

FIELDS = {
    "link": "https://s.example.com/after-sales/?7K3Q9M2XBV4D8N6H0TJ5R1WYCE",
    "opt_out": "https://s.example.com/opt-out/?7K3Q9M2XBV4D8N6H0TJ5R1WYCE",
    "survey": "售后服务评价",
}
LANGUAGES = ("zh-CN", "en")
EVERY = [(kind, language) for kind in KINDS for language in LANGUAGES]


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    made = MemoryStore()
    lay_site(made, SiteRecord(name={"zh-CN": "样例服务", "en": "Example"}, colour="#123456"))
    lay_messages(made, shipped())
    return made


def written(store: MemoryStore, **fields: str) -> Rendered:
    return render(store, "invitation", "email", "en", {**FIELDS, **fields})


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_every_message_ships_and_ends_all_messages_with_one_click(
    store: MemoryStore, kind: str, language: str
) -> None:
    for channel in WRITTEN:
        said = render(store, kind, channel, language, FIELDS)
        assert said.language == language
        assert bool(said.subject) == bool(said.html) == (channel == "email")
        if channel != "wechat":  # its fields take 20 letters each
            assert FIELDS["opt_out"] in said.text
        for said_in in filter(None, (said.text, said.html)):
            assert FIELDS["link"] in said_in or kind == "notice"
            assert "None" not in said_in
            assert "{" not in re.sub(r"(?s)<style>.*</style>", "", said_in)
        assert "\n\n\n" not in said.text


@pytest.mark.parametrize(("kind", "language"), EVERY)
def test_html_is_small_and_needs_nothing_but_itself(
    store: MemoryStore, kind: str, language: str
) -> None:
    """Tables and inline styles; one button; the brand's name and colour; no address but two."""
    page = render(store, kind, "email", language, FIELDS).html
    assert len(page.encode()) < 10_000
    assert page.count("display:inline-block") == (kind != "notice")
    assert ("样例服务" if language == "zh-CN" else "Example") in page
    assert "#123456" in page
    assert set(re.findall(r'(?:href|src)="([^"]*)"', page)) <= {FIELDS["link"], FIELDS["opt_out"]}
    assert not re.search(r"<(script|img|link|iframe|form)|url\(|@import", page)
    assert f'<html lang="{language}">' in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_message_is_short_beside_its_two_addresses(
    store: MemoryStore, language: str
) -> None:
    for kind in KINDS:
        said = render(store, kind, "sms", language, FIELDS).text
        words = said.replace(FIELDS["link"], "").replace(FIELDS["opt_out"], "")
        assert segmented(words).segments == 1
        for address in (FIELDS["link"], FIELDS["opt_out"]):
            if address in said:  # a letter beside an address would become part of it
                assert re.search(rf"(^|\s){re.escape(address)}(\s|$)", said)


HOSTILE = [
    "{{ 7*7 }}{% for x in range(9) %}y{% endfor %}",
    "<script>alert(1)</script><a href='https://evil.example'>",
    '" onmouseover="alert(1)',
    "A\r\nBcc: all@example.com\r\n\r\nnew body",
    "A\n.\nMAIL FROM:<x@example.com>",
    "A\u2028url: https://evil.example",
    "‮evil\u0000\x1b[2J",
    "=cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_in_a_field_is_more_than_text(store: MemoryStore, name: str) -> None:
    mild = written(store, name="C123", survey="S")
    said = written(store, name=name, survey=name)
    assert len(said.text.splitlines()) == len(mild.text.splitlines())
    assert re.findall(r"<\w+", said.html) == re.findall(r"<\w+", mild.html)
    assert "49" not in said.text
    assert "yyyyyyyyy" not in said.text
    [word, *_] = re.findall(r"\w+", name)
    assert word in said.text
    assert word in html.unescape(said.html)
    data = letter(said.message("k", "c1@example.com"), sender("care@example.com"))
    assert b"\r\nBcc" not in data
    wechat = render(store, "invitation", "wechat", "en", {**FIELDS, "survey": name})
    assert [line.partition(":")[0] for line in wechat.text.splitlines()] == [
        "template",
        "url",
        "thing1",
        "thing2",
    ]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("You won https://evil.example/x", "You won https: evil. example/x"),
        ("www.evil.example", "www. evil. example"),
        ("http://1.2.3.4/x", "http: 1.2.3.4/x"),
        ("evil.中国", "evil. 中国"),
        ("J. R. St.Clair 2.5 A07.1", "J. R. St. Clair 2.5 A07.1"),
    ],
)
def test_a_name_is_no_address_that_could_be_tapped(
    store: MemoryStore, name: str, shown: str
) -> None:
    assert written(store, name=name).text.startswith(f"Dear {shown},")
    assert written(store, name=name).fields["name"] == name  # as data it is what it was
    assert "Example.com" in written(store, brand="Example.com").text  # a company's own words


@given(st.text(max_size=400))
def test_any_field_stays_in_its_line(store: MemoryStore, value: str) -> None:
    said = render(store, "invitation", "sms", "en", {**FIELDS, "brand": value})
    assert len(said.text.splitlines()) == 1


@pytest.mark.parametrize(
    "link", ["", "javascript:alert(1)", "https://a.example/\r\nBcc: x", "https://a b", 'https://"']
)
def test_what_is_clicked_is_an_address(store: MemoryStore, link: str) -> None:
    with pytest.raises(Unrendered, match="link"):
        written(store, link=link)


def test_every_message_can_be_opted_out_of(store: MemoryStore) -> None:
    for kind in KINDS:
        with pytest.raises(Unrendered, match="opt_out"):
            render(store, kind, "sms", "en", {**FIELDS, "opt_out": ""})


def test_what_is_not_said_leaves_no_gap(store: MemoryStore) -> None:
    said = written(store)
    assert said.text.startswith("Hello,\n\nThank you for choosing us. Would")
    said = written(store, name="C123", service="the repair", deadline="30 June", incentive="A draw")
    assert said.text.startswith("Dear C123,\n\nThank you for choosing us for the repair. Would")
    assert "Please answer by 30 June." in said.text
    assert "About taking part: A draw" in said.text


def test_a_language_without_templates_reads_the_nearest(store: MemoryStore) -> None:
    assert render(store, "notice", "sms", "zh-TW", FIELDS).language == "zh-CN"
    assert render(store, "notice", "sms", "fr", FIELDS).language == "en"


def test_a_webhook_gets_the_fields_too(store: MemoryStore) -> None:
    message = render(store, "invitation", "webhook", "en", FIELDS).message(
        "k1", "https://x.example"
    )
    assert message.fields["link"] == FIELDS["link"]
    assert message.opt_out == FIELDS["opt_out"]
    assert message.text == render(store, "invitation", "sms", "en", FIELDS).text


def test_templates_published_anew_are_used_within_seconds() -> None:
    store, time = MemoryStore(), [0.0]
    messages = Messages(store, 5, lambda: time[0])
    with pytest.raises(Unrendered, match="no message templates are published"):
        messages.render("done", "sms", "en", FIELDS)
    for text in ("old {{ opt_out }}", "new {{ opt_out }}"):
        lay_messages(store, {"done/sms.en.txt": text})
        time[0] += 6
        assert messages.render("done", "sms", "en", FIELDS).text.startswith(text[:3])
    assert Definitions(store).surveys() == []  # what lies beside surveys is none


@pytest.mark.parametrize(
    "template", ["{{ nme }}", "{{ name.x.y }}", "{{ ''.__class__.__mro__ }}", "{{ 1 / 0 }}"]
)
def test_what_a_template_may_not_do_stops_its_message_alone(template: str) -> None:
    store = MemoryStore()
    lay_messages(store, {"done/sms.en.txt": template})
    with pytest.raises(Unrendered, match=r"done/sms\.en\.txt cannot be filled"):
        render(store, "done", "sms", "en", FIELDS)
