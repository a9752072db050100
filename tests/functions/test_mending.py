"""A plain form with problems gets those back to mend, filled as they were; the rest untouched."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlencode

import msgspec
import pytest

from chalicelib import keys, links
from chalicelib.collecting import FORM, Reply, collect
from chalicelib.links import Link
from chalicelib.published import Definitions, publish
from chalicelib.storage import MemoryStore
from chalicelib.survey import Contract, Response
from chalicelib.survey.words import WORDS
from generator.building import lay_shells
from generator.headers import headers_of
from generator.site import Site
from generator.wordlist import words_of
from tests.surveys import kitchen_sink

NOW = 1_770_000_000_000
SURVEY = Contract.from_json(kitchen_sink().to_json())
SITE = Site(name={"zh-CN": "回声", "en": "Echo"}, colour="#7a1f6b")


class Fields(HTMLParser):
    """What a browser would post from a page, as (name, value) pairs."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.posted: list[tuple[str, str]] = []
        self._name = ""
        self._writing = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self._name = known.get("name", self._name)
        self._writing = tag == "textarea"
        off = known.get("type") in ("radio", "checkbox") and "checked" not in known
        if (tag == "input" and not off) or (tag == "option" and "selected" in known):
            self.posted.append((self._name, known.get("value", "")))

    def handle_data(self, data: str) -> None:
        if self._writing:
            self.posted.append((self._name, data))

    def handle_endtag(self, tag: str) -> None:
        self._writing = False


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    publish(store, SURVEY, NOW)
    lay_shells(store, [SURVEY], SITE)
    return store


def post(store: MemoryStore, fields: object, **headers: str) -> Reply:
    body = urlencode(fields, doseq=True).encode()  # type: ignore[arg-type]
    known = {"content-type": FORM, **headers}
    return collect(store, Definitions(store), SURVEY.id, known, body, NOW)


def page_of(reply: Reply) -> str:
    assert reply.headers["Content-Type"].startswith("text/html")
    return reply.body.decode()


HALF: dict[str, object] = {
    "_version": SURVEY.version,
    "_language": "en",
    "_website": "",
    "one": "other",
    "one_other": "",
    "list": "south",
    "many": ["x"],
    "many_other": "",
    "stars": "4",
    "title": "x",
    "story": "a <b> & 'more'\r\n" + "long" * 600,
    "tel": "12",
    "mail": "a@b.test",
    "agree": "true",
}

MENDED: dict[str, object] = {
    "one_other": "D",
    "many": ["x", "y"],
    "title": "xy",
    "story": "short",
    "tel": "13800138000",
}


def test_only_what_is_wrong_is_asked_again_and_filled_as_it_was(store: MemoryStore) -> None:
    reply = post(store, HALF)
    page = page_of(reply)
    assert reply.status == 422
    assert "<title>Error: Some answers need to be changed — Every type</title>" in page
    linked = re.findall('<a href="#([a-z_]+)-Q">', page)
    assert linked == ["one_other", "many", "title", "story", "tel"]
    for name in linked:
        assert f"id={name}-Q" in page, "every link of the summary finds its question"
    assert "<b id=tel-E>Enter a telephone number" in page
    assert "<b id=many-E>Choose at least 2</b>" in page
    posted = Fields(page).posted
    again: dict[str, list[str]] = {}
    for name, value in posted:
        again.setdefault(name, []).append(value)
    sent = {name: value if isinstance(value, list) else [value] for name, value in HALF.items()}
    assert again == sent, "nothing is lost, nothing is added"


def test_mended_it_lands_as_if_it_had_been_right_at_once(store: MemoryStore) -> None:
    links.add(store, {"SHOP012": Link(SURVEY.id, attributes={})})
    first = {"host": "s.test", "referer": "https://s.test/kitchen-sink/en/?SHOP012"}
    again = dict.fromkeys(("host", "referer"), "s.test")
    fields: dict[str, list[str]] = {}
    for name, value in Fields(page_of(post(store, HALF, **first))).posted:
        fields.setdefault(name, []).append(value)
    assert fields.pop("_link") == ["SHOP012"], "this page's own address does not know it"
    reply = post(store, {**fields, **MENDED, "_link": "SHOP012"}, **again)
    assert reply.status == 303
    [landed] = [Response.from_json(store.get(e.key).data) for e in store.list(keys.LANDING)]
    assert landed.answers["many"] == ["x", "y"]
    assert landed.answers["list"] == "south"
    assert landed.link is not None


def test_it_wears_the_brand_and_allows_no_script(store: MemoryStore) -> None:
    reply = post(store, HALF)
    page, policy = page_of(reply), reply.headers["Content-Security-Policy"]
    assert "--brand:#7a1f6b" in page
    assert "<html lang=en>" in page
    assert "script" not in policy
    assert "unsafe" not in policy
    assert headers_of(page.encode())["Content-Security-Policy"] == policy
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("evil", ['"><script>alert(1)</script>', "</textarea><script>x</script>"])
def test_hostile_answers_come_back_as_words(store: MemoryStore, evil: str) -> None:
    typed = {"title": evil, "tel": evil, "story": evil * 100, "mail": evil, "one_other": evil}
    drawn = page_of(post(store, {**HALF, **typed}))
    assert "<form" in drawn
    listed = page_of(post(store, {**HALF, "one": evil, evil: evil}))
    for page in (drawn, listed):
        assert "<script>" not in page
        assert evil not in page


def test_what_cannot_be_mended_is_said_and_no_more(store: MemoryStore) -> None:
    page = page_of(post(store, {**HALF, **MENDED, "_link": "NOBODY12"}))
    assert "This survey has closed or the link has expired" in page
    assert "<title>This survey has closed" in page
    assert "<form" not in page
    assert "role=" not in page


def test_without_a_shell_the_browsers_back_button_has_the_answers(store: MemoryStore) -> None:
    store.delete(keys.shell(SURVEY.id, SURVEY.version, each) for each in SURVEY.languages)
    page = page_of(post(store, HALF))
    assert "Phone — Enter a telephone number" in unescape(page)
    assert WORDS["en"]["go_back"] in unescape(page)


def test_a_language_of_the_authors_own_is_spoken_by_the_server_too() -> None:
    french = msgspec.structs.replace(SURVEY, languages=["fr"])
    words = {**words_of("en", {}), "phone": "Saisissez un numéro", "problems": "À corriger"}
    store = MemoryStore()
    publish(store, french, NOW)
    lay_shells(store, [french], Site(words={"fr": words}))
    said = {**HALF, "_version": french.version, "_language": "fr"}
    assert "Saisissez un numéro" in page_of(post(store, said))
    body = msgspec.json.encode(
        {"id": "01KGE3H9005KMWDG3WZDMHNKV7", "version": french.version, "language": "fr"}
        | {"answers": {"tel": "12"}}
    )
    known = {"content-type": "application/json"}
    reply = collect(store, Definitions(store), french.id, known, body, NOW)
    assert msgspec.json.decode(reply.body)["message"] == "À corriger"
