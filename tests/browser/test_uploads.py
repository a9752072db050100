"""Files on the real page against the real server: chosen, sent, refused, removed, waited for."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, Route, expect

from chalicelib import keys, links
from chalicelib.links import Link
from chalicelib.published import publish
from chalicelib.running import now
from chalicelib.storage import FolderStore
from chalicelib.survey import Contract, Response, Section
from chalicelib.survey.questions import Score, Upload
from generator.data import settings
from generator.render import pages
from generator.serving import Page as Served
from generator.serving import make_server
from generator.site import Site

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 3000
PDF = b"%PDF-1.7\n" + b"\0" * 700_000
SENT = {"name": "invoice.pdf", "mimeType": "application/pdf", "buffer": PDF}
PHOTO = {"name": "door.png", "mimeType": "image/png", "buffer": PNG}
Open = Callable[..., Page]

SURVEY = Contract(
    id="files",
    title={"en": "Files"},
    intro={"en": "Served by {agent|us}", "zh-CN": "{agent|我们}为您服务"},
    languages=["en", "zh-CN"],
    timezone="UTC",
    attributes=["agent"],
    sections=[
        Section(
            "all",
            [
                Score(id="overall", text={"en": "Overall", "zh-CN": "总体"}),
                Upload(
                    id="photo",
                    text={"en": "Photos", "zh-CN": "照片"},
                    accept=["image/png", "application/pdf"],
                    largest=1,
                    most=2,
                    required=True,
                ),
            ],
        )
    ],
)


class Live(NamedTuple):
    url: str
    store: FolderStore

    def landed(self) -> list[Response]:
        found = self.store.list(keys.LANDING)
        return [Response.from_json(self.store.get(entry.key).data) for entry in found]

    def close(self) -> None:
        stored = self.store.get(keys.current(SURVEY.id))
        closed = json.loads(stored.data) | {"closed_at": now() - 1}
        self.store.replace(keys.current(SURVEY.id), json.dumps(closed).encode(), stored.tag)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    store = FolderStore(tmp_path / "data")
    publish(store, SURVEY, now())
    served = {
        "/" + path.removesuffix("index.html"): Served(data)
        for path, data in pages(SURVEY, Site()).items()
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECHOFORM_DATA", "")  # the server sets them; this sets them back
        patch.setenv("ECHOFORM_KEY", "")
        server = make_server(settings(str(store.root)), served.get, "127.0.0.1", 0)
        thread = threading.Thread(target=server.server.serve_forever)
        thread.start()
        yield Live(f"http://127.0.0.1:{server.server.server_address[1]}/files/", store)
        server.server.shutdown()
        server.server.server_close()
        thread.join()


def test_files_go_to_storage_and_their_tokens_into_the_answer(phone: Open, live: Live) -> None:
    page = phone()
    page.goto(live.url)
    page.set_input_files("#photo-F", [SENT, PHOTO])
    expect(page.locator("#photo-U i")).to_have_text(["Uploaded", "Uploaded"])
    expect(page.locator("#photo-F")).to_be_hidden()
    page.click("#Next")
    expect(page.locator("#Panel h2")).to_have_text("Sent")
    [response] = live.landed()
    tokens = response.answers["photo"]
    assert isinstance(tokens, list)
    stored = [live.store.get(keys.upload("files", token, "photo")).data for token in tokens]
    assert sorted(stored) == sorted([PDF, PNG])


def test_what_is_wrong_with_a_file_is_said_and_it_can_be_removed(phone: Open, live: Live) -> None:
    page = phone()
    page.goto(live.url)
    page.set_input_files("#photo-F", {**PHOTO, "buffer": PNG * 400})
    expect(page.locator("#photo-U .bad i")).to_have_text("A file may have at most 1 MB")
    expect(page.locator("#Live")).to_have_text("door.png: A file may have at most 1 MB")
    page.click("text=Remove")
    expect(page.locator("#photo-F")).to_be_focused()
    page.set_input_files("#photo-F", {"name": "a.html", "mimeType": "text/html", "buffer": b"<p>"})
    expect(page.locator("#photo-U .bad i")).to_have_text(
        "Upload a file of one of these kinds: PNG, PDF"
    )
    page.click("#Next")
    expect(page.locator("#Problems a")).to_have_text(
        ["Photos — a.html: Upload a file of one of these kinds: PNG, PDF"]
    )
    page.click("#Problems a")
    expect(page.locator("#photo-F")).to_be_focused()
    page.click("text=Remove")
    page.set_input_files("#photo-F", {**PHOTO, "buffer": b"<script>alert(1)</script>"})
    expect(page.locator("#photo-U .bad i")).to_have_text(
        "Upload a file of one of these kinds: PNG, PDF"
    )
    assert not list(live.store.list(keys.UPLOADS))


def test_sending_waits_for_a_file_and_a_dead_network_for_another_try(
    phone: Open, live: Live
) -> None:
    page = phone()
    held: list[Route] = []
    page.route("**/uploads/files/*/*/photo?*", lambda route: held.append(route))
    page.goto(live.url)
    page.set_input_files("#photo-F", PHOTO)
    expect(page.locator("#photo-U progress")).to_be_visible()
    page.click("#Next")
    expect(page.locator("#Next")).to_have_text("Waiting for your files…")
    page.wait_for_timeout(100)
    held.pop().abort()
    expect(page.locator("#photo-U .bad i")).to_contain_text("could not be sent")
    expect(page.locator("#Summary")).to_be_visible()
    page.unroute("**/uploads/files/*/*/photo?*")
    page.click("#photo-U button >> nth=0")
    expect(page.locator("#photo-U i")).to_have_text("Uploaded")
    page.click("#Next")
    expect(page.locator("#Panel h2")).to_have_text("Sent")
    assert len(live.landed()) == 1


def test_a_draft_keeps_what_was_uploaded_and_no_name(phone: Open, live: Live) -> None:
    page = phone()
    page.goto(live.url)
    page.set_input_files("#photo-F", [SENT, PHOTO])
    expect(page.locator("#photo-U i")).to_have_text(["Uploaded", "Uploaded"])
    tokens = page.input_value("[name=photo]").split()
    assert "invoice" not in page.evaluate("JSON.stringify(localStorage)")
    page.reload()
    expect(page.locator("#photo-U span")).to_have_text(["File 1", "File 2"])
    page.click("text=Remove >> nth=0")
    page.click("#Next")
    expect(page.locator("#Panel h2")).to_have_text("Sent")
    [response] = live.landed()
    assert response.answers["photo"] == tokens[1:]


def test_by_keyboard_alone(phone: Open, live: Live) -> None:
    page = phone()
    # Asked for before the page is, so that no key overtakes it on its way to the browser.
    page.once("filechooser", lambda chooser: chooser.set_files([PHOTO]))
    page.goto(live.url)
    page.focus("#photo-F")
    page.keyboard.press("Space")
    expect(page.locator("#photo-U i")).to_have_text("Uploaded")
    page.keyboard.press("Shift+Tab")
    expect(page.locator("#photo-U button:not([hidden])")).to_be_focused()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Remove: door.png"
    page.keyboard.press("Enter")
    expect(page.locator("#photo-U li")).to_have_count(0)


def test_without_script_the_form_still_sends(phone: Open, live: Live) -> None:
    page = phone(script=False)
    page.goto(live.url)
    expect(page.locator("text=Sending a file needs JavaScript")).to_be_visible()
    expect(page.locator("#photo-F")).to_be_hidden()
    page.check("[name=overall][value='9']", force=True)
    page.click("#Next")
    assert page.url.startswith(f"{live.url}thanks/#")
    assert [response.answers for response in live.landed()] == [{"overall": 9}]


# The link a page was opened with


def test_a_link_that_takes_no_answer_says_so_before_anybody_types(phone: Open, live: Live) -> None:
    links.add(live.store, {"GONE2345": Link("files", expires_at=1)})
    page = phone()
    page.goto(f"{live.url}?GONE2345")
    expect(page.locator("#Panel h2")).to_have_text("This link has expired")
    expect(page.locator("#Form")).to_be_hidden()


def test_a_closed_survey_says_so_whatever_the_link(phone: Open, live: Live) -> None:
    live.close()
    page = phone()
    page.goto(f"{live.url}?GONE2346")
    expect(page.locator("#Panel h2")).to_have_text("This survey has closed")


def test_the_code_leaves_the_address_and_stays_with_the_page(phone: Open, live: Live) -> None:
    links.add(live.store, {"MINE2345": Link("files", personal=True, attributes={"agent": "A07"})})
    page = phone()
    page.goto(f"{live.url}?MINE2345&from=singlemessage")
    page.wait_for_url(f"{live.url}?from=singlemessage")
    page.reload()
    assert page.url == f"{live.url}?from=singlemessage"
    page.click("a[lang=zh-CN]")
    page.wait_for_url(f"{live.url}zh-CN/?from=singlemessage")
    page.set_input_files("#photo-F", PHOTO)
    expect(page.locator("#photo-U i")).to_have_text("已上传")
    page.click("#Next")
    expect(page.locator("#Panel h2")).to_have_text("提交成功")
    [response] = live.landed()
    assert response.attributes == {"agent": "A07"}
    page.goto("about:blank")
    page.goto(f"{live.url}?MINE2345")
    expect(page.locator("#Panel h2")).to_have_text("You have already answered. Thank you!")


def test_a_link_greets_by_what_it_knows_wherever_it_was_scanned(phone: Open, live: Live) -> None:
    """Also by the short address of a QR code; and the code is in the address no more."""
    links.add(live.store, {"MINE2345": Link("files", personal=True, attributes={"agent": "<A07>"})})
    page = phone()
    page.goto(live.url)
    expect(page.locator("section p").first).to_have_text("Served by us")
    page.goto(live.url.replace("/files/", "/S/FILES/MINE2345"))
    expect(page.locator("section p").first).to_have_text("Served by <A07>")
    page.wait_for_url(live.url)
    page.click("a[lang=zh-CN]")
    expect(page.locator("section p").first).to_have_text("<A07>为您服务")


def test_a_link_nobody_answers_about_stops_nobody(phone: Open, live: Live) -> None:
    page = phone()
    page.route("**/api/links", lambda route: route.abort())
    page.goto(f"{live.url}?MINE2345")
    page.wait_for_url(live.url)
    expect(page.locator("#Form")).to_be_visible()
