"""Pictures of the staff pages, for a person to look through.

    python -m tests.staff_screenshots [--out screenshots/staff]

Queue, detail, an open form, team, feedback and improvements: in both languages, on a phone and a
desk, in light and in the dark.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from chalicelib.running import now
from tests.browser.desk import HOUR, Desk, action, item, serve
from tests.chromium import find
from tests.screenshots import FLAGS, index
from tests.surveys import after_sales, text

VIEWS = [
    (width, scheme, language)
    for width in (390, 1280)
    for scheme in ("light", "dark")
    for language in ("zh-CN", "en")
]

NAMES = ("queue", "picked", "detail", "form", "team", "feedback", "actions", "action", "advance")
COMMENTS = (
    "师傅来了两次都没有修好，打电话也没人接，等了整整三天。",
    "The technician was polite, but the fridge still leaks.",
    "",
    "态度很差，再也不会买你们的产品了！",
)
TITLES = (
    text("问题未解决或评分很低，请尽快回访", "Not solved or scored very low. Call back soon"),
    text("不愿推荐我们，请了解原因", "Would not recommend us. Find out why"),
)
STATES = ("new", "assigned", "new", "contacted", "in_progress", "reopened", "new", "resolved")


def people() -> list[dict[str, Any]]:
    """Forty follow-ups as a morning brings them."""
    found = []
    for number in range(40):
        state = STATES[number % len(STATES)]
        due = (number - 6) * (17 + number)
        found.append(
            item(
                due or 3,
                id=f"01KITEM{number:06d}",
                state=state,
                priority=("urgent", "high", "normal", "normal")[number % 4 if number < 20 else 2],
                assignee="" if state == "new" else f"A{number % 5:02}",
                comment=COMMENTS[number % len(COMMENTS)],
                customer_masked=("王**", "李*", "J*** S***", "欧阳**")[number % 4],
                index=11 + number * 37 % 60,
                reopened=int(state == "reopened"),
                title=TITLES[number % 2],
            )
        )
    return found


def furnish(desk: Desk) -> str:
    """A team in the middle of a day; the follow-up to look at."""
    desk.add(*people())
    one = "01KITEM000003"
    texts = {q.id: q.text for q in after_sales().questions}
    said = {"responsiveness": 2, "resolution": 1, "attitude": 4, "resolved": "no", "overall": 3}
    words = {"no": {"zh-CN": "否", "en": "No"}}
    desk.answers = [
        {"question": name, "text": texts[name], "value": value,
         "said": words.get(str(value), {"zh-CN": str(value), "en": str(value)})}
        for name, value in said.items()
    ]  # fmt: skip
    at = now()
    desk.histories[one] = [
        {"number": 1, "at": at - 5 * HOUR, "by": "system", "kind": "open"},
        {"number": 2, "at": at - 4 * HOUR, "by": "A03", "kind": "take"},
        {"number": 3, "at": at - 3 * HOUR, "by": "system", "kind": "escalate", "to": "lead"},
        {"number": 4, "at": at - 2 * HOUR, "by": "A03", "kind": "call", "channel": "phone",
         "outcome": "reached", "note": "客户同意明天上午再次上门。"},
    ]  # fmt: skip
    desk.items[one] |= {"escalated": "lead", "version": 4}
    share, hours = {"n": 118, "share": 0.86}, {"n": 97, "median": 18.4, "mean": 22.9}
    figures = {
        "open": 41, "overdue": 7, "first_contact_on_time": share, "hours_to_solution": hours,
        "reopened": 9, "verified_closed": 71, "unverified": 14, "unreachable": 6,
        "detractors": 48, "recovered_detractors": 33,
    }  # fmt: skip
    desk.team = figures | {
        "by": [
            figures | {"assignee": f"A{n:02}", "open": 14 - 2 * n, "overdue": max(0, 3 - n)}
            for n in range(6)
        ]
    }
    desk.feedback = [
        {"survey": "after-sales", "title": after_sales().title, "response": str(number),
         "received_at": at - number * HOUR, "index": 41.5, "facts": {"store": "012"},
         "answers": desk.answers}
        for number in range(5)
    ]  # fmt: skip
    desk.actions = improvements()
    desk.lows = [
        {"dimension": "attitude", "item": "attitude", "mean": 2.61, "most": 5, "n": 312,
         "worst": {"key": "agent", "value": "A07", "gain": 0.21}},
        {"dimension": "process", "item": "process", "mean": 3.2, "most": 5, "n": 298,
         "worst": None},
    ]  # fmt: skip
    return one


def judged(verdict: str, before: float, after: float, on_target: bool) -> dict[str, Any]:
    test = {"improved": "higher", "worse": "lower"}.get(verdict, verdict)
    sides = {"before": {"n": 312, "value": before}, "after": {"n": 287, "value": after}}
    wave = {"first": "2026-10-01", "last": "2026-12-31"}
    tests = {"attitude": {**sides, "p": 0.01, "adjusted": 0.01, "verdict": test}}
    return {"wave": wave, "verdict": verdict, "tests": tests, "on_target": on_target}


def improvements() -> list[dict[str, Any]]:
    """One of every kind."""
    plans = ("上门前电话确认时间，晚到主动致歉。", "Two more people on Saturdays, when most wait.")
    cause = "周末排班不足，师傅赶时间。"
    made = [
        action(1, overdue=True, plan=plans[0], cause=cause, segment="team=北区"),
        action(2, state="reopened", plan=plans[1], cause=cause, due="2026-12-15",
               judged=judged("no_evidence", 2.61, 2.7, False)),
        action(3, state="carried_out", plan=plans[1], cause=cause),
        action(4, state="improved", plan=plans[0], cause=cause,
               judged=judged("improved", 2.61, 4.32, True)),
        action(5, state="dropped", plan=plans[1], cause=cause, segment="store=012"),
    ]  # fmt: skip
    at = now()
    for each in made:
        each["history"] += [
            {"at": at - 30 * HOUR, "by": "L1", "kind": "note", "said": "一半的班组已经开始。"},
            {"at": at - 20 * HOUR, "by": "L1", "kind": "carry_out", "said": "全部班组完成。"},
        ]
        if each["judged"]:
            told = {"at": at, "by": "job:judge", "kind": "judge", "judged": each["judged"]}
            each["history"].append(told)
    return made


def shoot(browser: Browser, desk: Desk, one: str, out: Path, names: Sequence[str]) -> list[Path]:
    made = []
    for width, scheme, language in VIEWS:
        context = browser.new_context(
            viewport={"width": width, "height": 844 if width < 600 else 800},
            color_scheme="dark" if scheme == "dark" else "light",
            reduced_motion="reduce",
        )
        page = context.new_page()
        token = desk.sign_in("A03", "lead", language)
        for name in names:
            reach(page, f"{desk.url}/staff/", token, name, one)
            path = out / f"staff-{name}-{width}-{scheme}-{language}.png"
            page.screenshot(path=path)
            made.append(path)
        context.close()
    return made


def reach(page: Page, url: str, token: str, name: str, one: str) -> None:
    """Open what is to be pictured."""
    places = {"team": "view=team", "feedback": "view=feedback", "detail": f"item={one}"}
    places["form"] = places["detail"]
    places |= {"actions": "view=actions", "action": "view=actions&action=after-sales-attitude-2"}
    places["advance"] = places["action"]
    page.goto("about:blank")
    page.goto(f"{url}#token={token}&{places.get(name, '')}")
    waited = {"team": ".tiles", "feedback": ".cards", "detail": ".history", "form": ".history"}
    waited |= {"actions": ".cards", "action": ".history", "advance": ".history"}
    page.wait_for_selector(waited.get(name, ".row"))
    if name == "form":
        page.click("#M-call")
        page.check("[value=no_answer]")
    if name == "advance":
        page.click("#I-plan")
    if name == "actions":
        page.click("#Suggest summary")
        page.click("#Suggest .first")
        page.wait_for_selector(".lows")
    if name == "picked":
        for at in (1, 2, 3):
            page.locator(".row input").nth(at).check()


def main(out: Path, names: Sequence[str] = NAMES) -> None:
    out.mkdir(parents=True, exist_ok=True)
    with serve(after_sales()) as desk, sync_playwright() as playwright:
        one = furnish(desk)
        browser = playwright.chromium.launch(executable_path=find(), args=FLAGS)
        made = shoot(browser, desk, one, out, names)
        browser.close()
    (out / "index.html").write_text(index(made), "utf-8")
    print(f"{len(made)} pictures: {out / 'index.html'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=NAMES)
    parser.add_argument("--out", type=Path, default=Path("screenshots/staff"))
    asked = parser.parse_args()
    main(asked.out, asked.only)
