"""The gate's bounds: slow phones cost no thread, crowds are told to come back, nothing is lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from generator import gate
from generator.gate import Gate, Request

POST = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n"


class Echo:
    """Answers with the body; waits where it is told to."""

    close_connection = False
    inside = threading.Semaphore(0)
    go_on = threading.Event()

    def __init__(self, request: Request, address: tuple[str, int], server: Gate) -> None:
        if request.body == b"??":
            Echo.inside.release()
            assert Echo.go_on.wait(10)
        self._body = request.body

    def reply(self) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(self._body) + self._body


@contextmanager
def running() -> Iterator[int]:
    Echo.go_on.clear()
    server = Gate(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        Echo.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


def phone(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 10)


def heard(line: socket.socket, until: bytes = b"") -> bytes:
    """What comes, until the connection closes or ``until`` has come."""
    got = b""
    while not (until and got.endswith(until)) and (some := line.recv(4096)):
        got += some
    return got


def test_requests_follow_each_other_on_one_connection() -> None:
    with running() as port, phone(port) as line:
        for body in (b"ab", b"cd"):
            line.sendall(POST + body)
            assert heard(line, body).startswith(b"HTTP/1.1 200")
        line.sendall(POST + b"ef" + POST + b"gh")
        assert heard(line, b"gh").count(b"200 OK") == 2


def test_slow_phones_keep_nobody_waiting() -> None:
    with running() as port, ExitStack() as slow:
        for _ in range(300):
            slow.enter_context(phone(port)).sendall(POST[:20])
        for _ in range(300):
            slow.enter_context(phone(port)).sendall(POST + b"a")
        with phone(port) as line:
            line.sendall(POST + b"ab")
            assert heard(line, b"ab")


def test_who_never_finishes_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "IDLE_S", 0.05)
    monkeypatch.setattr(gate, "ARRIVAL_S", 0.05)
    with running() as port:
        for part in (b"", POST[:20], POST + b"a"):
            with phone(port) as line:
                line.sendall(part)
                assert heard(line) == b""


def test_more_than_can_be_inside_are_told_to_come_back_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gate, "INSIDE", 3)
    with running() as port, ExitStack() as crowd:
        waiting = [crowd.enter_context(phone(port)) for _ in range(3)]
        for line in waiting:
            line.sendall(POST + b"??")
        for _ in waiting:
            assert Echo.inside.acquire(timeout=10)
        with phone(port) as line:
            line.sendall(POST + b"ab")
            assert b" 503 " in heard(line, b"\r\n\r\n")
            Echo.go_on.set()
            for each in waiting:
                assert heard(each, b"??").startswith(b"HTTP/1.1 200")
            line.sendall(POST + b"ab")
            assert heard(line, b"ab").startswith(b"HTTP/1.1 200"), "the same phone, a moment later"


def test_more_connections_than_there_may_be_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "CONNECTIONS", 2)
    with running() as port, phone(port) as one, phone(port) as two:
        for line in (one, two):
            line.sendall(POST + b"ab")
            assert heard(line, b"ab")
        with phone(port) as line:
            assert b" 503 " in heard(line)


@pytest.mark.parametrize(
    "lie",
    [
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nContent-Length: -2\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nContent-Length : 2\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nContent-Length: 0x2\r\n\r\nabc",
    ],
)
def test_where_it_is_not_certain_where_a_body_ends_nothing_may_follow(lie: bytes) -> None:
    with running() as port, phone(port) as line:
        line.sendall(lie)
        line.shutdown(socket.SHUT_WR)
        assert heard(line).endswith(b"Content-Length: 0\r\n\r\n")


def test_a_head_without_end_is_cut_off() -> None:
    with running() as port, phone(port) as line:
        line.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000)
        with suppress(ConnectionError):
            assert heard(line) == b""
