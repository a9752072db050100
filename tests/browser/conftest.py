"""A real browser (``tests.chromium`` finds it), and whatever its console complains of."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.chromium import find

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
sync_api.expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def chromium() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as playwright:
        executable = find()
        if executable is None:
            pytest.skip("needs Chromium: set CHROMIUM, or run `python -m tests`, which installs it")
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
