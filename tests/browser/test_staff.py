"""The staff pages in a browser: two at once, a dead network, an ended token, 100,000 follow-ups.

Nothing a person did is lost silently or done twice, whatever happens on the way; and nothing a
customer typed is ever more than text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.desk import HOUR, Desk, item, serve
from tests.browser.walking import inaccessible
from tests.surveys import after_sales

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script> javascript:alert(3)"
FIRST, SECOND = "01KITEM000001-due", "01KITEM000002-due"

Window = Callable[..., Page]


@pytest.fixture
def desk() -> Iterator[Desk]:
    with serve(after_sales()) as desk:
        yield desk


@pytest.fixture
def window(chromium: Browser, desk: Desk) -> Iterator[Window]:
    """Opens the pages for somebody, each in a browser of their own. Consoles must stay silent."""
    complaints: list[str] = []
    contexts = []

    def open_window(
        sub: str, role: str = "agent", place: str = "", width: int = 1280, language: str = "en"
    ) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, reduced_motion="reduce"
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text)
                if message.type == "error" and "Failed to load" not in message.text
                else None
            ),
        )
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        token = desk.sign_in(sub, role, language)
        page.goto(f"{desk.url}/staff/#token={token}{place and '&' + place}")
        page.wait_for_selector(".row, #Foot h2, #View h1", state="attached")
        return page

    yield open_window
    for context in contexts:
        context.close()
    assert complaints == []


def opened(page: Page, state: str) -> None:
    expect(page.locator("#Head .tag", has_text=state).first).to_be_visible()


def at_once(page: Page) -> None:
    """The next look at what changed, now: as when the window comes back to the front."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def kinds(desk: Desk, id: str) -> list[str]:
    return [f"{event['by']} {event['kind']}" for event in desk.histories[id]]


def test_two_take_one_follow_up_and_the_second_is_told(desk: Desk, window: Window) -> None:
    desk.add(item(1))
    one, other = (window(sub, place=f"item={FIRST}") for sub in ("A03", "A04"))
    for page in (one, other):
        page.wait_for_selector("#M-take")
    one.click("#M-take")
    opened(one, "Assigned")
    other.click("#M-take")
    expect(other.locator("#Notice")).to_contain_text("Somebody was faster")
    expect(other.locator("#Notice")).to_contain_text("A03 took it")
    opened(other, "Assigned")
    assert kinds(desk, FIRST) == ["system open", "A03 take"]


def test_what_was_typed_is_kept_when_another_was_faster(desk: Desk, window: Window) -> None:
    desk.add(item(1, state="contacted"))
    page = window("A03", place=f"item={FIRST}")
    page.click("#M-resolve")
    page.fill("#A-cause", "Wrong part")
    page.fill("#A-remedy", "A new part was fitted")
    desk.move(FIRST, {"version": 1, "move": "note", "note": "I am on it"}, "A04")
    page.click("#Form .first")
    expect(page.locator("#Wrong")).to_contain_text("A04 noted")
    expect(page.locator("#A-cause")).to_have_value("Wrong part")
    expect(page.locator("#A-remedy")).to_have_value("A new part was fitted")
    page.click("#Form .first")  # on what it is now
    opened(page, "Resolved")
    assert kinds(desk, FIRST)[-1] == "A03 resolve"


def test_what_is_not_legal_any_more_names_what_is(desk: Desk, window: Window) -> None:
    desk.add(item(1, state="contacted"))
    page = window("A03", place=f"item={FIRST}")
    page.click("#M-resolve")
    page.fill("#A-cause", "c")
    page.fill("#A-remedy", "kept")
    desk.items[FIRST]["state"] = "closed"  # such as by another rule of the server's
    page.click("#Form .first")
    expect(page.locator("#Wrong")).to_contain_text("What can be done now: Note, Reopen")
    expect(page.locator("#A-remedy")).to_have_value("kept")


def test_a_lead_reassigns_what_an_agent_has_open(desk: Desk, window: Window) -> None:
    desk.add(item(1, state="assigned", assignee="A03"), item(2))
    agent = window("A03", place=f"item={FIRST}")
    lead = window("L01", "lead", place=f"item={FIRST}")
    lead.click("#M-assign")
    lead.fill("#A-to", "A09")
    lead.click("#Form .first")
    expect(lead.locator("#Head")).to_contain_text("A09")
    agent.wait_for_selector(".history")
    at_once(agent)
    expect(agent.locator("#Head")).to_contain_text("A09")
    expect(agent.locator(".history")).to_contain_text("L01 assigned it to A09")


