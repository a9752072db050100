"""Improvement actions on the staff pages: opened, moved on, judged; all is text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.desk import Desk, action, serve
from tests.browser.walking import inaccessible
from tests.staff_screenshots import improvements
from tests.surveys import after_sales

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
LOW = {"dimension": "attitude", "item": "attitude", "mean": 2.61, "most": 5, "n": 312}
LOW |= {"worst": {"key": "agent", "value": HOSTILE, "gain": 0.2}}


@pytest.fixture
def desk() -> Iterator[Desk]:
    with serve(after_sales()) as desk:
        yield desk


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    yield context
    context.close()


def opened(
    context: BrowserContext, desk: Desk, place: str = "", role: str = "lead", language: str = "en"
) -> Page:
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    token = desk.sign_in("L1", role, language)
    page.goto(f"{desk.url}/staff/#token={token}&view=actions{place}")
    page.wait_for_selector("#View h1")
    return page


def test_one_is_opened_from_what_is_low_and_carried_out(
    context: BrowserContext, desk: Desk
) -> None:
    desk.lows = [LOW]
    page = opened(context, desk)
    page.click("#Suggest summary")
    page.fill("#I-wave", "2026-Q3")
    page.click("#Suggest .first")
    expect(page.locator(".lows li")).to_contain_text("2.61 / 5 · n = 312")
    expect(page.locator(".lows li")).to_contain_text(HOSTILE)
    page.click(".lows button")
    expect(page.locator("#I-owner-field")).to_have_value("L1")
    page.click("#Form .first")
    expect(page.locator("#Wrong")).to_have_text("Still missing: Due")
    page.fill("#I-due-field", "2026-11-30")
    page.fill("#I-cause-field", HOSTILE)
    page.fill("#I-plan-field", "Two more people on Saturdays")
    page.fill("#I-target-field", "4.2")
    page.click("#Form .first")
    page.wait_for_selector("#I-carry_out")
    assert (desk.actions[0]["wave"], desk.actions[0]["target"]) == ("2026-Q3", 4.2)
    expect(page.locator("dl")).to_contain_text(HOSTILE)
    desk.actions[0]["wave"] = None
    page.click("#I-carry_out")
    page.fill("#I-said-field", "All of it")
    page.click("#Form .first")
    expect(page.locator("#View .tag").first).to_have_text("Carried out")
    expect(page.locator(".history li").first).to_contain_text("All of it")
    expect(page.locator("#I-plan")).to_have_count(0)


def test_whoever_was_slower_is_told_and_keeps_what_was_typed(
    context: BrowserContext, desk: Desk
) -> None:
    desk.actions = [action(1)]
    page = opened(context, desk, "&action=after-sales-attitude-1")
    page.click("#I-note")
    page.fill("#I-said-field", "half of it")
    desk.actions[0]["version"] = 2
    page.click("#Form .first")
    expect(page.locator("#Wrong")).to_contain_text("Somebody was faster")
    expect(page.locator("#I-said-field")).to_have_value("half of it")
    assert desk.actions[0]["version"] == 2


def test_one_that_did_not_help_asks_for_another_cause_and_plan(
    context: BrowserContext, desk: Desk
) -> None:
    desk.actions = improvements()
    page = opened(context, desk, "&action=after-sales-attitude-2")
    expect(page.locator(".tests tbody tr")).to_contain_text("2.61n = 3122.7n = 2874.2")
    page.click("#I-plan")
    expect(page.locator("#I-cause-field")).to_have_value("")
    page.click("#Form .first")
    expect(page.locator("#Wrong")).to_have_text("Still missing: Cause")


def test_an_agent_is_not_asked_to_open_one(context: BrowserContext, desk: Desk) -> None:
    desk.actions = improvements()
    page = opened(context, desk, role="agent")
    expect(page.locator(".cards li")).to_have_count(5)
    expect(page.locator("#Suggest")).to_have_count(0)
    expect(page.locator(".cards .over")).to_have_count(1)


def test_changing_the_language_keeps_the_place(context: BrowserContext, desk: Desk) -> None:
    desk.actions = improvements()
    page = opened(context, desk, "&action=after-sales-attitude-4")
    page.click("#Language")
    expect(page.locator("#View .tag").first).to_have_text("已改善")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_everybody_can_use_it(
    context: BrowserContext, desk: Desk, width: int, language: str
) -> None:
    desk.actions, desk.lows = improvements(), [LOW]
    page = opened(context, desk, language=language)
    page.set_viewport_size({"width": width, "height": 800})
    page.click("#Suggest summary")
    page.click("#Suggest .first")
    page.click(".lows button")
    assert inaccessible(page) == []
    page.click(".cards li:nth-child(2) a")
    page.click("#I-plan")
    assert inaccessible(page) == []
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(wide)
    links = page.locator("nav a").evaluate_all(
        "all => all.map(a => a.getBoundingClientRect().right)"
    )
    assert max(links) <= width
