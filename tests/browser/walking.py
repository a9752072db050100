"""Walks through any survey as it is built, by what stands on the page and what the contract says.

A walk gives every question in sight an answer, and what then appears too, goes on, and ends where
the survey does. ``look`` is called with a name for each state on the way: that is where tests
measure and screenshots are taken.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any, Literal

from playwright.sync_api import Page, expect

from chalicelib.survey import Contract, Field

Mood = Literal["unhappy", "happy"]
Look = Callable[[str], None]

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")


def nothing(state: str) -> None:
    """Look at nothing on the way."""


def answer_for(contract: Contract, field: Field, mood: Mood) -> list[str]:
    """What somebody in that mood puts into a field's controls, as texts that keep its rule.

    The unhappy one rates lowest, has not been helped and wants to be called, so that nearly
    everything is asked.
    """
    kind, *facts = field.rule or [""]
    low = mood == "unhappy"
    if kind == "code":
        codes = facts[0]
        unsolved = any(q.id == field.id and getattr(q, "role", None) for q in contract.questions)
        return [codes[-1] if codes == ["yes", "no"] and low == unsolved else codes[0]]
    if kind == "codes":
        codes, least, most = facts
        return list(codes[-most:] if low else codes[: max(least, 1)])
    if kind == "order":
        codes, _, most = facts
        return list(codes[::-1] if low else codes)[:most]
    if kind in ("scale", "number"):
        return [f"{facts[0] if low else facts[1]:g}"]
    return {
        "date": ["2026-05-17"],
        "text": ["等了很久，没有人来。"],
        "phone": ["13800138000"],
        "email": ["name@example.com"],
        "true": ["true"],
    }.get(kind, [])


_IN_SIGHT = """() => Array.from(document.querySelectorAll("section [name]"))
  .filter(control => !control.disabled && !control.readOnly && control.type !== "hidden"
    && (control.closest(".r") ? control.closest(".q") : control.closest("label") || control)
      .getClientRects().length)
  .map(control => control.name)"""


def in_sight(page: Page) -> list[str]:
    """The fields whose controls can be seen and used, in their order; a ranking's taps are its
    controls, and a file is chosen by hand."""
    names: list[str] = page.evaluate(_IN_SIGHT)
    return list(dict.fromkeys(names))


def give(page: Page, name: str, texts: list[str]) -> None:
    """Put an answer into a field's controls."""
    controls = page.locator(f"[name='{name}']")
    kind = controls.first.evaluate("control => control.type")
    for place, text in enumerate(texts):
        if kind in ("radio", "checkbox"):
            choice = page.locator(f"[name='{name}'][value='{text}']")
            if choice.is_enabled() and choice.evaluate("e => e.closest('label').offsetHeight"):
                choice.check(force=True)
        elif kind == "select-one":
            tap = page.locator(f"#{name}-{text} > button:first-child")
            if tap.count():
                tap.click()
            else:
                controls.nth(place).select_option(text)
        else:
            controls.fill(text)


def answer_all(
    page: Page, contract: Contract, mood: Mood, given: dict[str, Any] | None = None
) -> set[str]:
    """Answer all in sight, and what appears by it; which fields that were."""
    fields = {field.id: field for field in contract.fields}
    done: set[str] = set()
    while left := [name for name in in_sight(page) if name in fields and name not in done]:
        name = left[0]
        give(page, name, (given or {}).get(name) or answer_for(contract, fields[name], mood))
        done.add(name)
    return done


def is_last(page: Page) -> bool:
    return page.inner_text("#Next") in ("提交", "Submit")


def walk(page: Page, contract: Contract, mood: Mood = "unhappy", look: Look = nothing) -> set[str]:
    """From the first step to where the answers are sent off; which fields were answered."""
    done: set[str] = set()
    for step in range(1, len(contract.sections) + 1):
        look(f"step {step}")
        if page.locator("section:not([hidden]) [required]:enabled").count():
            page.click("#Next")
            look(f"step {step} with problems")
        done |= answer_all(page, contract, mood)
        look(f"step {step} answered")
        last = is_last(page)
        page.click("#Next")
        if last:
            break
    return done


def sent(page: Page) -> None:
    expect(page.locator("#Panel.sent")).to_be_visible()


def too_wide(page: Page) -> list[str]:
    """What makes the page scroll sideways, or is cut off."""
    found: list[str] = page.evaluate(
        """() => {
            const wide = document.documentElement.clientWidth, found = [];
            if (document.documentElement.scrollWidth > wide) found.push("page");
            document.querySelectorAll("main *:not(.v)").forEach(element => {
                const box = element.getBoundingClientRect();
                if (box.width && (box.right > wide + 1 || box.left < -1))
                    found.push(element.outerHTML.slice(0, 90));
            });
            return found;
        }"""
    )
    return found


def too_small(page: Page) -> list[str]:
    """What is to be tapped on and is less than 44 px high or, on a scale, wide."""
    found: list[str] = page.evaluate(
        """() => Array.from(document.querySelectorAll(".s label, .o, .n, select, button, textarea"))
            .map(element => [element, element.getBoundingClientRect()])
            .filter(([element, box]) => box.width && (box.height < 43.9 || box.width < 43.9))
            .map(([element, box]) => `${box.width}x${box.height} ` + element.outerHTML.slice(0, 90))
        """
    )
    return found


def inaccessible(page: Page) -> list[str]:
    """What axe-core finds wrong by WCAG 2.2 AA and good practice."""
    page.evaluate(AXE + ";0")
    found: list[str] = page.evaluate(
        """() => axe.run({resultTypes: ["violations"]}).then(result => result.violations.map(
            wrong => wrong.id + ": " + wrong.help + ": " + wrong.nodes.map(
                node => node.target + " " + node.any.map(check => check.message)).join("; ")))"""
    )
    return found
