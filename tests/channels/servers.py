"""Servers on this machine that channels are tested against."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller


class Sink:
    """A handler for aiosmtpd that keeps what arrives, and answers as it is told."""

    def __init__(self) -> None:
        self.arrived: list[tuple[str, list[str], bytes]] = []
        self.connections = 0
        self.answers: dict[str, str] = {}
        """By command: MAIL, RCPT, DATA."""

    async def handle_HELO(self, server: Any, session: Any, envelope: Any, name: str) -> str:
        session.host_name = name
        return "250 here"

    async def handle_EHLO(
        self, server: Any, session: Any, envelope: Any, name: str, replies: list[str]
    ) -> list[str]:
        session.host_name = name
        self.connections += 1
        return replies

    async def handle_MAIL(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 2.1.0 ok")

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        answer = self.answers.get("RCPT", "250 2.1.5 ok")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answer = self.answers.get("DATA", "250 2.0.0 ok")
        if answer.startswith("250"):
            kept = (envelope.mail_from, list(envelope.rcpt_tos), envelope.content)
            self.arrived.append(kept)
        return answer


@contextmanager
def mail_server(sink: Sink, **options: Any) -> Iterator[int]:
    """The port of a mail server that runs meanwhile."""
    port = _free_port()
    controller = Controller(sink, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


class Asked(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answer = Callable[[Asked], tuple[int, Any]]


@contextmanager
def web_server(answer: Answer) -> Iterator[tuple[str, list[Asked]]]:
    """The address of a server that answers so, and what it was asked."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            one = Asked(self.path, dict(self.headers), body)
            asked.append(one)
            status, said = answer(one)
            data = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            if status // 100 == 3:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])
