"""Pictures of every state of the page, for a person to look through.

    python -m tests.screenshots [--out screenshots] [SURVEY…]

Each step as it is found, with its problems and answered, what waits, was sent or was refused, the
thanks page and the page without script: in both languages, at three widths, and in the dark.
``index.html`` beside them shows all.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from chalicelib.survey import Contract
from generator.definition import compile_file
from generator.places import SURVEYS
from generator.site import load_site
from tests.browser.stub import Answer, Stub, serve
from tests.browser.walking import Look, answer_all, sent, walk
from tests.chromium import find
from tests.surveys import kitchen_sink

FLAGS = ["--no-sandbox", "--disable-gpu"]
PATIENT = """const soon = setTimeout;
window.setTimeout = (run, ms) => soon(run, ms > 400 ? 1e6 : ms);"""
VIEWS = [
    *((width, "light", "") for width in (320, 390, 1280)),
    (390, "dark", ""),
    (390, "light", "en/"),
    (320, "dark", "en/"),
]
"""Width, colour scheme and language's place."""


def surveys() -> dict[str, Contract]:
    paths = sorted(path for path in SURVEYS.glob("*.yaml") if path.name != "site.yaml")
    shipped = [compile_file(path).contract for path in paths]
    return {each.id: each for each in (kitchen_sink(), *shipped) if each}


def shoot(browser: Browser, stub: Stub, contract: Contract, out: Path) -> list[Path]:
    """All pictures of a survey."""
    made: list[Path] = []
    for width, scheme, place in VIEWS:
        with view(browser, width, scheme) as page, view(browser, width, scheme, False) as plain:
            name = f"{contract.id}-{place.strip('/') or contract.languages[0]}-{width}-{scheme}"
            look = camera(page, out / name, made)
            states(page, stub, contract, f"{stub.url}/{contract.id}/{place}", look)
            plain.goto(f"{stub.url}/{contract.id}/{place}")
            camera(plain, out / name, made)("without script")
    return made


@contextmanager
def view(browser: Browser, width: int, scheme: str, script: bool = True) -> Iterator[Page]:
    context = browser.new_context(
        java_script_enabled=script,
        viewport={"width": width, "height": 844},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    )
    if script:
        context.add_init_script(PATIENT)
    yield context.new_page()
    context.close()


def camera(page: Page, name: Path, made: list[Path]) -> Look:
    def look(state: str) -> None:
        path = name.with_name(f"{name.name}-{len(made):03}-{state.replace(' ', '-')}.png")
        page.screenshot(path=path, full_page=True)
        made.append(path)
        # The picture of the whole page leaves another scroll position behind, and a tap that blurs
        # a control would then be aimed where nothing is any more.
        page.evaluate("document.activeElement.blur()")

    return look


def open_again(page: Page, url: str) -> None:
    """As a page of its own: a reload would show again what the last one ended with."""
    page.goto("about:blank")
    page.goto(url)


def states(page: Page, stub: Stub, contract: Contract, url: str, look: Look) -> None:
    """Through a survey three times: sent at the second try, refused, and left half way."""
    stub.answers = [Answer(503, "unavailable")]
    page.goto(url)
    walk(page, contract, look=look)
    page.wait_for_selector("#Panel.wait")
    look("waiting")
    page.click("#Retry")
    sent(page)
    look("sent")
    open_again(page, url)
    stub.answers = [Answer(409, "already_answered", "您已经回答过 / You have answered already")]
    walk(page, contract, "happy")
    page.wait_for_selector("#Panel:not([hidden])")
    look("ended")
    open_again(page, url)
    answer_all(page, contract, "happy")
    page.reload()
    look("restored")
    page.goto(f"{url}thanks/")
    look("thanks")


def index(pictures: list[Path]) -> str:
    shown = "".join(
        f"<figure><a href='{escape(path.name)}'><img loading=lazy src='{escape(path.name)}'></a>"
        f"<figcaption>{escape(path.stem)}</figcaption></figure>"
        for path in pictures
    )
    style = (
        "body{font:14px system-ui;background:#ccc}figure{display:inline-block;margin:8px;"
        "vertical-align:top}img{max-width:390px;max-height:1200px;border:1px solid #888}"
    )
    return f"<!doctype html><meta charset=utf-8><title>States</title><style>{style}</style>{shown}"


def main(out: Path, names: list[str]) -> None:
    executable = find()
    if executable is None:
        raise SystemExit("needs Chromium: set CHROMIUM")
    every = surveys()
    unknown = [name for name in names if name not in every]
    if unknown:
        raise SystemExit(f"no survey {unknown[0]!r}; there are: {', '.join(every)}")
    out.mkdir(parents=True, exist_ok=True)
    contracts = [every[name] for name in names or ["kitchen-sink", "after-sales"]]
    site = load_site(SURVEYS / "site.yaml")
    with serve(*contracts, site=site) as stub, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        made = [path for each in contracts for path in shoot(browser, stub, each, out)]
        browser.close()
    (out / "index.html").write_text(index(made), "utf-8")
    print(f"{len(made)} pictures: {out / 'index.html'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("screenshots"))
    parser.add_argument("surveys", nargs="*", metavar="SURVEY", help="all that are named, else two")
    given = parser.parse_args()
    main(given.out, given.surveys)
