"""The laptop's server: the Chalice app itself behind static pages, and nothing it chokes on."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from chalicelib import keys
from chalicelib.collecting import LARGEST_BODY
from chalicelib.published import publish
from chalicelib.running import now
from chalicelib.settings import Settings
from chalicelib.staff.tokens import Tokens
from chalicelib.storage import FolderStore
from chalicelib.survey import ids
from generator.__main__ import main
from generator.data import settings
from generator.local import admission
from generator.places import SURVEYS
from generator.serving import CannotListen, Page, make_server
from generator.throttle import BURST, WRONG
from tests.surveys import HAPPY, after_sales

SURVEY = after_sales()
PAGES = {"/": Page(b"list"), "/after-sales/": Page("页面".encode())}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    publish(FolderStore(folder), SURVEY, now())
    return folder


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECHOFORM_DATA", "")  # the server sets it; this sets it back
        patch.setenv("ECHOFORM_KEY", "")
        local = make_server(Settings(str(folder), None, b"key"), PAGES.get, "127.0.0.1", 0)
        thread = threading.Thread(target=local.server.serve_forever)
        thread.start()
        yield local.server.server_address[1]
        local.server.shutdown()
        local.server.server_close()
        thread.join()


def ask(
    port: int, method: str, path: str, body: bytes = b"", headers: dict[str, str] = JSON
) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body or None, headers)
        reply = connection.getresponse()
        return reply, reply.read()
    finally:
        connection.close()


def submission(number: int) -> bytes:
    parts = {"version": SURVEY.version, "language": "en", "answers": HAPPY}
    return msgspec.json.encode({"id": ids.make(now(), number), **parts})


def test_pages_and_api_stand_on_one_port(port: int) -> None:
    assert ask(port, "GET", "/after-sales/?ABCD")[1].decode() == "页面"
    assert ask(port, "GET", "/api/health")[1] == b'{"status":"ok"}'
    reply, _ = ask(port, "GET", "/after-sales?ABCD")
    assert (reply.status, reply.headers["Location"]) == (308, "/after-sales/?ABCD")
    assert ask(port, "GET", "/../etc/passwd")[0].status == 404
    assert ask(port, "HEAD", "/")[1] == b""


def test_many_phones_at_once_are_each_answered_with_their_own_receipt(
    port: int, folder: Path
) -> None:
    sent = [submission(number) for number in range(200)]
    with ThreadPoolExecutor(32) as phones:
        replies = list(
            phones.map(lambda body: ask(port, "POST", "/api/responses/after-sales", body), sent)
        )
    assert {reply.status for reply, _ in replies} == {201}
    receipts = [msgspec.json.decode(body)["receipt"] for _, body in replies]
    assert receipts == [msgspec.json.decode(body)["id"] for body in sent]
    names = {entry.key.split("/")[2][:26] for entry in FolderStore(folder).list(keys.LANDING)}
    assert set(receipts) <= names


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code"),
    [
        ("POST", "/api/responses/..%2Flinks", {"Content-Length": "2"}, 400, "malformed"),
        ("POST", "/api/no/such/route", {"Content-Length": "2"}, 404, "not_found"),
        ("PUT", "/api/responses/after-sales", {"Content-Length": "2"}, 405, "not_allowed"),
        ("PUT", "/uploads/small/2026-05-17/0/photo", {"Content-Length": "2"}, 405, "not_allowed"),
        ("POST", "/uploads/small/2026-05-17/0/photo", {"Content-Length": "2"}, 404, "not_found"),
        ("POST", "/api/responses/after-sales", {"Content-Length": "-1"}, 400, "malformed"),
        ("POST", "/api/responses/after-sales", {"Content-Length": "x"}, 400, "malformed"),
        (
            "POST",
            "/api/responses/after-sales",
            {"Transfer-Encoding": "chunked"},
            400,
            "malformed",
        ),
        (
            "POST",
            "/api/responses/after-sales",
            {"Content-Length": str(LARGEST_BODY + 1)},
            413,
            "too_large",
        ),
    ],
)
def test_requests_that_lie_are_refused_in_words(
    port: int, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    lines = [f"{method} {path} HTTP/1.1", "Host: s.test", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    body = b"x" * (LARGEST_BODY + 1) if status == 413 else b"{}"
    with socket.create_connection(("127.0.0.1", port), 10) as raw:
        raw.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        with HTTPResponse(raw, method=method) as reply:
            reply.begin()
            assert reply.status == status
            assert msgspec.json.decode(reply.read())["error"] == code


def test_storage_that_fails_acknowledges_nothing_and_asks_to_retry(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FolderStore, "create", full)
    reply, body = ask(port, "POST", "/api/responses/after-sales", submission(999))
    assert reply.status == 503
    assert msgspec.json.decode(body)["error"] == "unavailable"
    assert b"space" not in body


def test_an_address_faster_than_a_shop_is_told_to_wait_and_its_neighbour_is_not(port: int) -> None:
    """200 phones behind one proxy's address get through; the sender without end does not."""
    ahead = {**JSON, "X-Forwarded-For": "203.0.113.9"}
    path = "/api/responses/after-sales"
    with ThreadPoolExecutor(16) as phones:
        replies = list(phones.map(lambda _: ask(port, "POST", path, b"{}", ahead), range(440)))
    statuses = [reply.status for reply, _ in replies]
    assert statuses.count(400) >= BURST
    assert 429 in statuses
    refused, body = next(each for each in replies if each[0].status == 429)
    assert msgspec.json.decode(body)["error"] == "busy"
    assert refused.headers["Retry-After"] == "1"
    neighbour = {**JSON, "X-Forwarded-For": "203.0.113.9, 203.0.113.10"}
    assert ask(port, "POST", path, submission(500), neighbour)[0].status == 201