def test_an_ended_token_keeps_what_was_typed_and_a_new_one_goes_on(
    desk: Desk, window: Window
) -> None:
    desk.add(item(1, state="contacted"))
    page = window("A03", place=f"item={FIRST}")
    page.click("#M-note")
    page.fill("#A-note", "She will be home at six")
    desk.ended = "expired"
    page.click("#Form .first")
    expect(page.locator("#Sign")).to_contain_text("Your access has ended")
    expect(page.locator("#A-note")).to_have_value("She will be home at six")
    assert kinds(desk, FIRST) == ["system open"]
    desk.ended = ""
    page.fill("#S-token", f"https://example.com/staff/#token={desk.sign_in('A03')}")
    page.click("#Sign .first")
    expect(page.locator(".history")).to_contain_text("She will be home at six")
    assert kinds(desk, FIRST) == ["system open", "A03 note"]


def test_nobody_acts_in_anothers_name(desk: Desk, window: Window) -> None:
    desk.add(item(1))
    page = window("A03", place=f"item={FIRST}")
    page.wait_for_selector("#M-take")
    desk.ended = "revoked"
    page.click("#M-take")
    expect(page.locator("#Sign")).to_contain_text("withdrawn")
    desk.ended = ""
    page.evaluate(f"location.hash = 'token={desk.sign_in('A04')}'")
    expect(page.locator("#Notice")).to_contain_text(
        "Not sent, because A03 is not signed in any more: Take"
    )
    assert kinds(desk, FIRST) == ["system open"]


def test_offline_it_says_so_and_sends_once_when_the_network_is_back(
    desk: Desk, window: Window
) -> None:
    desk.add(item(1))
    page = window("A03", place=f"item={FIRST}")
    page.wait_for_selector("#M-take")
    page.context.set_offline(True)
    page.click("#M-take")
    expect(page.locator("#Net")).to_contain_text("No connection")
    expect(page.locator("#Net")).to_contain_text("1 waiting to be sent")
    page.context.set_offline(False)
    opened(page, "Assigned")
    expect(page.locator("#Net")).to_be_empty()
    assert kinds(desk, FIRST) == ["system open", "A03 take"]


def test_a_slow_network_is_said_and_waited_for(desk: Desk, window: Window) -> None:
    desk.add(item(1))
    page = window("A03")
    held: list[Route] = []
    page.route("**/follow-ups/*", lambda route: held.append(route))
    page.locator(".row a").click()
    expect(page.locator("#Net")).to_have_text("The network is slow. Still waiting…")
    held[0].continue_()
    expect(page.locator(".history")).to_be_visible()
    expect(page.locator("#Net")).to_be_empty()


@pytest.mark.parametrize("faults", [["lost"], ["down", "lost"], ["lost", "lost"]])
def test_a_lost_reply_does_nothing_twice(desk: Desk, window: Window, faults: list[str]) -> None:
    desk.add(item(1, state="assigned"))
    page = window("A03", place=f"item={FIRST}")
    page.click("#M-call")
    page.check("[value=reached]")
    desk.faults = faults
    page.click("#Form .first")
    opened(page, "Contacted")
    expect(page.locator("#Form")).to_have_count(0)
    expect(page.locator("#Notice")).to_be_hidden()
    assert kinds(desk, FIRST) == ["system open", "A03 call"]


def test_a_reload_sends_what_was_waiting(desk: Desk, window: Window) -> None:
    desk.add(item(1))
    page = window("A03", place=f"item={FIRST}")
    page.wait_for_selector("#M-take")
    desk.down = True
    page.click("#M-take")
    page.wait_for_selector("#Net.lost")
    page.evaluate("window.onbeforeunload = null")
    desk.down = False
    page.reload()
    opened(page, "Assigned")
    assert kinds(desk, FIRST) == ["system open", "A03 take"]


def test_what_a_customer_typed_stays_text(desk: Desk, window: Window) -> None:
    desk.add(
        item(
            1, comment=HOSTILE, customer_masked=HOSTILE, assignee=HOSTILE, facts={"store": HOSTILE}
        )
    )
    said = {"en": HOSTILE}
    desk.answers = [{"question": HOSTILE, "text": said, "value": HOSTILE, "said": said}]
    desk.histories[FIRST].append(
        {"number": 2, "at": 1, "by": HOSTILE, "kind": "note", "note": HOSTILE}
    )
    page = window("A03", place=f"item={FIRST}")
    expect(page.locator("blockquote")).to_have_text(HOSTILE)
    expect(page.locator(".history")).to_contain_text(HOSTILE)
    assert page.locator("main img, main script").count() == 0
    assert page.evaluate("[...document.links].every(link => /^http/.test(link.protocol))")


