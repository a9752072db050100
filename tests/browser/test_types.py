"""Matrix, ranking, pictures, calculated values and piping in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from chalicelib.survey import Choice, Contract
from chalicelib.survey.questions import (
    Calculated,
    LongText,
    Matrix,
    Picture,
    Ranking,
    Rating,
    Row,
    ShortText,
    Single,
    YesNo,
)
from tests.browser.stub import Stub, serve
from tests.surveys import choices, survey, text

Open = Callable[..., Page]

ROWS = [Row("speed", text("速度", "Speed")), Row("care", text("态度", "Care"))]
MATRIX = Matrix(id="m", text=text("请逐项评价", "Rate each"), rows=ROWS, required=True)
WISH = Ranking(
    id="wish",
    text=text("排序", "Put in order"),
    choices=choices(speed=("速度", "Speed"), price=("价格", "Price"), care=("态度", "Care")),
    most=2,
    required=True,
)


def opened(phone: Open, stub: Stub, **how: object) -> Page:
    page = phone(**how)
    page.goto(f"{stub.url}/small/")
    return page


def answers(stub: Stub, contract: Contract) -> dict[str, object]:
    return stub.posts[-1].answers(contract)


def rate(page: Page, name: str, value: int) -> None:
    page.locator(f"[name={name}][value='{value}']").check(force=True)


@pytest.mark.parametrize("script", [True, False])
def test_rows_of_a_matrix_are_answers_and_make_a_value(phone: Open, script: bool) -> None:
    """The value is worked out on the phone for later questions, and again by the server."""
    contract = survey(
        MATRIX,
        Calculated(id="mean", value=["/", ["mean", "m_speed", "m_care"], 3]),
        ShortText(id="why", text=text("为什么", "Why"), show_if=["<", "mean", 1]),
    )
    with serve(contract) as stub:
        page = opened(phone, stub, script=script)
        rate(page, "m_speed", 2)
        rate(page, "m_care", 3)
        page.fill("[name=why]", "慢")
        page.click("#Next")
        page.wait_for_selector(".sent")
        assert answers(stub, contract) == {
            "m_speed": 2,
            "m_care": 3,
            "mean": 2.5 / 3,
            "why": "慢",
        }


def test_a_row_without_an_answer_is_named_and_reached(phone: Open) -> None:
    with serve(survey(MATRIX)) as stub:
        page = opened(phone, stub)
        rate(page, "m_speed", 5)
        page.click("#Next")
        expect(page.locator("#Problems li")).to_have_text(["态度 — 请回答此题"])
        page.click("#Problems a")
        expect(page.locator("[name=m_care]").first).to_be_focused()


def test_a_matrix_whose_rows_are_hidden_is_hidden(phone: Open) -> None:
    contract = survey(
        YesNo(id="more", text=text("继续", "More")),
        replace(MATRIX, show_if=["==", "more", "yes"]),
    )
    with serve(contract) as stub:
        page = opened(phone, stub)
        expect(page.locator(".a")).to_be_hidden()
        page.locator("[name=more][value=yes]").check(force=True)
        expect(page.locator(".a > legend")).to_be_visible()
        rate(page, "m_care", 1)
        page.locator("[name=more][value=no]").check(force=True)
        expect(page.locator(".a")).to_be_hidden()
        page.click("#Next")
        page.wait_for_selector(".sent")
        assert answers(stub, contract) == {"more": "no"}


def test_a_ranking_by_taps(phone: Open) -> None:
    contract = survey(WISH)
    with serve(contract) as stub:
        page = opened(phone, stub, width=320)
        expect(page.locator("select").first).to_be_hidden()
        page.click("#wish-care button")
        expect(page.locator("#Live")).to_have_text("态度：第 1 位")
        page.click("#Next")
        expect(page.locator("#Problems li")).to_have_text(["排序 — 请至少选择 2 项"])
        page.click("#Problems a")
        expect(page.locator("#wish-speed button").first).to_be_focused()
        page.click("#wish-speed button")
        page.locator("#wish-price button").first.click(force=True)  # two are enough
        page.click("#wish-care button")
        expect(page.locator("#Live")).to_have_text("态度：未排序")
        page.click("#wish-price button")
        page.click("#Next")
        page.wait_for_selector(".sent")
        assert answers(stub, contract) == {"wish": ["speed", "price"]}


def test_a_ranking_by_keys_is_told_and_kept(phone: Open) -> None:
    contract = survey(WISH)
    with serve(contract) as stub:
        page = opened(phone, stub)
        first = page.locator("#wish-speed button").first
        first.focus()
        page.keyboard.press("Space")
        for _ in range(3):  # past up and down of the first
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        up = page.get_by_label("上移：价格")
        up.focus()
        page.keyboard.press("Enter")
        expect(page.locator("#Live")).to_have_text("价格：第 1 位")
        expect(up).to_be_focused()
        page.keyboard.press("Enter")  # it is first already
        expect(page.locator("#wish-price button").first).to_have_text("1价格")
        page.reload()
        expect(page.locator("#Note")).not_to_be_empty()
        expect(page.locator("#wish-price button").first).to_have_attribute("aria-pressed", "true")
        page.click("#Next")
        page.wait_for_selector(".sent")
        assert answers(stub, contract) == {"wish": ["price", "speed"]}


def test_a_ranking_without_script_is_lists_in_order(phone: Open) -> None:
    contract = survey(replace(WISH, required=False))
    with serve(contract) as stub:
        page = opened(phone, stub, script=False)
        page.locator("select").nth(0).select_option("care")
        page.locator("select").nth(1).select_option("speed")
        page.click("#Next")
        assert answers(stub, contract) == {"wish": ["care", "speed"]}


def test_texts_take_in_answers_as_they_are_read_and_never_as_markup(phone: Open) -> None:
    named = text("您好{who|朋友}，{kind|服务}共{mean}分", "Hello {who|you}, {kind|it}: {mean}")
    contract = survey(
        ShortText(id="who", text=text("称呼", "Name")),
        Single(
            id="kind",
            text=text("类型", "Kind"),
            choices=choices(repair=("维修", "Repair")),
            other=True,
        ),
        Rating(id="r", text=text("{agent|我们}的服务", "Service of {agent|us}")),
        Calculated(id="mean", value=["/", "r", 3]),
        LongText(id="say", text=named, hint=text("关于{r}", "On {r}")),
    )
    contract = replace(contract, thanks=named, attributes=["agent"])
    with serve(contract) as stub:
        page = opened(phone, stub)
        title = page.locator("label[for=say] .t")
        expect(title).to_have_text("您好朋友，服务共…分")
        page.fill("#who", "<b>甲</b>")
        page.locator("[name=kind][value=repair]").check(force=True)
        rate(page, "r", 5)
        expect(title).to_have_text("您好<b>甲</b>，维修共1.67分")
        assert title.locator("b").count() == 0
        page.locator("[name=kind][value=other]").check(force=True)
        page.fill("#kind_other", "安装")
        expect(title).to_have_text("您好<b>甲</b>，安装共1.67分")
        page.fill("#who", "")
        expect(title).to_contain_text("您好朋友")
        page.click("#Next")
        page.wait_for_selector(".sent")
        expect(page.locator("#Panel h2 + p")).to_have_text("您好朋友，安装共1.67分")
        page.goto(f"{stub.url}/small/thanks/")
        expect(page.locator("main p").first).to_have_text("您好朋友，服务共…分")


def test_pictures_take_their_place_before_they_come(phone: Open) -> None:
    """And are chosen by a tap; one that never comes has its text."""
    picture = Picture("0" * 16 + ".png", 400, 300)
    offered = [
        Choice("a", text("甲", "A"), image=picture),
        Choice("b", text("乙", "B"), image=picture),
    ]
    contract = survey(Single(id="one", text=text("选一项", "Choose"), choices=offered))
    with serve(contract) as stub:
        page = opened(phone, stub, width=320)
        image = page.locator("img").first
        box = image.bounding_box()
        assert box is not None
        assert 0.7 < box["height"] / box["width"] < 0.8
        assert image.get_attribute("alt") == "甲"
        page.locator("label.o").nth(1).click()
        page.click("#Next")
        page.wait_for_selector(".sent")
        assert answers(stub, contract) == {"one": "b"}