def test_a_link_that_everybody_sends_is_throttled_as_one(port: int) -> None:
    body = msgspec.json.encode({"link": "SHOP-0012"})
    for number in range(BURST + 40):
        headers = {**JSON, "X-Forwarded-For": f"198.51.100.{number % 250}"}
        reply, _ = ask(port, "POST", "/api/responses/after-sales", body, headers)
        if reply.status == 429:
            break
    assert number >= BURST
    assert reply.status == 429


def test_who_tries_tokens_is_told_to_wait_and_a_neighbour_and_this_machine_are_not(
    port: int,
) -> None:
    def me(address: str) -> int:
        sent = {"Authorization": "Bearer a.b.c"} | ({"X-Forwarded-For": address} if address else {})
        return ask(port, "GET", "/api/staff/me", None, sent)[0].status

    tried = [me("203.0.113.77") for _ in range(WRONG + 5)]
    assert tried[:WRONG] == [401] * WRONG
    assert tried[-1] == 429
    assert [me("203.0.113.78"), me("")] == [401, 401]
    assert (
        ask(port, "POST", "/api//staff/bulk", b"{}", {"X-Forwarded-For": "203.0.113.77"})[0].status
        == 429
    )


def test_an_address_that_is_taken_is_said_in_words(port: int, folder: Path) -> None:
    with pytest.raises(CannotListen, match=str(port)):
        make_server(Settings(str(folder), None, b"key"), PAGES.get, "127.0.0.1", port)


@pytest.mark.parametrize("name", ["data", "our data"])
def test_the_command_that_serve_prints_lets_somebody_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    _, *words = shlex.split(admission("http://127.0.0.1:8000", name))
    said = CliRunner().invoke(main, words, catch_exceptions=False).output.strip()
    place, _, token = said.partition("#token=")
    assert place == "http://127.0.0.1:8000/staff/"
    person = Tokens(settings(name).key).check(token, now()).person
    assert (person.sub, person.role, person.teams) == ("A07", "agent", ["T1"])


def test_ctrl_c_ends_the_server_and_its_worker_without_a_stack(tmp_path: Path) -> None:
    """It reaches the whole group: the worker, in the middle of a job, must not answer it."""
    root = Path(__file__).parents[2]
    options = ["--port", "0", "--data", str(tmp_path / "data"), "--every", "0.2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "generator", "serve", str(SURVEYS), *options],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "functions")])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # What starts us in the background may have us ignore Ctrl-C, and the server with us.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    with process.stderr as lines:
        assert '"job"' in next(lines), "the worker is at work"
        os.killpg(process.pid, signal.SIGINT)
        said = lines.read()
    assert process.wait(20) == 0
    assert "Traceback" not in said
