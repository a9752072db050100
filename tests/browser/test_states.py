"""What happens to a page on a phone: Back, reload, two pages of one link, no room, big letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.stub import Answer, Stub, serve
from tests.browser.test_page import HAPPY, HASTY, PATIENT, complaint, fill, sent, steps
from tests.surveys import after_sales, kitchen_sink

Open = Callable[..., Page]
STEP = "#Step"
FULL = {"one": "a", "stars": "5", "agree": "true"}
"""What must be answered to come to the end of the kitchen sink."""


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serve(after_sales(), kitchen_sink()) as stub:
        yield stub


def at_step(page: Page, number: int) -> None:
    expect(page.locator(STEP)).to_have_text(f"第 {number} 步，共 3 步")


def test_browsers_back_and_forward_turn_steps_and_keep_answers(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    fill(page, {"service_type": "advice"})
    page.click("#Next")
    fill(page, {"responsiveness": "5"})
    page.go_back()
    at_step(page, 1)
    expect(page.locator("[value=advice]")).to_be_checked()
    page.go_forward()
    at_step(page, 2)
    expect(page.locator("[name=responsiveness][value='5']")).to_be_checked()
    page.reload()
    at_step(page, 2)
    expect(page.locator("[name=responsiveness][value='5']")).to_be_checked()
    page.click("#Back")
    at_step(page, 1)
    page.go_forward()
    at_step(page, 2)
    steps(page, {k: v for k, v in HAPPY.items() if k != "service_type"})
    sent(page)
    assert stub.posts[0].answers(after_sales())["service_type"] == "advice"


def test_pages_back_leads_to_the_step_before_wherever_one_came_from(
    phone: Open, stub: Stub
) -> None:
    """From step 3 the problem of step 2 is shown; from there Back leads to step 1, not to 3."""
    problem = {"question": "resolution", "code": "range", "message": "不对"}
    stub.answers = [Answer(422, "problems", "有些题目需要修改", (problem,))]
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    steps(page, HAPPY)
    expect(complaint(page, "resolution")).to_have_text("不对")
    at_step(page, 2)
    page.click("#Back")
    at_step(page, 1)


def test_back_after_submit_shows_that_it_was_sent_and_sends_nothing(
    phone: Open, stub: Stub
) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    steps(page, HAPPY)
    sent(page)
    receipt = str(stub.posts[0].json["id"])
    expect(page.locator("#Panel")).to_contain_text(f"回执编号：{receipt}")
    page.go_back()
    sent(page)
    page.go_forward()
    page.reload()
    sent(page)
    expect(page.locator("#Panel")).to_contain_text(receipt)
    page.goto(f"{stub.url}/after-sales/thanks/")
    page.go_back()
    sent(page)
    page.evaluate("dispatchEvent(new Event('online'))")
    assert len(stub.posts) == 1
    assert page.evaluate("localStorage.length") == 0


def twins(page: Page) -> Page:
    """Another page of the same browser, for the same link."""
    other = page.context.new_page()
    other.goto(page.url.split("?")[0] + "?ABCD1234")  # the first page's code has left its address
    return other


def test_two_pages_of_a_link_settle_on_one_answer(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/?ABCD1234")
    other = twins(page)
    steps(page, HAPPY)
    sent(page)
    expect(other.locator("#Panel.sent")).to_be_visible()
    assert len({post.body for post in stub.posts}) == 1


def test_second_page_does_not_push_out_what_the_first_has_waiting(phone: Open, stub: Stub) -> None:
    page = phone(before=PATIENT + "addEventListener('storage', e => e.stopImmediatePropagation());")
    page.goto(f"{stub.url}/after-sales/?ABCD1234")
    other = twins(page)
    stub.answers = [Answer(lost=True)] * 2
    steps(page, HAPPY)
    expect(page.locator("#Panel.wait")).to_be_visible()
    stub.answers = []
    steps(other, HAPPY | {"overall": "2", "call_me": "no"})
    expect(other.locator("#Panel.sent")).to_be_visible()
    assert len({post.body for post in stub.posts}) == 1


def test_second_page_is_told_that_the_link_has_its_answer(phone: Open, stub: Stub) -> None:
    page = phone(before="addEventListener('storage', e => e.stopImmediatePropagation());")
    page.goto(f"{stub.url}/after-sales/?ABCD1234")
    other = twins(page)
    steps(page, HAPPY)
    sent(page)
    stub.answers = [Answer(409, "already_answered", "您已经提交过答卷")]
    steps(other, HAPPY)
    expect(other.locator("#Panel")).to_contain_text("您已经提交过答卷")


def test_where_there_is_no_room_the_page_says_to_stay(phone: Open, stub: Stub) -> None:
    full = (
        "Storage.prototype.setItem = () => { throw new DOMException('', 'QuotaExceededError'); };"
    )
    stub.answers = [Answer(lost=True)] * 2
    page = phone(before=HASTY + full)
    page.goto(f"{stub.url}/after-sales/")
    steps(page, HAPPY)
    sent(page)
    assert len({post.body for post in stub.posts}) == 1


def test_draft_of_a_week_ago_is_gone(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    fill(page, {"service_type": "repair"})
    page.evaluate(
        """for (const key of Object.keys(localStorage)) {
            const value = JSON.parse(localStorage[key]);
            localStorage[key] = JSON.stringify(Object.assign(value, {at: value.at - 7 * 864e5}));
        }"""
    )
    page.reload()
    expect(page.locator("#Note")).to_be_empty()
    expect(page.locator("[value=repair]")).not_to_be_checked()
    kept = page.evaluate("Object.values(localStorage)")
    assert not any("answers" in each for each in kept)  # but that somebody left is told of a reload


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, "malformed"), (413, "too_large"), (415, "unsupported"), (422, "bad_id")],
)
def test_what_cannot_be_taken_is_said_and_can_be_mended(
    phone: Open, stub: Stub, status: int, error: str
) -> None:
    stub.answers = [Answer(status, error, "这样不行")]
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    steps(page, HAPPY)
    expect(page.get_by_role("alert")).to_have_text("这样不行")
    expect(page.get_by_role("alert")).to_be_focused()
    assert page.title().startswith("错误：")
    page.click("#Next")
    sent(page)


def test_sent_as_soon_as_the_network_is_back(phone: Open, stub: Stub) -> None:
    page = phone(before=PATIENT)
    page.goto(f"{stub.url}/after-sales/")
    steps(page, HAPPY, last=False)
    page.context.set_offline(True)
    page.click("#Next")
    expect(page.locator("#Panel.wait")).to_contain_text("网络恢复后会自动发送")
    page.context.set_offline(False)
    sent(page)
    assert len(stub.posts) == 1


def test_full_width_digits_are_digits(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/kitchen-sink/")
    steps(page, FULL | {"age": "４２", "tel": "１３８００１３８０００"})
    sent(page)
    answers = stub.posts[0].answers(kitchen_sink())
    assert (answers["age"], answers["tel"]) == (42, "13800138000")


def test_tap_before_the_script_ran_is_kept(phone: Open, stub: Stub) -> None:
    tap = "document.querySelector('[value=repair]').checked = true"
    page = phone(before=f"document.addEventListener('DOMContentLoaded', () => {{ {tap} }})")
    page.goto(f"{stub.url}/after-sales/")
    expect(page.locator("[value=repair]")).to_be_checked()
    page.click("#Next")
    at_step(page, 2)


def test_nothing_moves_after_the_first_paint(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    moved = page.evaluate(
        """() => new Promise(told => {
            let moved = 0;
            new PerformanceObserver(list => {
                for (const shift of list.getEntries()) moved += shift.value;
            }).observe({type: "layout-shift", buffered: true});
            requestAnimationFrame(() => requestAnimationFrame(() => told(moved)));
        })"""
    )
    assert moved == 0


def test_text_field_at_fault_says_so(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/kitchen-sink/")
    steps(page, FULL | {"tel": "12"})
    field = page.get_by_role("textbox", name="请输入有效的电话号码")
    expect(field).to_have_attribute("aria-invalid", "true")


BIG = {
    "letters twice as big": "document.documentElement.style.fontSize = '200%'",
    "as WeChat makes them": "document.body.style.webkitTextSizeAdjust = '150%'",
}


@pytest.mark.parametrize("change", BIG.values(), ids=BIG)
def test_big_letters_fit(chromium: Any, stub: Stub, change: str) -> None:
    context: BrowserContext = chromium.new_context(
        viewport={"width": 320, "height": 640}, is_mobile=True, has_touch=True
    )
    page = context.new_page()
    for name in ("after-sales", "kitchen-sink", "after-sales/en", "kitchen-sink/en"):
        page.goto(f"{stub.url}/{name}/")
        page.evaluate(change)
        page.evaluate("for (const box of document.querySelectorAll('[hidden]')) box.hidden = false")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        overflowing = page.evaluate(
            """[...document.querySelectorAll(".s span, .o, button, .l span")]
                .filter(box => box.scrollWidth > box.clientWidth + 1).map(box => box.outerHTML)"""
        )
        assert overflowing == []
    context.close()


def test_nothing_to_type_in_is_small_enough_for_ios_to_zoom(phone: Open, stub: Stub) -> None:
    page = phone(script=False)
    page.goto(f"{stub.url}/kitchen-sink/")
    sizes = page.evaluate(
        """[...document.querySelectorAll("input, select, textarea")]
            .map(control => parseFloat(getComputedStyle(control).fontSize))"""
    )
    assert min(sizes) >= 16


def test_what_is_chosen_shows_where_colours_are_the_systems(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/kitchen-sink/")
    page.emulate_media(forced_colors="active")
    steps(page, {"one": "a", "numbers": "3", "stars": "2"}, last=False)
    page.click("#Back")

    def look(name: str, value: int, part: str | None = None) -> str:
        return str(
            page.locator(f"[name={name}][value='{value}'] + span").evaluate(
                "(span, part) => getComputedStyle(span, part).backgroundColor", part
            )
        )

    assert look("numbers", 3) != look("numbers", 4)
    assert look("stars", 2, "::after") != look("stars", 3, "::after")


def test_nothing_moves_for_whom_it_should_not(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    moving = """[...document.querySelectorAll("*")].filter(box =>
        ["", "::before", "::after"].some(part => {
            const style = getComputedStyle(box, part || null);
            return parseFloat(style.transitionDuration) || parseFloat(style.animationDuration);
        })).length"""
    assert page.evaluate(moving) == 1
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(moving) == 0


@pytest.mark.parametrize("touch", [False, True], ids=["mouse", "touch"])
def test_tap_on_the_button_while_typing_is_not_lost(chromium: Any, stub: Stub, touch: bool) -> None:
    """Leaving a field moves nothing under the finger."""
    context: BrowserContext = chromium.new_context(
        viewport={"width": 390, "height": 640}, is_mobile=touch, has_touch=touch
    )
    page = context.new_page()
    page.goto(f"{stub.url}/after-sales/")
    steps(page, HAPPY, last=False)
    page.locator("#suggestion").press_sequentially("好")
    page.locator("#Next").scroll_into_view_if_needed()
    box = page.locator("#Next").bounding_box()
    assert box is not None
    at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    if touch:
        page.touchscreen.tap(*at)
    else:
        page.mouse.click(*at)
    sent(page)
    context.close()
