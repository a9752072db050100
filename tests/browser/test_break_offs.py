"""Who begins and leaves is told once, by a name alone; who comes back to answer has not left."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, Route

from chalicelib import break_offs, keys
from chalicelib.jobs.merge import merge
from chalicelib.running import now
from chalicelib.survey import ids
from chalicelib.survey.questions import Calculated, Hidden, Multiple, Score
from tests.browser.stub import Answer, Stub, serve
from tests.browser.test_page import HAPPY, PATIENT, fill, sent, steps
from tests.browser.test_whole_way import Live, everything, live
from tests.surveys import after_sales, choices, survey, text

__all__ = ["live"]
Open = Callable[..., Page]
CONTRACT = after_sales()
QUIET = replace(
    survey(
        Hidden(id="source", default="poster"),
        Multiple(id="kind", text=text("类型", "Kind"), choices=choices(a=("甲", "A")), other=True),
        Score(id="overall", text=text("总体", "Overall")),
        Calculated(id="half", value=["/", ["count", "source"], 2]),
        Hidden(id="campaign", default="spring"),
    ),
    id="quiet",
)

ANONYMOUS = replace(
    survey(Score(id="overall", text=text("总体", "Overall"))), id="anonymous", anonymous=True
)

HIDE = """hidden => {
  Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""
"""No tab is ever behind another in a browser without a screen."""


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serve(CONTRACT, QUIET, ANONYMOUS) as stub:
        yield stub


def put_away(page: Page) -> None:
    """Another program comes to the front, and goes again."""
    page.evaluate(HIDE, True)
    page.evaluate(HIDE, False)


def told(page: Page, stub: Stub, count: int = 1) -> list[str]:
    """The marks that arrived; a beacon takes its own time."""
    for _ in range(200):
        if len(stub.left) >= count:
            break
        page.wait_for_timeout(20)
    page.evaluate("() => fetch('/')")  # what was sent before this has arrived too
    return stub.left


def test_who_answered_and_left_is_told_by_a_name_alone(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/?SHOP012")
    fill(page, {"service_type": "repair"})
    put_away(page)
    [name] = told(page, stub)
    mark = break_offs.named(name)
    assert mark is not None
    assert abs(now() - ids.time_of(mark.id)) < 60_000
    assert mark[1:] == (CONTRACT.version, "zh-CN", "service_type")


def test_it_is_told_once_a_draft_and_named_with_the_answer(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    fill(page, {"service_type": "repair"})
    put_away(page)
    fill(page, {"service_type": "advice"})
    put_away(page)
    page.reload()
    put_away(page)
    page.goto(f"{stub.url}/after-sales/en/")
    put_away(page)
    page.goto(f"{stub.url}/after-sales/")
    steps(page, HAPPY)
    sent(page)
    [name] = told(page, stub)
    assert stub.posts[0].json["left"] == name


def test_the_next_one_at_a_shops_tablet_is_told_of_too(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    fill(page, {"service_type": "repair"})
    put_away(page)
    steps(page, HAPPY)
    sent(page)
    later = page.context.new_page()
    later.goto(f"{stub.url}/after-sales/")
    fill(later, {"service_type": "repair"})
    put_away(later)
    first, second = told(later, stub, 2)
    assert first != second


def test_two_pages_of_one_draft_tell_of_one_person(phone: Open, stub: Stub) -> None:
    """Opened twice before either was put away: the one that did not tell names the other's mark."""
    one = phone()
    one.goto(f"{stub.url}/after-sales/")
    other = one.context.new_page()
    other.goto(f"{stub.url}/after-sales/")
    fill(one, {"service_type": "repair"})
    fill(other, {"service_type": "advice"})
    put_away(one)
    fill(other, {"service_type": "repair"})
    put_away(other)
    other.reload()
    steps(other, HAPPY)
    sent(other)
    [name] = told(other, stub)
    assert stub.posts[0].json["left"] == name


def test_what_was_tapped_before_the_script_ran_is_told_once(phone: Open, stub: Stub) -> None:
    """There is no draft yet to keep that it was."""
    page = phone(
        before="""document.addEventListener("DOMContentLoaded", () => {
      document.querySelector("[name=service_type]").checked = true;
    });"""
    )
    page.goto(f"{stub.url}/after-sales/")
    put_away(page)
    page.reload()
    put_away(page)
    assert len(told(page, stub)) == 1


def test_an_anonymous_page_tells_nothing(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/anonymous/")
    assert "sendBeacon" not in page.content()
    fill(page, {"overall": 9})
    put_away(page)
    assert told(page, stub, 0) == []


def test_leaving_for_another_page_is_leaving(phone: Open, stub: Stub) -> None:
    """As Chromium itself says it."""
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    fill(page, {"service_type": "repair"})
    page.goto(f"{stub.url}/quiet/")
    assert len(told(page, stub)) == 1


def test_who_only_looked_has_not_begun(phone: Open, stub: Stub) -> None:
    """Nor is what the address brings, or the page works out, anybody's answer."""
    page = phone()
    for survey_ in ("after-sales", "quiet"):
        page.goto(f"{stub.url}/{survey_}/?source=mail")
        put_away(page)
        page.reload()
    assert told(page, stub, 0) == []
    fill(page, {"kind": ["a", "other"], "kind_other": "丙"})
    put_away(page)
    [name] = told(page, stub)
    assert name.endswith(f".{QUIET.version}.zh-CN.kind_other")


def test_who_sent_has_not_left(phone: Open, stub: Stub) -> None:
    page = phone(before=PATIENT)
    page.goto(f"{stub.url}/after-sales/")
    stub.answers = [Answer(lost=True)] * 2
    steps(page, HAPPY)
    page.wait_for_selector("#Panel.wait")
    put_away(page)
    page.click("#Retry")
    sent(page)
    put_away(page)
    page.reload()
    assert told(page, stub, 0) == []
    assert "left" not in stub.posts[-1].json


def test_while_it_is_sent_it_is_not_left(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    held: list[Route] = []
    page.route("**/api/responses/**", lambda route: held.append(route))
    steps(page, HAPPY)
    page.wait_for_function("() => document.querySelector('#Next').textContent === '正在提交…'")
    put_away(page)
    held.pop().continue_()
    sent(page)
    assert told(page, stub, 0) == []


@pytest.mark.parametrize(
    "broken",
    [
        "delete Navigator.prototype.sendBeacon;",
        "Navigator.prototype.sendBeacon = () => false;",
        "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); };",
    ],
    ids=["missing", "failing", "no room"],
)
def test_where_nothing_can_be_told_the_page_goes_on(phone: Open, stub: Stub, broken: str) -> None:
    page = phone(before=broken)
    page.goto(f"{stub.url}/after-sales/")
    fill(page, {"service_type": "repair"})
    put_away(page)
    steps(page, HAPPY)
    sent(page)
    assert len(stub.posts) == 1


def test_the_whole_way(phone: Open, live: Live) -> None:
    page, address = phone(), f"{live.url}/{live.contract.id}/"
    first, *rest = everything(live.contract).items()

    def marks() -> list[str]:
        return [entry.key for entry in live.store.list(keys.LEFT)]

    page.goto(address)
    fill(page, dict([first]))
    page.goto(f"{live.url}/nothing/")
    for _ in range(200):
        if marks():
            break
        page.wait_for_timeout(20)
    [mark] = marks()
    assert mark.endswith(f".{live.contract.version}.zh-CN.{first[0]}")
    assert live.store.get(mark).data == b""

    page.goto(address)
    steps(page, dict([first, *rest]))
    sent(page)
    assert merge(live.store, b"secret", now()).merged == 1
    assert marks() == []
