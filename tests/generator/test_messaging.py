"""An author's own templates are checked where they were written, published, and shown."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from chalicelib.channels.configured import Hook, OfficialAccount, Robot, Ses, Smtp, Sns
from chalicelib.messages import FIELDS, KINDS, WRITTEN, Messages
from chalicelib.site import read_site
from chalicelib.storage import MemoryStore
from generator.__main__ import main
from generator.commands.messages import message
from generator.message_templates import samples, together
from generator.messaging import lay
from generator.places import SURVEYS
from generator.plain import BadFile
from generator.site import Site, load_site
from tests.generator.test_building import SURVEY

CHANNELS = """\
name: {zh-CN: 样例服务, en: Example}
url: https://survey.example.com
channels:
  email: {by: smtp, host: mail.example.com, sender: Care <care@example.com>}
  sms: {by: webhook, url: "https://sms.example.com/send", secret_from: SMS_SECRET}
  wechat: {by: official_account, app_id: wx1, secret_from: WX, templates: {invitation: TPL-1}}
  wecom: {by: robot, key_from: WECOM_KEY}
"""


@pytest.fixture
def surveys(tmp_path: Path) -> Path:
    (tmp_path / "counter.yaml").write_text(SURVEY, "utf-8")
    (tmp_path / "site.yaml").write_text("message_fields: [order_no]\n", "utf-8")
    return tmp_path


def site(surveys: Path, name: str = "", template: str = "") -> Site:
    if name:
        path = surveys / "messages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(template, "utf-8")
    return load_site(surveys / "site.yaml")


def echoform(*arguments: object) -> str:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert not result.exception or isinstance(result.exception, SystemExit)
    return result.output


BOTH = "{{ link }} {{ opt_out }}"


@pytest.mark.parametrize(
    ("name", "template", "problem"),
    [
        ("invitation/sms.en.txt", f"Hi\n{{{{ nme }}}} {BOTH}", ":2: `nme` is no field, did"),
        ("invitation/sms.en.txt", f"{BOTH}\n\n{{% if name %}}", ":3: Unexpected end of template"),
        ("invitation/sms.en.txt", f"{BOTH}\n{{{{ name|shout }}}}", ":2: No filter named 'shout'"),
        ("invitation/sms.en.txt", f"{BOTH}\n{{{{ name.a.b }}}}", ":2: it cannot be filled"),
        ("invitation/sms.en.txt", f"{BOTH}\n{{{{ ''.__class__.x }}}}", ":2: it cannot be filled"),
        ("invitation/sms.en.txt", "{{ link }}", ":1: every message of this kind says `{{ opt_"),
        ("reminder/sms.en.txt", "{{ opt_out }}", ":1: every message of this kind says `{{ link"),
        ("invitation/sms.en.txt", '{% include "x" %}', ":1: it extends or includes 'x'"),
        ("invitation/email.en.txt", f"Hi {BOTH}", ":1: the text of an e-mail begins with a line"),
        ("invitation/email.en.txt", f"Subject:{{# #}}\n{BOTH}", ":1: the subject is empty"),
        ("invitation/email.fr.html", BOTH, ": HTML goes with the text of an e-mail"),
        ("invitation/sms.en.html", BOTH, ": HTML goes with the text of an e-mail"),
        ("invitation/wechat.en.txt", "thing1: {{ link }}", ":1: WeChat's begin with a line"),
        ("invite/sms.en.txt", BOTH, ": such a template is never used"),
        ("invitation/fax.en.txt", BOTH, ": such a template is never used"),
    ],
)  # fmt: skip
def test_every_problem_is_told_where_it_was_written(
    surveys: Path, name: str, template: str, problem: str
) -> None:
    with pytest.raises(BadFile) as caught:
        site(surveys, name, template)
    assert str(caught.value).startswith(f"{surveys / 'messages' / name}{problem}")
    told = echoform("check", surveys)
    assert f"messages/{name}{problem}" in told


def test_all_problems_are_told_at_once(surveys: Path) -> None:
    (surveys / "messages" / "done").mkdir(parents=True)
    (surveys / "messages" / "done" / "sms.en.txt").write_text("{{ a }} {{ b }}\n{{ c }}")
    with pytest.raises(BadFile) as caught:
        site(surveys, "notice/sms.en.txt", "{{ d }}")
    assert len(str(caught.value).splitlines()) == 4


def test_a_template_of_ones_own_takes_the_place_of_ours(surveys: Path) -> None:
    """With its own words in e-mail's text, our HTML would say something else: it goes."""
    own = "Subject: Order {{ order_no }}\n\nHi. {{ link }} {{ opt_out }}"
    store = MemoryStore()
    lay(store, site(surveys, "invitation/email.en.txt", own))
    fields = samples("en") | {"order_no": "7\r\nBcc: x"}
    said = Messages(store).render("invitation", "email", "en", fields)
    assert (said.subject, said.html) == ("Order 7 Bcc: x", "")
    assert Messages(store).render("invitation", "email", "zh-CN", fields).html
    html = '{% extends "_email.html" %}{% block title %}Hi{% endblock %}' + (
        "{% block button %}Go{% endblock %}{% block foot %}{{ opt_out }}{% endblock %}"
    )
    lay(store, site(surveys, "invitation/email.en.html", html))
    assert ">Go</a>" in Messages(store).render("invitation", "email", "en", fields).html


