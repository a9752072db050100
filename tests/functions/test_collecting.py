"""The HTTP side: every documented error, for JSON and for plain forms; nothing else ever."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlencode

import msgspec
import pytest

from chalicelib import keys, links
from chalicelib.collecting import FORM, JSON, LARGEST_BODY, REFUSALS, Reply, collect
from chalicelib.links import Link
from chalicelib.published import Definitions, publish
from chalicelib.staff import refusals
from chalicelib.storage import MemoryStore
from chalicelib.survey import Choice, Response, ids
from chalicelib.survey.questions import Single
from chalicelib.survey.words import WORDS
from tests.surveys import after_sales, choices, survey, text

NOW = 1_770_000_000_000
SURVEY = after_sales()
ANSWERS = {
    "service_type": "repair",
    "responsiveness": "na",
    "resolution": 5,
    "attitude": 4,
    "resolved": "yes",
    "overall": 10,
    "suggestion": "很好\n谢谢",
}
BODY = {"id": ids.make(NOW, 1), "version": SURVEY.version, "language": "en", "answers": ANSWERS}


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    publish(store, SURVEY, NOW)
    return store


def post(
    store: MemoryStore, body: object, kind: str = JSON, survey: str = SURVEY.id, **headers: str
) -> Reply:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return collect(store, Definitions(store), survey, {"content-type": kind, **headers}, data, NOW)


def post_form(store: MemoryStore, fields: dict[str, object], **headers: str) -> Reply:
    return post(store, urlencode(fields, doseq=True).encode(), FORM, **headers)


def the_form(**changes: object) -> dict[str, object]:
    known = {"_version": SURVEY.version, "_language": "zh-CN"}
    return {**known, **ANSWERS, "suggestion": "很好\r\n谢谢", **changes}


def error(reply: Reply) -> tuple[int, str]:
    body = msgspec.json.decode(reply.body)
    assert set(body) == {"error", "message", "problems"}
    return reply.status, body["error"]


def landed(store: MemoryStore) -> list[Response]:
    return [Response.from_json(store.get(e.key).data) for e in store.list(keys.LANDING)]


def test_accepted_and_replayed(store: MemoryStore) -> None:
    assert post(store, BODY).status == 201
    again = post(store, BODY)
    assert again.status == 200
    assert msgspec.json.decode(again.body) == {"receipt": BODY["id"], "status": "replayed"}


def test_a_plain_form_lands_as_the_script_would_send_it(store: MemoryStore) -> None:
    reply = post_form(store, the_form())
    place, _, receipt = reply.headers["Location"].partition("#")
    assert (reply.status, place) == (303, "/after-sales/thanks/")
    assert receipt == landed(store)[0].id, "the customer's to keep; behind the # no log has it"
    post(store, {**BODY, "language": "zh-CN", "id": ids.make(NOW, 2)})
    by_form, by_script = landed(store)
    assert (
        msgspec.structs.replace(by_form, id=by_script.id, scripted=by_script.scripted) == by_script
    )


@pytest.mark.parametrize("filled", ["", "http://s.test"])
def test_a_machine_that_fills_the_trap_is_thanked_like_anybody(
    store: MemoryStore, filled: str
) -> None:
    """The fact is kept with the answer; the reply shows nothing of it."""
    by_form = post_form(store, the_form(_website=filled))
    by_script = post(store, {**BODY, "trap": bool(filled), "id": ids.make(NOW, 2)})
    assert (by_form.status, by_script.status) == (303, 201)
    assert [response.trap for response in landed(store)] == [bool(filled)] * 2


def test_a_form_in_another_language_gets_that_languages_thanks(store: MemoryStore) -> None:
    reply = post_form(store, the_form(_language="en"))
    assert reply.headers["Location"].startswith("/after-sales/en/thanks/#")


def test_a_form_with_problems_gets_a_page_that_lists_them(store: MemoryStore) -> None:
    reply = post_form(store, the_form(overall="eleven", service_type="<script>"))
    assert reply.status == 422
    page = reply.body.decode()
    assert "请为本次服务整体打分 — 请输入数字" in page
    assert "<script>" not in page
    assert not landed(store)


def test_a_form_reads_its_links_code_from_its_own_pages_address_only(store: MemoryStore) -> None:
    links.add(store, {"SHOP012": Link(SURVEY.id, attributes={"store": "012"})})
    post_form(store, the_form(), host="s.test", referer="https://s.test/after-sales/?SHOP012")
    post_form(store, the_form(), host="s.test", referer="https://evil.test/?SHOP012")
    wechat = "https://s.test/after-sales/?SHOP012&from=singlemessage&isappinstalled=0"
    post_form(store, the_form(), host="s.test", referer=wechat)
    assert sorted(r.attributes.get("store", "") for r in landed(store)) == ["", "012", "012"]


def test_a_plain_forms_hidden_choice_is_let_go_like_a_hidden_question(store: MemoryStore) -> None:
    city = Single(
        id="city",
        text=text("城市", "City"),
        choices=[
            *choices(bj=("北京", "Beijing")),
            Choice("sh", text("上海", "Shanghai"), ["==", "kind", "repair"]),
        ],
        other=True,
    )
    kind = Single(id="kind", text=text("类型", "Kind"), choices=choices(repair=("维修", "Repair")))
    contract = survey(kind, city)
    publish(store, contract, NOW)
    fields = {"_version": contract.version, "_language": "zh-CN", "city": "sh"}
    reply = post(store, urlencode(fields).encode(), FORM, contract.id)
    assert reply.status == 303
    assert landed(store)[0].answers == {}
    said = post(store, urlencode({**fields, "city": "other"}).encode(), FORM, contract.id)
    assert "城市 — 请回答此题" in said.body.decode(), "other, please say is said by its question"


CASES: dict[str, tuple[object, str, str, tuple[int, str]]] = {
    "not JSON": (b"overall=5", JSON, SURVEY.id, (400, "malformed")),
    "not UTF-8": (b'{"id":"\xff"}', JSON, SURVEY.id, (400, "malformed")),
    "cut off": (b'{"id":', JSON, SURVEY.id, (400, "malformed")),
    "empty": (b"", JSON, SURVEY.id, (400, "malformed")),
    "a list": ([], JSON, SURVEY.id, (400, "malformed")),
    "deeply nested": (b"[" * 60_000, JSON, SURVEY.id, (400, "malformed")),
    "nested answers": (
        {**BODY, "answers": {"overall": {"a": [[[]]]}}},
        JSON,
        SURVEY.id,
        (400, "malformed"),
    ),
    "unknown part": ({**BODY, "admin": True}, JSON, SURVEY.id, (400, "malformed")),
    "lone surrogate": (
        b'{"id":"\\ud800","version":"","language":"","answers":{}}',
        JSON,
        SURVEY.id,
        (400, "malformed"),
    ),
    "too large": (b" " * (LARGEST_BODY + 1), JSON, SURVEY.id, (413, "too_large")),
    "text": (BODY, "text/plain", SURVEY.id, (415, "unsupported")),
    "no type": (BODY, "", SURVEY.id, (415, "unsupported")),
    "unknown survey": (BODY, JSON, "nothing", (404, "not_found")),
    "survey as a path": (BODY, JSON, "../links", (404, "not_found")),
    "version as a path": (
        {**BODY, "version": "../../links/0"},
        JSON,
        SURVEY.id,
        (409, "stale_version"),
    ),
    "malformed id": ({**BODY, "id": "../x"}, JSON, SURVEY.id, (422, "bad_id")),
    "id from the future": (
        {**BODY, "id": ids.make(NOW * 2, 0)},
        JSON,
        SURVEY.id,
        (409, "clock"),
    ),
    "unknown link": ({**BODY, "link": "NOBODY"}, JSON, SURVEY.id, (410, "gone")),
    "missing answers": ({**BODY, "answers": {}}, JSON, SURVEY.id, (422, "problems")),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input_gets_its_documented_error(store: MemoryStore, name: str) -> None:
    body, kind, survey, expected = CASES[name]
    assert error(post(store, body, kind, survey)) == expected
    assert not landed(store)


@pytest.mark.parametrize(
    "body", [b"\xff=1", b"_version=%FF", b"&".join(b"a=1" for _ in range(3000))]
)
def test_an_unreadable_form_gets_a_page(store: MemoryStore, body: bytes) -> None:
    reply = post(store, body, FORM)
    assert reply.status == 400
    assert reply.headers["Content-Type"].startswith("text/html")


def test_problems_come_in_the_respondents_language(store: MemoryStore) -> None:
    for language, words in (("en", "Answer this question"), ("zh-CN", "请回答此题")):
        reply = post(store, {**BODY, "language": language, "answers": {}})
        problems = msgspec.json.decode(reply.body)["problems"]
        assert {"question": "overall", "code": "required", "message": words} in problems


def test_every_error_code_has_words_and_an_example() -> None:
    guide = (Path(__file__).parents[2] / "functions" / "README.md").read_text("utf-8")
    documented = set(re.findall(r'"error": ?"(\w+)"', guide))
    assert documented == set(REFUSALS) | set(refusals.STATUS)
    for language, words in WORDS.items():
        assert set(REFUSALS) <= set(words), language


def test_every_language_says_the_same_things() -> None:
    keys_of = {language: set(words) for language, words in WORDS.items()}
    assert len(set(map(frozenset, keys_of.values()))) == 1
    for code in WORDS["en"]:
        facts = {tuple(sorted(re.findall(r"{(\w+)}", words[code]))) for words in WORDS.values()}
        assert len(facts) == 1, code
