"""The respondent's page in a real browser (DESIGN.md, "The page")."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from playwright.sync_api import Locator, Page, expect

from chalicelib.links import OPEN, PERSONAL, mint
from chalicelib.survey import Choice, Section, ids
from chalicelib.survey.questions import Date, Hidden, LongText, Phone, Rating, ShortText, Single
from tests.browser.stub import Answer, Stub, serve
from tests.surveys import after_sales, kitchen_sink, survey, text

Open = Callable[..., Page]

HAPPY = {
    "service_type": "repair",
    "responsiveness": "5",
    "resolution": "4",
    "attitude": "5",
    "resolved": "yes",
    "overall": "9",
    "recommend": "10",
    "suggestion": "继续努力",
}
UNHAPPY = {
    "service_type": "other",
    "service_type_other": "安装",
    "contact_channel": "phone",
    "responsiveness": "na",
    "resolution": "2",
    "attitude": "4",
    "why_low": " 等了很久\n没有人来 ",
    "resolved": "no",
    "overall": "3",
    "recommend": "6",
    "improve": ["speed", "other"],
    "improve_other": "价格",
    "call_me": "yes",
    "phone": "13800138000",
}


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serve(after_sales(), kitchen_sink()) as stub:
        yield stub


def fill(page: Page, answers: dict[str, Any]) -> None:
    """Give those answers whose controls are in sight; a plain form has all of them in sight."""
    for name, given in answers.items():
        controls = page.locator(f"[name={name}]")
        kind = controls.first.evaluate("control => control.type")
        for value in given if isinstance(given, list) else [given]:
            if kind in ("radio", "checkbox"):
                page.locator(f"[name={name}][value='{value}']").check(force=True)
            elif kind == "select-one":
                controls.select_option(value)
            else:
                controls.fill(value)


def steps(page: Page, answers: dict[str, Any], last: bool = True) -> None:
    """Answer what each step asks, and go on to the end; ``last``: and submit."""
    left = dict(answers)
    while True:
        while here := [
            name
            for name in left
            if page.locator(f"section:not([hidden]) [name={name}]:enabled").count()
        ]:
            fill(page, {here[0]: left.pop(here[0])})
        end = page.inner_text("#Next") == "提交"
        if last or not end:
            page.click("#Next")
        if end:
            return


def complaint(page: Page, question: str) -> Locator:
    """Where the problem with a question is said: in what names it."""
    return page.locator(f".q:has([name={question}]) b").first


def sent(page: Page) -> None:
    expect(page.locator("#Panel.sent")).to_be_visible()
    expect(page.locator("#Panel")).to_be_focused()


@pytest.mark.parametrize("answers", [HAPPY, UNHAPPY], ids=["happy", "unhappy"])
def test_script_and_plain_form_say_the_same(
    phone: Open, stub: Stub, answers: dict[str, Any]
) -> None:
    scripted, plain = phone(), phone(script=False)
    scripted.goto(f"{stub.url}/after-sales/")
    steps(scripted, answers)
    sent(scripted)
    plain.goto(f"{stub.url}/after-sales/")
    fill(plain, answers)
    plain.click("#Next")
    assert plain.url == f"{stub.url}/after-sales/thanks/"
    assert "感谢您的反馈！" in plain.inner_text("main")

    first, second = stub.posts
    contract = after_sales()
    assert first.answers(contract) == second.answers(contract)
    assert set(first.answers(contract)) == set(answers)
    assert first.path == second.path == "/api/responses/after-sales"
    body = first.json
    assert set(body) == {"id", "version", "language", "answers", "duration", "trap"}
    assert ids.is_id(str(body["id"]))
    assert body["trap"] is False
    assert body["version"] == contract.version == second.form["_version"][0]
    assert body["language"] == "zh-CN" == second.form["_language"][0]


@pytest.mark.parametrize("script", [True, False])
def test_people_do_not_meet_the_trap_and_machines_do(phone: Open, stub: Stub, script: bool) -> None:
    """Nothing to see, to tab to or to hear; what a machine puts there is sent along."""
    page = phone(script=script)
    page.goto(f"{stub.url}/after-sales/")
    trap = page.locator("[name=_website]")
    box = trap.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] < 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert trap.get_attribute("tabindex") == "-1"
    assert trap.get_attribute("aria-hidden") == "true"
    trap.fill("http://s.test", force=True)
    if script:
        steps(page, HAPPY)
        sent(page)
        assert stub.posts[0].json["trap"] is True
    else:
        fill(page, HAPPY)
        page.click("#Next")
        assert stub.posts[0].form["_website"] == ["http://s.test"]


def test_how_long_a_restored_draft_took_is_not_claimed(phone: Open, stub: Stub) -> None:
    """Somebody whose page was reloaded has not answered it in a second."""
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    fill(page, {"service_type": "repair"})
    page.reload()
    steps(page, HAPPY)
    sent(page)
    assert "duration" not in stub.posts[0].json


def test_every_type(phone: Open, stub: Stub) -> None:
    answers = {
        "one": "b",
        "list": "other",
        "list_other": "西区",
        "many": ["y", "b_only"],
        "go_on": "yes",
        "stars": "na",
        "faces": "1",
        "numbers": "10",
        "score": "1",
        "nps": "0",
        "ces": "7",
        "age": "5.0",
        "price": "19.90",
        "day": "2026-05-17",
        "title": "你好",
        "story": "一\n二",
        "tel": "+86 138-0013-8000",
        "mail": "name@example.com",
        "agree": "true",
    }
    scripted, plain = phone(), phone(script=False)
    scripted.goto(f"{stub.url}/kitchen-sink/?source=poster")
    steps(scripted, answers)
    sent(scripted)
    plain.goto(f"{stub.url}/kitchen-sink/")
    fill(plain, answers)
    plain.click("#Next")
    plain.wait_for_url("**/thanks/")
    first, second = (post.answers(kitchen_sink()) for post in stub.posts)
    assert (first.pop("source"), second.pop("source")) == ("poster", "link")
    assert first == second
    assert set(first) == set(answers)
    assert (first["age"], first["price"], first["agree"]) == (5, 19.9, True)


def test_one_request_loads_the_page(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    page.wait_for_load_state("networkidle")
    assert stub.gets == ["/after-sales/"]
    assert page.context.cookies() == []


def test_conditional_question_comes_and_goes(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    fill(page, {"service_type": "repair"})
    page.click("#Next")
    why = page.locator("#why_low")
    expect(why).to_be_hidden()
    expect(why).to_be_disabled()
    fill(page, {"resolution": "2"})
    expect(why).to_be_visible()
    expect(why).to_be_enabled()
    expect(page.locator("#Live")).to_contain_text("很抱歉没有让您满意")
    fill(page, {"resolution": "3"})
    expect(why).to_be_hidden()


def test_hidden_answer_is_not_sent_but_not_forgotten(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    fill(page, {"service_type": "repair"})
    page.click("#Next")
    fill(page, {"resolution": "1", "why_low": "慢"})
    fill(page, {"resolution": "5"})
    fill(page, {"resolution": "1"})
    assert page.input_value("#why_low") == "慢"
    fill(page, {"resolution": "5"})
    steps(page, HAPPY | {"resolution": "5"})
    sent(page)
    assert "why_low" not in stub.posts[0].answers(after_sales())


def test_choice_that_is_not_offered_any_more_is_not_chosen(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/kitchen-sink/")
    choice = page.locator("[value=b_only]")
    expect(choice).to_be_hidden()
    fill(page, {"one": "b", "many": ["x", "b_only"]})
    fill(page, {"one": "a"})
    expect(choice).to_be_hidden()
    expect(choice).not_to_be_checked()


def test_early_end_and_steps_without_questions(phone: Open) -> None:
    contract = survey(
        Single(
            id="go",
            text=text("继续？", "Go on?"),
            choices=[Choice(code, text(code, code)) for code in ("all", "skip", "stop")],
            required=True,
        )
    )
    middle = Section("middle", [ShortText(id="a", text=text("甲", "A"))])
    last = Section("last", [ShortText(id="b", text=text("乙", "B"))])
    contract = replace(
        contract,
        sections=[
            replace(contract.sections[0], end_if=["==", "go", "stop"]),
            replace(middle, show_if=["==", "go", "all"]),
            last,
        ],
    )
    with serve(contract) as stub:
        page = phone()
        page.goto(f"{stub.url}/small/")
        for code, step in [("all", "第 1 步，共 3 步"), ("skip", "第 1 步，共 2 步"), ("stop", "")]:
            fill(page, {"go": code})
            expect(page.locator("#Step")).to_have_text(step)
        expect(page.locator("#Next")).to_have_text("提交")
        fill(page, {"go": "skip"})
        page.click("#Next")
        expect(page.locator("#b")).to_be_visible()
        page.click("#Back")
        expect(page.locator("#Back")).to_be_hidden()


def test_problems_are_summed_up_and_said_beside_each_question(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    assert page.title() == "售后服务评价"
    page.click("#Next")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    assert page.title() == "错误：售后服务评价"
    expect(summary.get_by_role("link")).to_have_text(["您本次服务的类型是？ — 请回答此题"])
    expect(complaint(page, "service_type")).to_have_text("请回答此题")
    group = page.get_by_role("group", name=re.compile("您本次服务的类型是？.*请回答此题"))
    expect(group).to_be_visible()
    summary.get_by_role("link").click()
    expect(page.locator("[name=service_type]").first).to_be_focused()
    fill(page, {"service_type": "other"})
    page.click("#Next")
    expect(summary.get_by_role("link")).to_have_text(["请说明 — 请回答此题"])
    fill(page, {"service_type_other": "安装"})
    page.click("#Next")
    expect(summary).to_be_hidden()
    assert page.title() == "售后服务评价"
    assert stub.posts == []


def test_nothing_is_preselected_and_nothing_complains_while_typing(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/kitchen-sink/")
    assert page.locator(":checked:not(option)").count() == 0
    fill(page, {"one": "a", "many": ["x"]})
    assert page.locator(".bad").count() == 0
    page.click("#Next")
    expect(complaint(page, "many")).to_have_text("请至少选择 2 项")


def test_draft_is_back_after_a_reload_but_never_what_is_personal(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    fill(page, {"service_type": "other", "service_type_other": "安装"})
    page.evaluate("document.querySelector('[name=phone]').value = '13800138000'")
    fill(page, {"contact_channel": "phone"})
    assert "13800138000" not in page.evaluate("JSON.stringify(localStorage)")
    page.reload()
    expect(page.locator("#Note")).to_have_text("已恢复上次的答案")
    assert page.input_value("[name=service_type_other]") == "安装"
    expect(page.locator("[value=phone]")).to_be_checked()
    assert page.input_value("[name=phone]") == ""


def test_languages_share_the_draft_and_the_link(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/?ABCD-1234")
    fill(page, {"service_type": "advice"})
    page.click("text=English")
    expect(page.locator("[value=advice]")).to_be_checked()
    expect(page).to_have_url(f"{stub.url}/after-sales/en/")  # the code is read, and gone from here
    page.click("text=简体中文")
    expect(page.locator("[value=advice]")).to_be_checked()
    steps(page, HAPPY)
    sent(page)
    assert stub.posts[0].json["link"] == "ABCD-1234"
    assert page.evaluate("localStorage.length") == 0


def test_only_a_code_that_takes_one_answer_is_asked_about(phone: Open, stub: Stub) -> None:
    """Whether an open link takes one is told when it is sent: to ask costs as much as an answer."""
    page = phone()
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.post_data or "") if "/links" in r.url else None)
    personal = mint(PERSONAL)
    for code in (mint(OPEN), "7K2M-9QXC", personal):
        page.goto("about:blank")
        page.goto(f"{stub.url}/after-sales/?{code}")
        expect(page).to_have_url(f"{stub.url}/after-sales/")
    assert [json.loads(body) for body in asked] == [{"survey": "after-sales", "code": personal}]


def test_plain_form_tells_the_link_by_its_address(phone: Open, stub: Stub) -> None:
    page = phone(script=False)
    page.goto(f"{stub.url}/after-sales/?ABCD1234")
    fill(page, HAPPY)
    page.click("#Next")
    page.wait_for_url("**/thanks/")
    assert stub.posts[0].referer == f"{stub.url}/after-sales/?ABCD1234"


EARLY = """new MutationObserver((_, observer) => {
    const tapped = document.querySelector("[name=service_type][value=complaint]");
    if (!tapped || window.tapped) return;
    window.tapped = document.documentElement.className;
    tapped.checked = true;
    observer.disconnect();
}).observe(document, {childList: true, subtree: true});"""


def test_tap_before_the_script_ran_is_kept(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    fill(page, {"service_type": "repair", "contact_channel": "chat"})
    page.add_init_script(EARLY)
    page.reload()
    assert page.evaluate("window.tapped") == "j"  # the script was still to come
    expect(page.locator("[value=complaint]")).to_be_checked()  # and not what the draft says
    expect(page.locator("[value=chat]")).to_be_checked()
    page.click("#Next")
    expect(page.get_by_role("heading", name="服务评价", exact=True)).to_be_visible()


def test_offline_then_online_sends_once_under_one_id(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    page.context.set_offline(True)
    steps(page, HAPPY)
    expect(page.locator("#Panel h2 + p")).to_contain_text("网络恢复后会自动发送")
    frozen = page.evaluate("Object.keys(localStorage).map(key => localStorage[key]).join()")
    assert stub.posts == []
    page.context.set_offline(False)
    sent(page)
    assert len(stub.posts) == 1
    assert str(stub.posts[0].json["id"]) in frozen
    assert page.evaluate("localStorage.length") == 0


PATIENT = "window.setTimeout = () => 0;"
"""A page that does not try again by itself."""
HASTY = "const wait = setTimeout; window.setTimeout = (run, ms) => wait(run, ms / 100);"
"""A page that tries again at once. (Chromium alone resends once what a kept connection lost.)"""


def test_lost_reply_is_followed_by_the_same_bytes(phone: Open, stub: Stub) -> None:
    stub.answers = [Answer(lost=True)] * 2
    page = phone(before=PATIENT)
    page.goto(f"{stub.url}/after-sales/")
    steps(page, HAPPY)
    expect(page.locator("#Panel h2 + p")).to_contain_text("网络恢复后")
    stub.answers = [Answer(503, "unavailable")]
    page.click("#Retry")
    expect(page.locator("#Panel h2 + p")).to_contain_text("稍后自动发送")
    page.click("#Retry")
    sent(page)
    assert len(stub.posts) >= 3
    assert len({post.body for post in stub.posts}) == 1


def test_tries_again_by_itself(phone: Open, stub: Stub) -> None:
    gateways = [Answer(404), Answer(403, "forbidden")]  # API Gateway's, and a word that changes
    stub.answers = [Answer(429, "busy"), Answer(503, "unavailable"), Answer(502), *gateways]
    page = phone(before=HASTY)
    page.goto(f"{stub.url}/after-sales/")
    steps(page, HAPPY)
    sent(page)
    assert len(stub.posts) == 6
    assert len({post.body for post in stub.posts}) == 1


def test_next_visit_sends_what_waits(phone: Open, stub: Stub) -> None:
    stub.answers = [Answer(lost=True)] * 2
    page = phone(before=PATIENT)
    page.goto(f"{stub.url}/after-sales/")
    steps(page, HAPPY)
    expect(page.locator("#Panel.wait")).to_be_visible()
    stub.answers = []
    page.goto(f"{stub.url}/after-sales/en/")
    sent(page)
    assert len({post.body for post in stub.posts}) == 1


def test_what_waits_is_dropped_after_six_days(phone: Open, stub: Stub) -> None:
    stub.answers = [Answer(lost=True)] * 2
    page = phone(before=PATIENT)
    page.goto(f"{stub.url}/after-sales/")
    steps(page, HAPPY)
    expect(page.locator("#Panel.wait")).to_be_visible()
    posts = len(stub.posts)
    page.evaluate(
        """for (const key of Object.keys(localStorage)) {
            const value = JSON.parse(localStorage[key]);
            value.at -= 6 * 864e5 + 1;
            localStorage[key] = JSON.stringify(value);
        }"""
    )
    page.reload()
    expect(page.locator("#Form")).to_be_visible()
    expect(page.locator("[value=repair]")).to_be_checked()  # drafts live a day longer
    assert len(stub.posts) == posts


def test_double_tap_submits_once(phone: Open, stub: Stub) -> None:
    page = phone()
    page.goto(f"{stub.url}/kitchen-sink/")
    steps(page, {"one": "a", "go_on": "no"}, last=False)
    page.dblclick("#Next")
    sent(page)
    assert len(stub.posts) == 1


def test_double_tap_goes_on_one_step(phone: Open) -> None:
    contract = survey(ShortText(id="a", text=text("甲", "A"), required=True))
    next_section = Section("next", [ShortText(id="b", text=text("乙", "B"), required=True)])
    with serve(replace(contract, sections=[*contract.sections, next_section])) as stub:
        page = phone()
        page.goto(f"{stub.url}/small/")
        page.fill("#a", "x")
        button = page.locator("#Next").bounding_box()
        assert button is not None
        page.mouse.dblclick(button["x"] + 200, button["y"] + 20)  # Back comes to the left of it
        expect(page.locator("#b")).to_be_visible()
        expect(page.get_by_role("alert")).to_be_hidden()
        page.click("#Next")
        expect(page.get_by_role("alert")).to_be_visible()


@pytest.mark.parametrize("error", ["already_answered", "gone"])
def test_refusal_for_good_is_said_in_words(phone: Open, stub: Stub, error: str) -> None:
    stub.answers = [Answer(410 if error == "gone" else 409, error, "就是这样")]
    page = phone()
    page.goto(f"{stub.url}/after-sales/?ABCD1234")
    steps(page, HAPPY)
    expect(page.locator("#Panel")).to_contain_text("就是这样")
    expect(page.locator("#Form")).to_be_hidden()
    expect(page.locator("#Retry")).to_be_hidden()
    assert page.evaluate("localStorage.length") == 0
    assert len(stub.posts) == 1


def test_problems_the_server_finds_are_shown_by_question(phone: Open, stub: Stub) -> None:
    problem = {"question": "resolution", "code": "range", "message": "请输入 1 到 5 之间的数"}
    stub.answers = [Answer(422, "problems", "有些题目需要修改", (problem,))]
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    steps(page, HAPPY)
    expect(complaint(page, "resolution")).to_have_text("请输入 1 到 5 之间的数")
    expect(page.get_by_role("alert")).to_be_focused()
    steps(page, {"overall": "8"})
    sent(page)
    first, second = stub.posts
    assert first.json["id"] != second.json["id"]


def test_stale_page_reloads_and_keeps_the_answers(phone: Open, stub: Stub) -> None:
    stub.answers = [Answer(409, "stale_version", "问卷已更新")]
    newer = after_sales()
    newer = replace(newer, thanks=text("再次感谢！", "Thanks again."))
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    with serve(newer) as later:
        stub.files = later.files
    with page.expect_navigation():
        steps(page, HAPPY)
    expect(page.locator("#Note")).to_contain_text("问卷已更新")
    expect(page.locator("[value=repair]")).to_be_checked()
    expect(page.locator("#Step")).to_contain_text("第 3 步")
    page.click("#Next")
    sent(page)
    assert [post.json["version"] for post in stub.posts] == [after_sales().version, newer.version]
    assert stub.posts[0].json["answers"] == stub.posts[1].json["answers"]


def test_wrong_clock_gets_one_new_id_by_the_servers(phone: Open, stub: Stub) -> None:
    stub.answers = [Answer(409, "clock", "手机时间不准确", ago=1)]
    page = phone()
    page.goto(f"{stub.url}/after-sales/")
    steps(page, HAPPY)
    sent(page)
    first, second = (str(post.json["id"]) for post in stub.posts)
    assert first != second
    assert ids.time_of(second) == 1_900_000_000_000


@pytest.mark.parametrize(
    "answers",
    [
        [Answer(409, "clock", "时间", ago=1), Answer(409, "clock", "时间", ago=1)],
        [Answer(lost=True), Answer(lost=True), Answer(409, "clock", "时间", ago=1)],
    ],
    ids=["again", "after an unknown outcome"],
)
def test_no_new_id_where_an_earlier_one_may_have_arrived(
    phone: Open, stub: Stub, answers: list[Answer]
) -> None:
    stub.answers = list(answers)
    page = phone(before=HASTY)
    page.goto(f"{stub.url}/after-sales/")
    steps(page, HAPPY)
    expect(page.get_by_role("alert")).to_contain_text("时间")
    expect(page.locator("#Form")).to_be_visible()
    assert len({str(post.json["id"]) for post in stub.posts}) == (2 if len(answers) == 2 else 1)


def test_works_where_nothing_can_be_stored(phone: Open, stub: Stub) -> None:
    stub.answers = [Answer(lost=True)] * 2
    page = phone(
        before=PATIENT
        + """Object.defineProperty(window, "localStorage", {
            get() { throw new DOMException("denied", "SecurityError"); }
        });"""
    )
    page.goto(f"{stub.url}/after-sales/")
    steps(page, HAPPY)
    expect(page.locator("#Panel h2 + p")).to_contain_text("请不要关闭此页")
    stub.answers = []
    page.click("#Retry")
    sent(page)
    assert len({post.body for post in stub.posts}) == 1


def test_plain_form_is_back_where_the_script_fails(chromium: Any, stub: Stub) -> None:
    page = chromium.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_init_script("JSON.parse = () => { throw new Error('old engine'); };")
    page.goto(f"{stub.url}/after-sales/")
    assert len(errors) == 1
    expect(page.locator("section")).to_have_count(3)
    for section in page.locator("section").all():
        expect(section).to_be_visible()
    fill(page, HAPPY)
    page.click("#Next")
    page.wait_for_url("**/thanks/")
    assert set(stub.posts[0].answers(after_sales())) == set(HAPPY)
    page.close()


HOSTILE = "</script><script>window.hit = 1</script><img src=x onerror=window.hit=1>\"'`&<b>${1}"


def test_hostile_words_are_words(phone: Open) -> None:
    words = text(HOSTILE, HOSTILE)
    contract = survey(
        Hidden(id="source", default=HOSTILE),
        Single(
            id="elements",
            text=words,
            hint=words,
            choices=[Choice("constructor", words), Choice("b", words, ["answered", "source"])],
            required=True,
            other=True,
        ),
        Rating(id="action", text=words, low_label=words, high_label=words, required=True),
        LongText(id="submit", text=words, show_if=["==", "elements", "constructor"]),
        Date(id="hidden", text=words),
        Phone(id="id", text=words),
    )
    contract = replace(contract, title=words, intro=words, thanks=words)
    with serve(contract) as stub:
        page = phone()
        page.goto(f"{stub.url}/small/")
        assert page.title() == HOSTILE
        page.click("#Next")
        expect(page.get_by_role("alert").get_by_role("link").first).to_contain_text(HOSTILE)
        fill(page, {"elements": "constructor", "action": "5", "submit": HOSTILE})
        page.click("#Next")
        sent(page)
        expect(page.locator("#Panel h2 + p")).to_have_text(HOSTILE)
        assert page.evaluate("window.hit") is None
        assert page.locator("img, b:not(:empty)").count() == 0
        answers = stub.posts[0].answers(contract)
        assert answers == {
            "source": HOSTILE,
            "elements": "constructor",
            "action": 5,
            "submit": HOSTILE,
        }
        page.goto(f"{stub.url}/small/thanks/")
        expect(page.locator("main")).to_contain_text(HOSTILE)


@pytest.mark.parametrize("language", ["", "en/"])
def test_fits_a_narrow_phone(phone: Open, stub: Stub, language: str) -> None:
    for name in ("after-sales", "kitchen-sink"):
        page = phone(script=False, width=320)
        page.goto(f"{stub.url}/{name}/{language}")
        width = page.locator("html").evaluate("root => root.scrollWidth")
        assert width <= 320
        for span in page.locator(".s span").all():
            box = span.bounding_box()
            assert box is not None
            assert box["width"] >= 44
            assert box["height"] >= 44


def test_whole_survey_by_keyboard(phone: Open) -> None:
    contract = survey(
        Rating(id="rate", text=text("评分", "Rate"), required=True),
        ShortText(id="say", text=text("请写", "Say")),
    )
    with serve(contract) as stub:
        page = phone()
        page.goto(f"{stub.url}/small/")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Tab")
        page.keyboard.type("ok")
        page.keyboard.press("Enter")
        sent(page)
        assert stub.posts[0].answers(contract) == {"rate": 3, "say": "ok"}


def test_no_colour_or_word_is_left_to_chance(phone: Open, stub: Stub) -> None:
    """Each page names its language, and its own words are in it."""
    page = phone()
    for place, language, button in (("", "zh-CN", "下一步"), ("en/", "en", "Next")):
        page.goto(f"{stub.url}/after-sales/{place}")
        assert page.locator("html").get_attribute("lang") == language
        expect(page.locator("#Next")).to_have_text(button)
        assert not re.search(r"\{\w+\}", page.inner_text("main"))