def test_another_language_is_more_files(surveys: Path) -> None:
    store = MemoryStore()
    lay(store, site(surveys, "done/sms.fr.txt", "Bonjour {{ opt_out }}"))
    assert Messages(store).render("done", "sms", "fr", samples("fr")).text.startswith("Bonjour")


def test_what_ships_passes_its_own_check(tmp_path: Path) -> None:
    for name, text in together({}).items():
        path = tmp_path / "messages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    (tmp_path / "site.yaml").write_text("", "utf-8")
    assert len(load_site(tmp_path / "site.yaml").messages) == 1 + len(KINDS) * 2 * 4


def test_the_sites_record_has_its_channels_and_no_secret(surveys: Path) -> None:
    (surveys / "site.yaml").write_text(CHANNELS, "utf-8")
    store = MemoryStore()
    lay(store, site(surveys))
    record = read_site(store)
    assert record.url == "https://survey.example.com"
    assert record.called("en") == "Example"
    assert type(record.channels.email).__name__ == "Smtp"
    assert type(record.channels.webhook).__name__ == "Outboxed"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("email: {by: pigeon}", "pigeon"),
        ("email: {by: sns}", "sns"),
        ("email: {by: smtp, host: h}", "sender"),
        ("email: {by: smtp, host: h, sender: Care}", "channels.email: 'Care' is no sender"),
        ("email: {by: smtp, host: h.example.com, sender: a@b.example, secure: none}", "machine"),
        ("email: {by: smtp, host: h, sender: a@example.com, password: hunter2}", "password"),
        ("sms: {by: webhook, url: http://sms.example.com, secret_from: S}", "only https"),
        ("wecom: {by: robot, key_from: 693a91f6-0000}", "key_from"),
        ("fax: {by: outbox}", "fax"),
    ],
)  # fmt: skip
def test_channels_are_checked_where_they_are_configured(
    surveys: Path, said: str, told: str
) -> None:
    (surveys / "site.yaml").write_text(f"channels:\n  {said}\n", "utf-8")
    with pytest.raises(BadFile, match=r"site\.yaml") as caught:
        site(surveys)
    assert told in str(caught.value)


def test_a_message_is_shown_as_a_customer_gets_it(surveys: Path) -> None:
    survey = surveys / "counter.yaml"
    text = echoform("message", survey, "--channel", "sms", "--language", "zh-CN")
    assert "请评价： http://127.0.0.1:8000/" in text
    assert "UCS-2, 142 units, 3 segments" in text
    mail = echoform("message", survey, "--language", "en", "--field", "name=C9 {{ 7*7 }}")
    assert mail.startswith("Subject: How was our service?\n\nDear C9 {{ 7*7 }},")
    assert "“At the counter”" in mail
    strange = echoform("message", survey, "--field", "nme=C9")
    assert "did you mean `name`?" in strange


def test_a_message_is_written_to_a_file(surveys: Path) -> None:
    survey, folder = surveys / "counter.yaml", surveys
    for name in ("a.html", "a.eml", "a.txt"):
        assert "bytes" in echoform("message", survey, "--output", folder / name)
    assert (folder / "a.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    mail = message_from_bytes((folder / "a.eml").read_bytes(), policy=default)
    assert mail["List-Unsubscribe"].startswith("<http://127.0.0.1:8000/")
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert "call it .txt" in echoform("message", survey, "--output", folder / "a.pdf")
    assert "call it .txt" in echoform(
        "message", survey, "--channel", "sms", "--output", folder / "a.html"
    )


def test_the_guide_shows_what_is_taken(tmp_path: Path) -> None:
    """Its example either way, and every key by its name."""
    guide = (SURVEYS / "README.md").read_text("utf-8")
    [example] = re.findall(r"```yaml\n(channels:.*?)```", guide, re.S)
    other = re.sub(r"(?m)^  (email|sms):.*\n", "", example)
    for text in (example, re.sub(r"(?m)^  # ", "  ", other)):
        (tmp_path / "site.yaml").write_text(text, "utf-8")
        assert type(load_site(tmp_path / "site.yaml").channels.wecom) is Robot
    for way in (Smtp, Ses, Sns, OfficialAccount, Robot, Hook):
        [row] = re.findall(rf"^\| `{way.__struct_config__.tag}` \|.*$", guide, re.M)
        keys = {"api"} | set(re.findall(r"`(\w+)`", row))
        assert set(way.__struct_fields__) <= keys, way
    fields = guide.partition("## Messages")[2].partition("## Channels")[0]
    assert {name for name in FIELDS if f"`{name}`" not in fields} == set()
    assert {kind for kind in KINDS if f"`{kind}`" not in fields} == set()


def test_the_guides_template_passes(surveys: Path) -> None:
    guide = (SURVEYS / "README.md").read_text("utf-8")
    [template] = re.findall(r"```jinja\n(.*?)```", guide, re.S)
    assert site(surveys, "invitation/email.en.txt", template).messages


def test_the_command_knows_every_kind_and_channel() -> None:
    """It spells them out, so that --help need not load them."""
    taken = {p.name: p.type.choices for p in message.params if isinstance(p.type, click.Choice)}
    assert tuple(taken["kind"]) == KINDS
    assert {*taken["channel"], "wecom"} == set(WRITTEN)
