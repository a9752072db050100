"""The whole way: a file is built, a real Chromium answers it, and the same lands either way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from msgspec.structs import replace
from playwright.sync_api import Page

from chalicelib import keys, links
from chalicelib.jobs.merge import merge
from chalicelib.links import Link
from chalicelib.running import now
from chalicelib.storage import FolderStore
from chalicelib.survey import Contract, Response
from generator.__main__ import main
from generator.building import gather, lay_shells
from generator.data import publish_all, settings
from generator.places import SURVEYS
from generator.query import ask, open_views
from generator.serving import Page as Served
from generator.serving import make_server
from tests.browser.test_page import fill, sent, steps

EXAMPLE = Path(__file__).parents[3] / "shared" / "examples" / "after-sales.yaml"
SHIPPED = SURVEYS / "after-sales.yaml"
Open = Callable[..., Page]


class Live(NamedTuple):
    """A built site, served beside the app over a folder."""

    url: str
    contract: Contract
    store: FolderStore

    def landed(self) -> list[Response]:
        found = self.store.list(keys.LANDING)
        return [Response.from_json(self.store.get(entry.key).data) for entry in found]


@pytest.fixture(params=[SHIPPED, EXAMPLE], ids=["shipped", "example"])
def live(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Live]:
    if not request.param.is_file():
        pytest.skip("the example is not beside this checkout")
    dist = tmp_path / "dist"
    built = CliRunner().invoke(main, ["build", str(request.param), "--to", str(dist)])
    assert built.exit_code == 0, built.output
    gathered = gather([request.param])
    [contract] = gathered.contracts
    store = FolderStore(tmp_path / "data")
    publish_all(store, [contract], now())
    lay_shells(store, [contract], gathered.site)
    headers = json.loads((dist / "headers.json").read_bytes())

    def file(path: str) -> Served | None:
        """As any static host would serve ``dist``."""
        found = dist / path.lstrip("/") / "index.html"
        if path == "/404.html":
            found = dist / "404.html"
        sent = headers.get(path, {})
        return Served(found.read_bytes(), headers=sent) if found.is_file() else None

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECHOFORM_DATA", "")  # the server sets them; this sets them back
        patch.setenv("ECHOFORM_KEY", "")
        server = make_server(settings(str(store.root)), file, "127.0.0.1", 0)
        thread = threading.Thread(target=server.server.serve_forever)
        thread.start()
        yield Live(f"http://127.0.0.1:{server.server.server_address[1]}", contract, store)
        server.server.shutdown()
        server.server.server_close()
        thread.join()


def everything(contract: Contract) -> dict[str, Any]:
    """An unhappy customer's answers to all that such a customer is asked, as a form has them."""
    answers: dict[str, Any] = {}
    for field in contract.fields:
        rule = field.rule or [""]
        answers[field.id] = {
            "code": lambda rule: "no" if rule[1] == ["yes", "no"] else rule[1][0],
            "codes": lambda rule: rule[1][:2],
            "scale": lambda rule: "1",
            "text": lambda rule: "等了很久\n没有人来" if rule[2] > 500 else "安装",
            "phone": lambda rule: "13800138000",
        }[rule[0]](rule)
    wants_call = next(name for name in answers if name.startswith("call"))
    answers[wants_call] = "yes"
    return {name: given for name, given in answers.items() if not name.endswith("_other")}


def test_with_and_without_script_the_same_lands(phone: Open, live: Live) -> None:
    links.add(live.store, {"SHOP012": Link(live.contract.id, attributes={"store": "012"})})
    answers = everything(live.contract)
    page = f"{live.url}/{live.contract.id}/?SHOP012&from=singlemessage"

    scripted = phone()
    scripted.goto(page)
    steps(scripted, answers)
    sent(scripted)
    plain = phone(script=False)
    plain.goto(page)
    fill(plain, answers)
    plain.click("#Next")
    place, _, receipt = plain.url.partition("#")
    assert place == f"{live.url}/{live.contract.id}/thanks/"
    assert receipt in [response.id for response in live.landed()]

    first, second = live.landed()
    timing = {"id": second.id, "received_at": second.received_at, "duration": second.duration}
    timing["scripted"] = second.scripted
    assert replace(first, **timing) == second
    assert first.attributes == {"store": "012"}
    assert set(first.answers) == set(answers)

    merged = merge(live.store, b"key", now())
    assert (merged.merged, merged.rejected) == (2, 0)
    with open_views(live.store) as views:
        name = live.contract.id.replace("-", "_")
        assert ask(views, f"select count(*), count(distinct overall) from {name}").rows == [(2, 1)]
        assert ask(views, f"select phone from contacts_{name}").rows == [("13800138000",)] * 2


def test_without_script_conditions_are_words_and_a_form_is_mended(phone: Open, live: Live) -> None:
    answers = everything(live.contract)
    links.add(live.store, {"SHOP012": Link(live.contract.id, attributes={"store": "012"})})
    plain = phone(script=False)
    plain.goto(f"{live.url}/{live.contract.id}/?SHOP012")
    labels = plain.locator("small.if")
    assert any("为 2 分或以下" in said for said in labels.all_inner_texts())
    assert labels.first.is_visible()
    width = plain.evaluate("document.documentElement.scrollWidth")
    assert width == 390, "the longest condition still fits the phone"
    sizes = "all => all.map(each => parseFloat(getComputedStyle(each).fontSize))"
    controls = plain.locator("input, select, textarea")
    assert min(controls.evaluate_all(sizes)) >= 16, "iOS zooms in on smaller ones"

    fill(plain, answers | {"phone": "12"})
    plain.click("#Next")
    assert plain.title().startswith("错误：")
    assert plain.locator("[name=phone]").input_value() == "12"
    assert plain.locator("input:visible, textarea:visible").count() == 1, "only what is wrong"
    plain.click(".x a")
    assert plain.url.endswith("#phone-Q")
    plain.fill("[name=phone]", "13800138000")
    plain.click("#Next")
    assert "/thanks/#" in plain.url
    [landed] = live.landed()
    assert set(landed.answers) == set(answers)
    assert landed.attributes == {"store": "012"}

    scripted = phone()
    scripted.goto(f"{live.url}/{live.contract.id}/")
    assert not any(label.is_visible() for label in scripted.locator("small.if").all())


def test_a_page_that_is_not_there_is_told_kindly(phone: Open, live: Live) -> None:
    page = phone()
    reply = page.goto(f"{live.url}/nothing/")
    assert reply is not None
    assert reply.status == 404
    assert page.locator("h1").inner_text() == "没有找到这个页面"
    assert page.locator("[lang=en] h2").inner_text() == "This page does not exist"
