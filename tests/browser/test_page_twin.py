"""The real page against the server: random surveys, random taps and words (DESIGN.md, idea 3).

``tests/survey/test_twins.py`` holds the page's arithmetic against the kernel's; here the page as
it is built is used by somebody, and what it shows, complains of and sends is what the kernel says.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page, Route

from chalicelib.survey import Contract, read
from chalicelib.survey.rules import coerce
from generator.render import pages
from generator.site import Site
from tests.survey.test_twins import CODES, DAYS, NUMERIC, STRANGE, exact, surveys

PLACE = "http://survey.test/"
BEFORE = """localStorage.clear();
window.sent = [];
XMLHttpRequest.prototype.send = body => { sent.push(JSON.parse(body)); };"""
"""No draft of the survey before, and what would be sent."""

USE = """taps => {
    const named = id => Array.from(document.getElementsByName(id));
    const picked = control => /radio|checkbox/.test(control.type);
    taps.forEach(([id, texts]) => {
        const control = named(id)[0];
        if (!control || control.disabled || control.type === "hidden") return;
        if (picked(control)) named(id).forEach(each => {
            const wanted = texts.indexOf(each.value) >= 0;
            const seen = !each.disabled && !each.closest("label").hidden;
            if (seen && each.checked !== wanted && (wanted || each.type === "checkbox"))
                each.click();
        });
        else if (texts.length) {
            control.value = texts[0];
            control.dispatchEvent(new Event("input", {bubbles: true}));
        }
    });
    const state = {};
    document.querySelectorAll("section [name]").forEach(({name}) => {
        const box = document.getElementById(name + "-Q"), all = named(name);
        const on = all.filter(control => !picked(control) || control.checked);
        state[name] = [box ? !box.hidden : null, on.map(control => control.value)];
    });
    return state;
}"""
"""Taps and types where a person could; what is then shown and held, by field."""

GO_ON = """() => {
    document.getElementById("Next").click();
    const wrong = Array.from(document.querySelectorAll("b[id$=-E]:not(:empty)"));
    const shown = Array.from(document.querySelectorAll("section"), step => !step.hidden);
    return [wrong.map(each => each.id.slice(0, -2)), shown.indexOf(true), window.sent];
}"""


@st.composite
def taps(draw: st.DrawFn, contract: Contract) -> list[tuple[str, list[str]]]:
    """What somebody puts in, field by field, and some of it a second time in another order."""
    values = {
        "code": st.sampled_from([*CODES, "yes", "no", "other"]),
        "codes": st.sampled_from([*CODES, "other"]),
        "scale": st.sampled_from([*map(str, range(11)), "na"]),
        "date": st.sampled_from([day for day in DAYS if day not in ("2026-02-30", "1999-13-01")]),
        "true": st.just("true"),
        "number": st.sampled_from(["0", "1", "2.5", "1.15", *NUMERIC]),
        "phone": st.sampled_from(NUMERIC),
        "email": st.sampled_from(["a@b.cn", "a@b", "名@b.cn"]),
    }
    text = st.sampled_from(["a", "ab", "abc", *(each for each in STRANGE if each != "\ud800")])
    asked = [field for field in contract.fields if field.rule]
    again = draw(st.lists(st.sampled_from(asked), max_size=4)) if asked else []
    return [
        (field.id, draw(st.lists(values.get(field.kind, text), min_size=least, max_size=3)))
        for least, fields in ((1, asked), (0, again))
        for field in fields
        if least == 0 or draw(st.integers(0, 4))
    ]


def same(page: Page, data: st.DataObject) -> bool:
    """Whether a random survey could be sent; what the page does is compared on the way."""
    contract = data.draw(surveys())
    assume(r"\ud800" not in repr(contract))  # no file can hold half a character
    put_in = data.draw(taps(contract))
    html = pages(contract, Site())[f"{contract.id}/index.html"]

    def reply(route: Route) -> None:
        route.fulfill(body=html, content_type="text/html")

    page.unroute_all()
    page.route(PLACE, reply)
    page.goto(PLACE)
    state: dict[str, tuple[bool | None, list[str]]] = page.evaluate(USE, put_in)
    fields = [field for field in contract.fields if field.rule]
    raw = {field.id: coerce(field.rule or [], state[field.id][1]) for field in fields}
    result = read(contract.fields, raw)
    shown = {name for name, (seen, _) in state.items() if seen}
    boxes = {name for name, (seen, _) in state.items() if seen is not None}
    assert shown == set(result.shown) & boxes

    home = {
        field.id: number
        for number, section in enumerate(contract.sections)
        for question in section.questions
        for field in question.fields()
        if field.id in boxes or not field.rule
    }
    steps = sorted({home[name] for name in result.shown if name in home})
    problems = [problem.question for problem in result.problems]
    for number in steps:
        last = number == steps[-1]
        wrong, at, sent = page.evaluate(GO_ON)
        expected = [name for name in problems if last or home.get(name) == number]
        assert set(wrong) == set(expected) & boxes
        if expected:
            assert sent == []
            return False
        if not last:
            assert at == steps[steps.index(number) + 1]
    if steps:
        assert exact(sent[0]["answers"]) == exact(json.loads(json.dumps(result.answers)))
        assert (len(sent), sent[0]["version"]) == (1, contract.version)
    return True


CALM = settings(
    deadline=None,
    database=None,
    phases=[Phase.generate],  # to shrink a survey, each try is a page
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("count", [30, pytest.param(300, marks=pytest.mark.long)])
def test_page_shows_and_sends_what_the_server_says(phone: Callable[..., Page], count: int) -> None:
    page = phone(before=BEFORE)
    reached: set[bool] = set()

    @given(data=st.data())
    @settings(CALM, max_examples=count)
    def use(data: st.DataObject) -> None:
        reached.add(same(page, data))

    use()
    assert reached == {True, False}  # some were sent, some had problems