def test_a_phone_number_is_read_on_demand_alone(desk: Desk, window: Window) -> None:
    desk.add(item(1), item(2))
    page = window("A03", place=f"item={FIRST}")
    expect(page.locator("#Body")).to_contain_text("Each look at it is logged")
    assert desk.contacts == []
    page.click("#Contact")
    expect(page.locator(".contact a").first).to_have_attribute("href", "tel:13800138000")
    page.locator(".row a").nth(1).click()
    page.wait_for_selector("#Contact")
    assert page.locator(".contact").count() == 0
    assert desk.contacts == [FIRST]


def test_several_are_assigned_at_once_and_what_fails_stays_selected(
    desk: Desk, window: Window
) -> None:
    desk.add(*(item(number) for number in range(1, 6)))
    page = window("L01", "lead")
    for at in range(3):
        page.locator(".row input").nth(at).check()
    desk.move(SECOND, {"version": 1, "move": "take"}, "A04")
    page.fill("#B-to", "A09")
    page.click("#Bulk .first")
    expect(page.locator("#Notice")).to_contain_text("2 assigned to A09")
    expect(page.locator("#Notice")).to_contain_text("1 could not be assigned")
    assert [each["assignee"] for each in desk.items.values()] == ["A09", "A04", "A09", "", ""]
    expect(page.locator("#B-n")).to_have_text("1 selected")
    page.click("#Bulk .first")  # the one that was changed, as it is now
    expect(page.locator("#Bulk")).to_be_hidden()
    assert desk.items[SECOND]["assignee"] == "A09"


def test_a_lost_reply_assigns_several_once(desk: Desk, window: Window) -> None:
    desk.add(item(1), item(2))
    page = window("L01", "lead")
    for at in range(2):
        page.locator(".row input").nth(at).check()
    page.fill("#B-to", "A09")
    desk.faults = ["lost"]
    page.click("#Bulk .first")
    expect(page.locator("#Notice")).to_have_text("2 assigned to A09×")
    assert kinds(desk, FIRST) == ["system open", "L01 assign"]


def test_what_changes_is_marked_where_it_stands_and_what_is_new_waits(
    desk: Desk, window: Window
) -> None:
    desk.add(*(item(number) for number in range(10, 40)))
    page = window("A03")
    before = page.locator(".row strong").all_inner_texts()
    first = next(iter(desk.items))
    desk.move(first, {"version": 1, "move": "take"}, "A04")
    desk.items["01KITEM000011-due"]["state"] = "closed"
    desk.add(item(-5, customer_masked="new"))
    at_once(page)
    expect(page.locator("#Fresh")).to_contain_text("1 new")
    expect(page.locator(".row.changed")).to_contain_text("A04")
    expect(page.locator(".row.gone")).to_contain_text("(11)")
    assert page.locator(".row strong").all_inner_texts() == before
    page.click("#Fresh")
    expect(page.locator(".row strong").first).to_have_text("new")
    expect(page.locator(".row .due").first).to_contain_text("overdue")


def test_a_hundred_thousand_are_never_more_than_two_hundred_rows(
    desk: Desk, window: Window
) -> None:
    desk.add(*(item(number) for number in range(1, 100_001)))
    page = window("A03", "lead")
    expect(page.locator("#N-open")).to_have_text("100,000")
    counted = page.evaluate(
        """async () => {
            const list = document.querySelector("#List"), most = [], long = [];
            new PerformanceObserver(found => long.push(...found.getEntries().map(
                each => each.duration))).observe({type: "longtask"});
            for (let at = 0; at < 60; at++) {
                list.scrollTop += 900;
                await new Promise(requestAnimationFrame);
                most.push(document.querySelectorAll(".row").length);
            }
            return [Math.max(...most), Math.max(0, ...long), list.scrollTop];
        }"""
    )
    rows, longest, scrolled = counted
    assert rows <= 200
    assert scrolled > 15_000
    assert longest < 400  # ms, on a machine that many share
    assert page.evaluate("document.querySelectorAll('*').length") < 1500


