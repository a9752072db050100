"""Personal links over HTTP: one answer each, no guessing, and no code on disk or in a log."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from chalicelib import keys, links
from chalicelib.links import PERSONAL, Link
from chalicelib.published import publish
from chalicelib.running import now, run_job
from chalicelib.settings import Settings
from chalicelib.storage import FolderStore
from chalicelib.survey import ids
from generator.serving import Page, make_server
from generator.throttle import BURST
from tests.surveys import HAPPY, after_sales

SURVEY = after_sales()


class Site:
    """A server with one survey, its store and its log."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(str(folder), None, b"key")
        self.store = FolderStore(folder)
        self.log = StringIO()
        publish(self.store, SURVEY, now())
        pages = {"/after-sales/": Page(b"page")}
        self.local = make_server(self.settings, pages.get, "127.0.0.1", 0, self.log)
        self.port = self.local.server.server_address[1]

    def ask(
        self, method: str, path: str, body: object = None, sender: str = "203.0.113.7"
    ) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {"Content-Type": "application/json", "X-Forwarded-For": sender}
            data = None if body is None else msgspec.json.encode(body)
            connection.request(method, path, data, headers)
            reply = connection.getresponse()
            return reply.status, dict(reply.headers), reply.read()
        finally:
            connection.close()

    def answer(self, number: int, code: str, sender: str = "203.0.113.7") -> tuple[int, bytes]:
        body: dict[str, Any] = {"id": ids.make(now(), number), "link": code, "answers": HAPPY}
        body |= {"version": SURVEY.version, "language": "en"}
        status, _, data = self.ask("POST", "/api/responses/after-sales", body, sender)
        return status, data


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECHOFORM_DATA", "")  # the server sets it; this sets it back
        patch.setenv("ECHOFORM_KEY", "")
        site = Site(tmp_path / "data")
        thread = threading.Thread(target=site.local.server.serve_forever)
        thread.start()
        yield site
        site.local.server.shutdown()
        site.local.server.server_close()
        thread.join()


def made(site: Site, **facts: Any) -> str:
    code = links.mint(PERSONAL)
    links.add(site.store, {code: Link(SURVEY.id, personal=True, **facts)}, new=True)
    return code


def test_of_100_phones_at_once_on_one_personal_link_one_is_accepted(site: Site) -> None:
    code = made(site)
    typed = [code, code.lower(), f"{code[:9]}-{code[9:]}"]
    with ThreadPoolExecutor(100) as phones:
        replies = list(phones.map(lambda n: site.answer(n, typed[n % 3]), range(100)))
    statuses = Counter(status for status, _ in replies)
    assert statuses == {201: 1, 409: 99}
    assert {data for status, data in replies if status == 409} == {
        next(data for status, data in replies if status == 409)
    }
    run_job("merge", site.settings, site.store)
    parts = [e.key for e in site.store.list(keys.RESPONSES) if e.key.endswith(".parquet")]
    [part] = parts
    table = pq.ParquetFile(Path(site.settings.data) / part).read()
    [accepted] = [data for status, data in replies if status == 201]
    assert table["response"].to_pylist() == [msgspec.json.decode(accepted)["receipt"]]


def test_no_code_is_on_disk_or_in_the_log_whatever_was_done_with_it(site: Site) -> None:
    """Every byte of every file, and every text in the Parquet, which is compressed."""
    codes = [made(site, attributes={"customer": f"C{n}"}) for n in range(3)]
    site.answer(1, codes[0])
    site.answer(2, codes[0])  # refused
    site.answer(3, codes[1].lower())
    for code in codes:
        site.ask("POST", "/api/links", {"survey": SURVEY.id, "code": code})
        site.ask("GET", f"/after-sales?{code}")
        site.ask("GET", f"/after-sales/?{code}")
        site.ask("GET", f"/S/AFTER-SALES/{code}")
    kept = _texts(Path(site.settings.data))
    run_job("merge", site.settings, site.store)
    kept += _texts(Path(site.settings.data)) + site.log.getvalue().upper()
    assert kept.count(links.hash_of(codes[0]).upper()) > 2, "hashes are there to be found"
    assert site.log.getvalue().count("\n") >= 15
    assert not [code for code in codes if code in kept]


def _texts(folder: Path) -> str:
    """All that is in a folder, with its names: capitals, without dashes in the codes."""
    texts = []
    for path in folder.rglob("*"):
        texts.append(path.name)
        if path.suffix == ".parquet":
            texts.append(repr(pq.ParquetFile(path).read().to_pylist()))
        if path.is_file():
            texts.append(path.read_bytes().decode("latin-1"))
    return "\n".join(texts).upper()


def test_a_short_address_leads_to_the_page_and_so_does_one_without_its_slash(site: Site) -> None:
    code = made(site)
    status, headers, _ = site.ask("GET", f"/S/AFTER-SALES/{code}")
    assert (status, headers["Location"]) == (302, f"/after-sales/?{code}")
    assert headers["Cache-Control"] == "no-store"
    status, headers, _ = site.ask("GET", f"/after-sales?{code}")
    assert (status, headers["Location"]) == (308, f"/after-sales/?{code}")
    assert site.ask("GET", headers["Location"])[0] == 200
    assert site.ask("GET", "/S/AFTER-SALES/..%2Fx")[0] == 404


def test_guesses_hear_what_expired_links_hear_until_they_are_throttled(site: Site) -> None:
    expired = made(site, expires_at=1)
    asked = [{"survey": SURVEY.id, "code": c} for c in (expired, *map(links.mint, [PERSONAL] * 3))]
    said = {site.ask("POST", "/api/links", one, "203.0.113.8")[::2] for one in asked}
    assert said == {(200, b'{"status":"expired"}')}
    posted = {site.answer(n, one["code"], "203.0.113.8") for n, one in enumerate(asked)}
    assert [status for status, _ in posted] == [410], "one reply for all of them"

    def guess(_: int) -> tuple[int, bytes]:
        body = {"survey": SURVEY.id, "code": links.mint(8)}
        return site.ask("POST", "/api/links", body, "203.0.113.9")[::2]

    with ThreadPoolExecutor(8) as guessers:
        statuses = Counter(status for status, _ in guessers.map(guess, range(BURST + 60)))
    assert set(statuses) == {200, 429}
    assert statuses[200] >= BURST
    assert site.answer(9, made(site), "203.0.113.10")[0] == 201, "others are not held up"
