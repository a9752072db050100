"""Every kind of visitor gets through every survey: widths, networks, keys, tabs, large text."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from chalicelib.survey import Contract
from generator.definition import compile_file
from generator.places import SURVEYS
from tests.browser.stub import Answer, Stub, serve
from tests.browser.walking import (
    answer_all,
    answer_for,
    in_sight,
    inaccessible,
    sent,
    too_small,
    too_wide,
    walk,
)
from tests.surveys import after_sales, kitchen_sink

Open = Callable[..., Page]

SHIPPED = [
    contract
    for path in sorted(SURVEYS.glob("*.yaml"))
    if path.name != "site.yaml" and (contract := compile_file(path).contract)
]
EVERY = [
    after_sales(),
    kitchen_sink(),
    *(pytest.param(each, marks=pytest.mark.long) for each in SHIPPED if each.id != "after-sales"),
]
each_survey = pytest.mark.parametrize("contract", EVERY, ids=lambda contract: contract.id)
LANGUAGES = {"zh-CN": "", "en": "en/"}


@pytest.fixture
def stub(request: pytest.FixtureRequest) -> Iterator[Stub]:
    """Serves the survey a test names, else the after-sales review."""
    contract = (
        request.node.callspec.params.get("contract") if hasattr(request.node, "callspec") else None
    )
    with serve(contract or after_sales()) as stub:
        yield stub


@each_survey
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_walk_with_script(phone: Open, stub: Stub, contract: Contract, width: int) -> None:
    page = phone(width=width)
    page.goto(f"{stub.url}/{contract.id}/")

    def look(state: str) -> None:
        assert (state, too_wide(page), too_small(page)) == (state, [], [])

    done = walk(page, contract, look=look)
    sent(page)
    look("sent")
    assert len(stub.posts) == 1
    asked = {field.id for field in contract.fields if field.rule and field.id in done}
    assert set(stub.posts[0].answers(contract)) - hidden(contract) == asked


def hidden(contract: Contract) -> set[str]:
    """What is answered without anybody seeing it, or by a file, which these walks have not."""
    unseen = ("hidden", "calculated", "upload")
    return {q.id for q in contract.questions if q.__struct_config__.tag in unseen}


@each_survey
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_walk_without_script(phone: Open, stub: Stub, contract: Contract, width: int) -> None:
    """All on one page; the server decides what was visible."""
    page = phone(script=False, width=width)
    page.goto(f"{stub.url}/{contract.id}/")
    done = answer_all(page, contract, "happy")
    assert done | hidden(contract) >= {field.id for field in contract.fields if field.rule}
    assert (too_wide(page), too_small(page)) == ([], [])
    page.click("#Next")
    page.wait_for_url("**/thanks/")
    assert too_wide(page) == []
    assert stub.posts[0].answers(contract)


@each_survey
@pytest.mark.parametrize("language", list(LANGUAGES))
def test_accessible_in_every_state(
    phone: Open, stub: Stub, contract: Contract, language: str
) -> None:
    page = phone()
    page.goto(f"{stub.url}/{contract.id}/{LANGUAGES[language]}")

    def look(state: str) -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert (state, scheme, inaccessible(page)) == (state, scheme, [])

    walk(page, contract, look=look)
    sent(page)
    look("sent")
    page.goto(f"{stub.url}/{contract.id}/{LANGUAGES[language]}thanks/")
    look("thanks")


PATIENT = """const soon = setTimeout;
window.setTimeout = (run, ms) => soon(run, ms > 400 ? 1e6 : ms);"""
"""A page that does not try again by itself."""


def test_accessible_when_waiting_and_when_refused(phone: Open, stub: Stub) -> None:
    contract = after_sales()
    page = phone(before=PATIENT)
    page.goto(f"{stub.url}/{contract.id}/?ABCD1234")
    stub.answers = [Answer(503, "unavailable"), Answer(409, "already_answered", "您已经回答过")]
    walk(page, contract, "happy")
    for state, shown in (("wait", "#Panel.wait"), ("ended", "#Panel:not(.wait)")):
        expect(page.locator(shown)).to_be_visible()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            assert (state, inaccessible(page)) == (state, [])
        if state == "wait":
            page.click("#Retry")


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("contract", [after_sales(), kitchen_sink()], ids=lambda each: each.id)
def test_text_of_twice_the_size(
    phone: Open, stub: Stub, contract: Contract, script: bool, width: int
) -> None:
    """As WeChat's own setting, or the phone's, makes it."""
    page = phone(script=script, width=width)
    page.goto(f"{stub.url}/{contract.id}/")
    page.evaluate("document.documentElement.style.fontSize = '200%'")

    def look(state: str) -> None:
        assert (state, too_wide(page)) == (state, [])

    if script:
        walk(page, contract, look=look)
        sent(page)
    look("all")


def test_by_keyboard_alone(phone: Open, stub: Stub) -> None:
    """Tab, arrows, Space and Enter; where the focus is can be seen."""
    contract = after_sales()
    fields = {field.id: field for field in contract.fields}
    page = phone()
    page.goto(f"{stub.url}/{contract.id}/")
    done: set[str] = set()
    for _ in range(200):
        page.keyboard.press("Tab")
        name, kind, ring = page.evaluate(
            """() => {
                const at = document.activeElement, drawn = at.nextElementSibling || at;
                const ring = [at, drawn].some(e => getComputedStyle(e).outlineStyle !== "none");
                return [at.name || at.id, at.type, ring];
            }"""
        )
        assert ring or kind is None, name
        if name == "Next":
            page.keyboard.press("Enter")
            if page.locator("#Panel.sent").is_visible():
                break
        elif name in fields and name not in done:
            done.add(name)
            [text] = answer_for(contract, fields[name], "happy")
            _type(page, kind, text)
    sent(page)
    answers = stub.posts[0].answers(contract)
    assert set(answers) == done - {"service_type_other"}


def _type(page: Page, kind: str, text: str) -> None:
    if kind == "radio":
        page.keyboard.press("Space")
        for _ in range(12):
            if page.evaluate("document.activeElement.value") == text:
                return
            page.keyboard.press("ArrowRight")
        raise AssertionError(f"{text} cannot be reached")
    if kind == "checkbox":
        page.keyboard.press("Space")
    else:
        page.keyboard.insert_text(text)


def slow(page: Page) -> None:
    page.context.new_cdp_session(page).send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 600, "downloadThroughput": 6e3, "uploadThroughput": 6e3},
    )


def test_slow_network_says_that_it_sends_and_sends_once(phone: Open, stub: Stub) -> None:
    contract = after_sales()
    page = phone()
    page.goto(f"{stub.url}/{contract.id}/")
    slow(page)
    walk(page, contract, "happy")
    expect(page.locator("#Next")).to_have_text("正在提交…")
    for _ in range(3):
        page.click("#Next")
    sent(page)
    assert len(stub.posts) == 1


def test_network_comes_and_goes_between_the_steps(phone: Open, stub: Stub) -> None:
    contract = after_sales()
    page = phone()
    page.goto(f"{stub.url}/{contract.id}/")

    def look(state: str) -> None:
        page.context.set_offline("answered" in state)

    walk(page, contract, look=look)
    expect(page.locator("#Panel.wait")).to_be_visible()
    assert stub.posts == []
    page.context.set_offline(False)
    sent(page)
    assert len(stub.posts) == 1


@pytest.mark.parametrize("script", [True, False])
def test_back_after_it_was_sent_does_not_send_again(phone: Open, stub: Stub, script: bool) -> None:
    contract = after_sales()
    page = phone(script=script)
    page.goto(f"{stub.url}/{contract.id}/en/")
    page.goto(f"{stub.url}/{contract.id}/")
    if script:
        walk(page, contract, "happy")
        sent(page)
    else:
        answer_all(page, contract, "happy")
        page.click("#Next")
        page.wait_for_url("**/thanks/")
    page.go_back()
    if script:
        sent(page)
    else:
        expect(page.locator("#Form")).to_be_visible()
    page.go_forward()
    page.reload()
    if script:
        sent(page)
    assert len(stub.posts) == 1


def test_second_tab_goes_on_where_the_first_is(phone: Open, stub: Stub) -> None:
    contract = after_sales()
    first = phone()
    first.goto(f"{stub.url}/{contract.id}/?ABCD1234")
    answer_all(first, contract, "happy")
    second = first.context.new_page()
    second.goto(f"{stub.url}/{contract.id}/?ABCD1234")
    assert in_sight(second) == in_sight(first)
    expect(second.locator("[name=service_type][value=repair]")).to_be_checked()
