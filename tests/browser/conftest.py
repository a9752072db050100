"""A real browser: the one named by CHROMIUM, Playwright's own, or one on the path."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
sync_api.expect.set_options(timeout=15_000)
NAMES = ("chromium", "chromium-browser", "google-chrome")


def _executable(own: str) -> str | None:
    places = [os.environ.get("CHROMIUM"), own, *map(shutil.which, NAMES)]
    return next((place for place in places if place and Path(place).is_file()), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        executable = _executable(playwright.chromium.executable_path)
        if executable is None:
            pytest.skip("needs Chromium: set CHROMIUM, or run `playwright install chromium`")
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def phone(chromium: sync_api.Browser) -> Iterator[Callable[..., sync_api.Page]]:
    """Opens a page on a phone. Whatever a console complains of fails the test, save networks."""
    complaints: list[str] = []
    contexts: list[sync_api.BrowserContext] = []

    def complain(message: sync_api.ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    def open_page(script: bool = True, width: int = 390, before: str = "") -> sync_api.Page:
        context = chromium.new_context(
            java_script_enabled=script, viewport={"width": width, "height": 844}
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        if before:
            context.add_init_script(before)
        page = context.new_page()
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
