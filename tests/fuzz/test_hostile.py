"""Hostile requests get a 4xx at worst: no 5xx, nothing half written, nothing they typed in the log.

The short profile sends some 600 requests to the application itself and 60 over sockets, the long
one 12,000 and 1,200.
"""

from __future__ import annotations

import io
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from chalice.config import Config
from chalice.local import LocalGateway, LocalGatewayException
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chalicelib import keys, logs
from chalicelib.collecting import REFUSALS
from chalicelib.published import publish
from chalicelib.running import now
from chalicelib.settings import Settings
from chalicelib.storage import FolderStore, MemoryStore, Store
from chalicelib.survey import Contract, Response, ids, read
from generator.serving import load_app, make_server
from tests.fuzz import hostile
from tests.surveys import after_sales, kitchen_sink

SURVEYS = {survey.id: survey for survey in (after_sales(), kitchen_sink())}
ANSWERS: dict[str, dict[str, Any]] = {
    "after-sales": {
        "service_type": "repair",
        "responsiveness": 5,
        "resolution": 5,
        "attitude": 5,
        "resolved": "yes",
        "overall": 5,
    },
    "kitchen-sink": {"one": "a", "go_on": "no"},
}
NUMBERS = count(1)
ROUTES = {"/responses/{survey}", "/health", "/api", "/{page}"}


def valid(survey: str) -> dict[str, Any]:
    contract = SURVEYS[survey]
    return {
        "id": ids.make(now(), next(NUMBERS)),
        "version": contract.version,
        "language": "en",
        "answers": ANSWERS[survey],
    }


def bodies(survey: str) -> st.SearchStrategy[bytes]:
    return hostile.bodies(lambda: valid(survey), [f.id for f in SURVEYS[survey].fields])


def say_nothing_typed(lines: str) -> None:
    """Every value in every line is one of ours: nothing else has a place there."""
    for text in lines.splitlines():
        line = msgspec.json.decode(text)
        metrics = line.pop("_aws", None)
        outcomes = {"accepted", "replayed", "refused"} & set(line)
        assert all(line.pop(outcome) == 1 for outcome in outcomes)
        assert line.pop("route") in ROUTES
        assert line.pop("survey", None) in {None, *SURVEYS}
        assert line.pop("error", None) in {None, *REFUSALS}
        assert line.pop("channel", "web") == "web"
        assert line.pop("failure", None) is None
        assert all(type(line.pop(name)) is int for name in ("time", "status", "bytes"))
        assert type(line.pop("ms")) is float
        assert len(line.pop("request")) == 16
        assert not line
        if metrics:
            [found] = metrics["CloudWatchMetrics"]
            assert {name for names in found["Dimensions"] for name in names} <= {"survey", "error"}


@contextmanager
def log_kept() -> Iterator[io.StringIO]:
    """The log as text, everything that any logger says in it."""
    kept = io.StringIO()
    root, handler = logging.getLogger(), logging.StreamHandler(kept)
    logs.to(kept)
    root.addHandler(handler)
    try:
        yield kept
    finally:
        root.removeHandler(handler)
        logs.to(None)


def is_whole(store: Store, key: str) -> None:
    """What lies there is a response its contract has nothing to say against."""
    response = Response.from_json(store.get(key).data)
    contract: Contract = SURVEYS[response.survey]
    reading = read(contract.fields, response.answers)
    assert reading.problems == []
    assert reading.answers == response.answers
    assert key == keys.landing(response.survey, response.id, response.digest)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalGateway, MemoryStore]]:
    store = MemoryStore()
    for survey in SURVEYS.values():
        publish(store, survey, now())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECHOFORM_DATA", str(tmp_path_factory.mktemp("data")))
        module = load_app()
        patch.setattr(module, "store", lambda: store)
        yield LocalGateway(module.app, Config()), store


REQUESTS = 6
PATHS = [*(f"/responses/{survey}" for survey in SURVEYS)] * 4 + [
    "/responses/" + hostile.TEXTS[3],
    "/responses/..%2f..",
    "/responses/grace.example-13912345678",
    "/responses/",
    "/health?link=ABCD",
    "/responses/after-sales?link=ABCD&x=%ff",
]


def _attack(app: tuple[LocalGateway, MemoryStore], data: st.DataObject) -> None:
    gateway, store = app
    for _ in range(REQUESTS):
        path = data.draw(st.sampled_from(PATHS))
        survey = path.split("/")[2] if path.split("/")[-1] in SURVEYS else "after-sales"
        body = data.draw(bodies(survey))
        form = b"_version=" in body[:4000] and b"{" not in body[:1]
        kind = hostile.TYPES[3 if form else 0]
        if data.draw(st.integers(0, 4)) == 0:
            kind = data.draw(st.sampled_from(hostile.TYPES))
        more = dict(data.draw(st.lists(st.sampled_from(hostile.HEADERS), max_size=2)))
        before = {entry.key for entry in store.list("")}
        with log_kept() as log:
            try:
                reply = gateway.handle_request(
                    method=data.draw(st.sampled_from(["POST"] * 8 + ["GET", "PUT", "OPTIONS"])),
                    path=path,
                    headers={"Content-Type": kind, **more},
                    body=body,
                )
                status = reply["statusCode"]
            except (LocalGatewayException, UnicodeError):  # the local server answers these with 404
                status = 404
        assert status < 500
        added = {entry.key for entry in store.list("")} - before
        assert len(added) == (status in (201, 303))
        for key in added:
            is_whole(store, key)
        store.delete(added)
        say_nothing_typed(log.getvalue())