def test_filters_stand_in_the_address_and_outlive_a_reload(desk: Desk, window: Window) -> None:
    desk.add(item(1), item(2, priority="urgent"), item(3, assignee="A03"), item(-60))
    page = window("A03")
    expect(page.locator(".row")).to_have_count(4)
    page.click("#F-overdue")
    expect(page.locator(".row")).to_have_count(1)
    page.click("#F-overdue")
    page.click("#More summary")
    page.select_option("#F-priority", "urgent")
    expect(page.locator(".row")).to_have_count(1)
    assert page.url.endswith("/staff/#priority=urgent")
    page.reload()
    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".row")).to_contain_text("Urgent")
    assert not any("priority" in path for path in desk.requests if path.startswith("/staff"))


def test_everything_is_done_by_keys(desk: Desk, window: Window) -> None:
    desk.add(item(1), item(2))
    page = window("A03")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    opened(page, "New")
    page.keyboard.press("t")
    opened(page, "Assigned")
    assert desk.items[SECOND]["assignee"] == "A03"
    page.keyboard.press("c")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")  # reached
    page.keyboard.press("Control+Enter")
    opened(page, "Contacted")
    page.keyboard.press("r")
    expect(page.locator("#A-cause")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#Form")).to_have_count(0)
    page.keyboard.press("?")
    expect(page.locator("#Help")).to_contain_text("next follow-up")
    page.uncheck("#KeysOn")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#Help")).to_be_hidden()
    page.click("#Keys")
    page.check("#KeysOn")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#F-q")).to_be_focused()


def test_what_was_typed_outlives_a_look_at_the_team(desk: Desk, window: Window) -> None:
    desk.add(item(1, state="contacted"))
    desk.team = {"open": 3, "by": []}
    page = window("L01", "lead", place=f"item={FIRST}")
    page.click("#M-note")
    page.fill("#A-note", "half a sen")
    page.click("nav a >> text=Team")
    expect(page.locator(".tiles")).to_contain_text("3")
    page.go_back()
    expect(page.locator("#A-note")).to_have_value("half a sen")


def test_the_token_leaves_the_address_and_is_kept_for_this_tab_alone(
    desk: Desk, window: Window
) -> None:
    page = window("A03")
    assert "token" not in page.url
    assert "token" not in page.evaluate("JSON.stringify({...localStorage})")
    assert "h.A03.s" in page.evaluate("sessionStorage['echoform-staff-token']")
    assert not any("h.A03" in path for path in desk.requests)
    assert page.evaluate("document.referrer") == ""


def test_the_language_is_switched_and_kept(desk: Desk, window: Window) -> None:
    desk.add(item(1))
    page = window("A03", place=f"item={FIRST}", language="zh-CN")
    expect(page.locator("#Title")).to_have_text("问题未解决，请尽快回访")
    page.click("#Language")
    expect(page.locator("#Title")).to_have_text("Not solved. Call back soon")
    page.reload()
    expect(page.locator("#M-take")).to_have_text("Take")
    assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("place", ["", f"item={FIRST}", "view=team", "view=feedback"])
def test_it_is_accessible_and_fits(desk: Desk, window: Window, place: str, width: int) -> None:
    comment = "long" * 60
    desk.add(item(1, state="contacted", priority="urgent", comment=comment), item(2), item(-3))
    said = {"en": "2"}
    desk.answers = [{"question": "overall", "text": {"en": "Overall"}, "value": 2, "said": said}]
    figures = {"open": 3, "overdue": 1, "first_contact_on_time": {"n": 3, "share": 0.5}}
    desk.team = figures | {"by": [figures | {"assignee": "A03"}]}
    desk.feedback = [
        {"survey": "after-sales", "received_at": 9 * HOUR, "answers": desk.answers, "index": 42.5}
    ]
    page = window("A03", "lead", place=place, width=width)
    page.wait_for_selector(".history" if "item" in place else ".row, .tiles, .cards")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        assert inaccessible(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if "item" in place:
        page.click("#M-call")
        assert inaccessible(page) == []


def test_a_phone_goes_to_a_follow_up_and_back_to_where_it_was(desk: Desk, window: Window) -> None:
    desk.add(*(item(number) for number in range(1, 60)))
    page = window("A03", width=390)
    page.evaluate("document.querySelector('#List').scrollTop = 2000")
    row = page.locator(".row", has_text="(25)")
    row.locator("a").click()
    page.wait_for_selector(".history")
    expect(page.locator("#Queue")).to_be_hidden()
    page.go_back()
    expect(page.locator(".row", has_text="(25)")).to_be_in_viewport()
