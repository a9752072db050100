"""The real page against the server: random surveys, random taps and words (DESIGN.md, idea 3).

``tests/survey/test_twins.py`` holds the page's arithmetic against the kernel's; here the page as
it is built is used by somebody, and what it shows, complains of and sends is what the kernel says.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Page, Route

from chalicelib.survey import AnyQuestion, Choice, Contract, Field, Section, read
from chalicelib.survey.questions import Dropdown, Multiple, Ranking, Rating, ShortText, Single
from chalicelib.survey.rules import coerce
from generator.render import pages
from generator.site import Site
from tests.survey.test_twins import CODES, DAYS, NUMERIC, STRANGE, TEXT, exact, surveys

PLACE = "http://survey.test/"
BEFORE = """localStorage.clear();
history.replaceState(null, "");
window.sent = [];
XMLHttpRequest.prototype.send = body => { sent.push(JSON.parse(body)); };"""
"""No draft or step of the survey before, and what would be sent."""

USE = """taps => {
    const named = id => Array.from(document.getElementsByName(id));
    const picked = control => /radio|checkbox/.test(control.type);
    taps.forEach(([id, texts]) => {
        const control = named(id)[0];
        if (!control || control.disabled || control.readOnly || control.type === "hidden") return;
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
        const all = named(name), box = all[0].closest(".q");
        const on = all.filter(control => !picked(control) || control.checked);
        state[name] = [box ? !box.hidden : null, on.map(control => control.value)];
    });
    return state;
}"""
"""Taps and types where a person could; what is then shown and held, by field."""

GO_ON = """() => {
    document.getElementById("Next").click();
    const wrong = Array.from(document.querySelectorAll("section .q [name]"))
        .filter(control => control.closest(".q").querySelector("b").textContent);
    const shown = Array.from(document.querySelectorAll("section"), step => !step.hidden);
    return [wrong.map(control => control.name), shown.indexOf(true), window.sent];
}"""


@st.composite
def taps(draw: st.DrawFn, contract: Contract) -> list[tuple[str, list[str]]]:
    """What somebody puts in, field by field, and some of it a second time in another order."""
    values = {
        "code": st.sampled_from([*CODES, "yes", "no", "other"]),
        "codes": st.sampled_from([*CODES, "other"]),
        "order": st.sampled_from(CODES),
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


def _points(field: Field) -> list[Any]:
    """What an answer to a field of few answers can be, or have in it."""
    kind, *limits = field.rule or [""]
    return list(limits[0]) if kind != "scale" else list(range(limits[0], limits[1] + 1))


@st.composite
def _about(draw: st.DrawFn, asked: list[Field]) -> list[Any]:
    """A condition that an answer is likely to meet, or just to miss."""
    field = draw(st.sampled_from(asked))
    point = draw(st.sampled_from(_points(field)))
    several = ["has", "!has"] if field.kind == "codes" else None
    ordered = ["==", "!=", "<", "<=", ">", ">="] if field.kind == "scale" else ["==", "!="]
    return [draw(st.sampled_from(several or ordered)), field.id, point]


@st.composite
def tangles(draw: st.DrawFn) -> Contract:
    """Few answers, and all that follows depends on just those."""
    first: list[AnyQuestion] = [
        Single(id="one", text=TEXT, choices=[Choice(code, TEXT) for code in CODES[:2]]),
        Multiple(id="some", text=TEXT, choices=[Choice(code, TEXT) for code in CODES[:3]]),
        Rating(id="rate", text=TEXT, scale=3),
    ]
    asked = [field for question in first for field in question.fields()]
    then: list[AnyQuestion] = []
    for number in range(6):
        show_if = draw(st.none() | _about(asked)) if number % 2 else draw(_about(asked))
        base: dict[str, Any] = {"id": f"q{number}", "text": TEXT, "show_if": show_if}
        offered = [Choice(code, TEXT, draw(_about(asked))) for code in CODES[:2]]
        offered.append(Choice("c", TEXT))
        kind = draw(st.sampled_from([Single, Dropdown, Multiple, Ranking, Rating, ShortText]))
        then.append(
            kind(**base, choices=offered) if kind not in (Rating, ShortText) else kind(**base)
        )
        asked += then[-1].fields() if kind in (Single, Multiple, Rating) else ()
    sections = [Section("s", [*first, *then])]
    return Contract(id="random", title=TEXT, languages=["en"], timezone="UTC", sections=sections)


@st.composite
def turns(draw: st.DrawFn, contract: Contract) -> list[tuple[str, list[str]]]:
    """Every question answered, and then the first ones in another way."""
    some = {
        field.id: st.lists(
            st.sampled_from([*map(str, _points(field))] if field.kind != "text" else ["ab"]),
            min_size=1,
            max_size=2 if field.kind == "codes" else 1,
            unique=True,
        )
        for field in contract.fields
    }
    return [(name, draw(some[name])) for name in (*some, *list(some)[:3])]


def same(page: Page, data: st.DataObject, *, tangled: bool) -> bool:
    """Whether a random survey could be sent; what the page does is compared on the way."""
    contract = data.draw(tangles() if tangled else surveys())
    assume(r"\ud800" not in repr(contract))  # no file can hold half a character
    put_in = data.draw(turns(contract) if tangled else taps(contract))
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
    assert "choice" not in {problem.code for problem in result.problems}, "chosen, not offered"
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
@pytest.mark.parametrize("tangled", [False, True], ids=["of every kind", "tangled"])
def test_page_shows_and_sends_what_the_server_says(
    phone: Callable[..., Page], count: int, tangled: bool
) -> None:
    page = phone(before=BEFORE)
    reached: set[bool] = set()

    @given(data=st.data())
    @settings(CALM, max_examples=count)
    def use(data: st.DataObject) -> None:
        reached.add(same(page, data, tangled=tangled))

    use()
    assert True in reached  # some were sent
    assert tangled or False in reached  # some had problems