_HOW: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "database": None,
    "phases": [Phase.generate],  # a failure is shown as it came
}


@given(data=st.data())
@settings(max_examples=100, **_HOW)
def test_the_application(app: tuple[LocalGateway, MemoryStore], data: st.DataObject) -> None:
    """600 requests."""
    _attack(app, data)


@pytest.mark.long
@given(data=st.data())
@settings(max_examples=2000, **_HOW)
def test_the_application_for_long(
    app: tuple[LocalGateway, MemoryStore], data: st.DataObject
) -> None:
    """12,000 requests."""
    _attack(app, data)


# Over sockets: what no client library would send.

HEADS = [
    b"POST /api/responses/after-sales HTTP/1.1\r\nHost: s\r\n",
    b"POST /api/responses/after-sales HTTP/1.0\r\n",
    b"POST /api/responses/after-sales?link=ABCD HTTP/1.1\r\nHost: s\r\n",
    b"POST /api/responses/%00%ff HTTP/1.1\r\nHost: s\r\n",
    b"BREW /api/responses/after-sales HTTP/1.1\r\n",
    b"POST //[::1/api HTTP/1.1\r\n",
    b"GET /api/\xff\xfe HTTP/1.1\r\n",
    b"GET /%ff/%00/../../etc/passwd HTTP/1.1\r\n",
    b"POST /api/responses/after-sales HTTP/9.9\r\n",
    b"POST\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"PRI * HTTP/2.0\r\n",
]
LINES = [
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: 0",
    b"Content-Length: 5, 5",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: \x0bchunked",
    b"Expect: 100-continue",
    b"Connection: keep-alive",
    b"X: " + b"y" * 9000,
    b": nothing",
    b"no colon",
    b" folded: line",
    b"Authorization: \xe9\xe8",
    b"Host: \x00",
    *(b"X%d: y" % number for number in range(5)),
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path, io.StringIO]]:
    folder, log = tmp_path_factory.mktemp("served"), io.StringIO()
    for survey in SURVEYS.values():
        publish(FolderStore(folder), survey, now())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ECHOFORM_DATA", "")
        patch.setenv("ECHOFORM_KEY", "")
        local = make_server(Settings(str(folder), None, b"key"), {}.get, "127.0.0.1", 0, lines=log)
        thread = threading.Thread(target=local.server.serve_forever)
        thread.start()
        yield local.server.server_address[1], folder, log
        local.server.shutdown()
        local.server.server_close()
        thread.join()


def send(port: int, data: bytes) -> bytes:
    got = b""
    with (
        socket.create_connection(("127.0.0.1", port), 10) as line,
        suppress(ConnectionError),
    ):
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        while some := line.recv(65536):
            got += some
    return got


def _attack_socket(served: tuple[int, Path, io.StringIO], data: st.DataObject) -> None:
    port, folder, log = served
    logs.to(log)
    log.truncate(0)
    log.seek(0)
    body = data.draw(bodies("after-sales"))
    lines = data.draw(st.lists(st.sampled_from(LINES), max_size=3))
    if data.draw(st.booleans()):
        lines += [b"Content-Type: application/json", b"Content-Length: %d" % len(body)]
    head = data.draw(st.sampled_from(HEADS)) + b"".join(line + b"\r\n" for line in lines)
    got = send(port, head + b"\r\n" + body)
    statuses = [int(part[:3]) for part in got.split(b"HTTP/1.1 ")[1:]]
    assert all(status < 500 for status in statuses)
    say_nothing_typed(log.getvalue())
    store = FolderStore(folder)
    for entry in store.list(keys.LANDING):
        is_whole(store, entry.key)
    store.delete([entry.key for entry in store.list(keys.LANDING)])


def _still_answers(served: tuple[int, Path, io.StringIO]) -> None:
    port = served[0]
    body = msgspec.json.encode(valid("after-sales"))
    head = HEADS[0] + b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    assert send(port, head + b"\r\n" + body).startswith(b"HTTP/1.1 201")


def test_the_server(served: tuple[int, Path, io.StringIO]) -> None:
    """60 connections, and it answers as before."""
    _many(served, 60)


@pytest.mark.long
def test_the_server_for_long(served: tuple[int, Path, io.StringIO]) -> None:
    """1,200 connections."""
    _many(served, 1200)


def _many(served: tuple[int, Path, io.StringIO], times: int) -> None:
    @given(data=st.data())
    @settings(max_examples=times, **_HOW)
    def attack(data: st.DataObject) -> None:
        _attack_socket(served, data)

    run: Callable[[], None] = attack
    run()
    _still_answers(served)


def test_what_a_person_typed_is_in_no_line(app: tuple[LocalGateway, MemoryStore]) -> None:
    """Whatever is refused, and wherever the name and the number stand."""
    gateway, _ = app
    typed = "Grace-Example-13912345678"
    body = msgspec.json.encode(
        {**valid("after-sales"), "link": typed, "answers": {typed: typed, "suggestion": typed}}
    )
    with log_kept() as log:
        for path in ("/responses/after-sales", f"/responses/{typed.lower()}", f"/{typed}"):
            for kind in (*hostile.TYPES, typed):
                with suppress(LocalGatewayException):
                    gateway.handle_request(
                        "POST",
                        f"{path}?{typed}",
                        {"Content-Type": kind, "Referer": f"http://s.test/?{typed}"},
                        body,
                    )
    assert len(log.getvalue().splitlines()) == 2 * (len(hostile.TYPES) + 1)
    for part in ("grace", "13912345678"):
        assert part not in log.getvalue().lower()
