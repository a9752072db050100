"""The laptop's server: pages, API and schedules on one port, data in a folder.

The API is the Chalice application itself, under Chalice's own local gateway; this module adds what
CloudFront, the stage name and EventBridge are on AWS: static pages, ``/api`` and a clock.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures.process import BrokenProcessPool
from http import HTTPStatus
from io import BytesIO
from ipaddress import ip_address
from math import ceil
from time import time_ns
from types import ModuleType
from typing import Any, NamedTuple, TextIO
from urllib.parse import unquote, urlsplit

from chalice.app import Chalice
from chalice.config import Config
from chalice.local import (
    ChaliceRequestHandler,
    CustomLocalChalice,
    LocalChalice,
    LocalDevServer,
    LocalGatewayException,
)

from chalicelib import links, logs, workers
from chalicelib.collecting import JSON, LARGEST_BODY, REFUSALS, Reply, refusal
from chalicelib.running import run_job
from chalicelib.settings import Settings
from chalicelib.storage import open_store
from chalicelib.survey import EchoformError, Refused
from generator.gate import Gate, Request
from generator.gate import Handler as GateHandler
from generator.link_addresses import led
from generator.pictures import KINDS
from generator.places import APP
from generator.receiving import ADDRESS, Receiver
from generator.throttle import WRONG, WRONG_PER_SECOND, Throttle

API = "/api/"


class Page(NamedTuple):
    body: bytes
    kind: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = {}


def picture(path: str, data: bytes) -> Page:
    """A picture, as what its name says and nothing else."""
    kind = KINDS[path.rpartition(".")[2]]
    return Page(data, kind, {"X-Content-Type-Options": "nosniff"})


class Handler(ChaliceRequestHandler):
    """One whole request: static pages by ``find_page``, everything under ``/api/`` to the app."""

    server_version = "Echoform"
    sys_version = ""
    find_page: Callable[[str], Page | None]
    receiver: Receiver
    path: str
    request: Request

    def setup(self) -> None:
        self.rfile = BytesIO(self.request.head + self.request.body)
        self.wfile = BytesIO()

    def handle(self) -> None:
        self.close_connection = True
        try:
            self.handle_one_request()
        except Exception as error:  # whatever it is, the page is told to keep and retry
            self.wfile = BytesIO()
            self._refuse("unavailable", type(error).__name__)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the standard library finds wrong with a head is told like everything else."""
        self._refuse("malformed")

    def finish(self) -> None:
        pass

    def reply(self) -> bytes:
        return self.wfile.getvalue()

    def _generic_handle(self) -> None:
        if self.path.startswith(ADDRESS):
            self._upload()
            return
        if not self.path.startswith(API):
            self._static()
            return
        length = self._length()
        if length is None:
            self._refuse("malformed")
        elif length > LARGEST_BODY:
            self._refuse("too_large")
        else:
            self.path = self.path[len(API) - 1 :]
            try:
                super()._generic_handle()
            except (LocalGatewayException, UnicodeError):  # the gateway wants ASCII of some headers
                self._refuse("not_found")

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = _generic_handle

    def _send_error_response(self, error: LocalGatewayException) -> None:
        self._refuse("not_found")

    def _length(self) -> int | None:
        """The body's length in bytes; None where the request does not tell."""
        lengths = self.headers.get_all("content-length", ["0"])
        length = lengths[0].strip()
        if "transfer-encoding" in self.headers or len(lengths) > 1:
            return None
        return int(length) if length.isdecimal() and len(length) <= 15 else None

    def _refuse(self, code: str, failure: str | None = None) -> None:
        self.close_connection = True
        self._reply(refusal(Refused(code)))
        logs.request("/api", REFUSALS[code], time_ns(), error=code, failure=failure)

    def _upload(self) -> None:
        started = time_ns()
        if self.command != "POST":
            reply = refusal(Refused("not_allowed"))
        else:
            kind = self.headers.get("content-type", "")
            reply = self.receiver.receive(self.path, kind, self.request.body)
        self._reply(reply)
        logs.request(
            "/uploads", reply.status, started, error=reply.error, size=len(self.request.body)
        )

    def _static(self) -> None:
        if self.command not in ("GET", "HEAD"):
            self.close_connection = True
        try:
            asked = urlsplit(self.path)
        except ValueError:  # such as a half of an IPv6 address
            asked = urlsplit("")
        path, query = unquote(asked.path), asked.query
        if path.endswith("/index.html"):
            path = path.removesuffix("index.html")
        page = self.find_page(path)
        if page is None and path and not path.endswith("/") and self.find_page(path + "/"):
            place = urlsplit(path).path + "/" + (f"?{query}" if query else "")
            reply = Reply(308, b"", {"Location": place})
        elif page is None and (plain := led(path, query)):
            reply = Reply(302, b"", {"Location": plain})
        elif page is None:
            lost = self.find_page("/404.html") or Page(b"Not found\n", "text/plain")
            reply = Reply(404, lost.body, {"Content-Type": lost.kind, **lost.headers})
        else:
            reply = Reply(200, page.body, {"Content-Type": page.kind, **page.headers})
        self._reply(reply)
        logs.request("/{page}", reply.status, time_ns(), size=len(reply.body))

    def _reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Length", str(len(reply.body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Chalice's own lines carry addresses; ours are ``logs``."""


class SiteGate(Gate):
    """The gate in words: who is over a bound is refused like everybody, with when to come back."""

    largest = LARGEST_BODY
    receiver: Receiver

    def __init__(self, address: tuple[str, int], handler: GateHandler) -> None:
        super().__init__(address, handler)
        self._throttle = Throttle()
        self._wrong = Throttle(WRONG, WRONG_PER_SECOND)

    def room(self, head: bytes) -> int:
        return max(self.receiver.room(head), self.largest)

    def turned_away(self, request: Request) -> bytes | None:
        if _STAFF.match(request.head) and (wait := self._wrong.left(_address(request))):
            return _refused("busy", wait)
        if not request.head.startswith(b"POST " + API.encode()):
            return None
        wait = self._throttle.wait(*_senders(request))
        return _refused("busy", wait) if wait else None

    def answered(self, request: Request, reply: bytes) -> None:
        address = _address(request)
        if address and reply.startswith(b"HTTP/1.1 401 ") and _STAFF.match(request.head):
            self._wrong.wait(address)

    def full(self, request: Request | None) -> bytes:
        return _refused("unavailable", 2)


def _address(request: Request) -> str:
    """Where a request comes from; "" is this machine.

    From this machine comes a proxy, which names the address it speaks for, or the author himself.
    """
    if not ip_address(request.address).is_loopback:
        return request.address
    forwarded = _FORWARDED.findall(request.head)
    return forwarded[-1].decode() if forwarded else ""


def _senders(request: Request) -> Iterator[str]:
    """Whose buckets a request is paid from: its address, and its link.

    A link's code that is written so that it is not found here costs its sender's address all the
    same.
    """
    if address := _address(request):
        yield f"address {address}"
    for code in (_LINK.search(request.body), _REFERRED.search(request.head)):
        if code:
            yield f"link {links.hash_of(code[1].decode())}"


_STAFF = re.compile(rb"[A-Z]+ /api/+staff/", re.IGNORECASE)
_FORWARDED = re.compile(
    rb"\r\nx-forwarded-for:(?:[^\r\n]*,)?[ \t]*([0-9A-Fa-f.:]+)[ \t]*(?=\r\n)", re.IGNORECASE
)
_LINK = re.compile(rb'"link"\s*:\s*"([0-9A-Za-z-]{4,64})"')
_REFERRED = re.compile(rb"\r\nreferer:[^\r\n?]*\?([0-9A-Za-z-]{4,64})(?=\r\n)", re.IGNORECASE)


def _refused(code: str, wait: float) -> bytes:
    """A refusal that needs no thread."""
    reply = refusal(Refused(code))
    status = HTTPStatus(reply.status)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {JSON}\r\n"
        f"Content-Length: {len(reply.body)}\r\nRetry-After: {ceil(wait)}\r\n\r\n"
    )
    logs.request("/api", reply.status, time_ns(), error=code)
    return head.encode() + reply.body


def load_app() -> ModuleType:
    """The functions' ``app.py``, as Lambda loads it: a module of that name."""
    spec = importlib.util.spec_from_file_location("app", APP)
    if spec is None or spec.loader is None:
        raise ImportError(str(APP))
    module = importlib.util.module_from_spec(spec)
    sys.modules["app"] = module
    spec.loader.exec_module(module)
    return module


class CannotListen(EchoformError):
    """The address is another program's, or none of this machine's."""


def make_server(
    settings: Settings,
    find_page: Callable[[str], Page | None],
    host: str,
    port: int,
    lines: TextIO | None = None,
) -> LocalDevServer:
    """A server that is bound but not serving yet; port 0 takes a free one.

    ``lines`` is where its log goes. Raises CannotListen.
    """
    os.environ.update(ECHOFORM_DATA=settings.data, ECHOFORM_KEY=settings.key.decode())
    app: Chalice = load_app().app
    # Chalice's own way (chalice.local.create_local_server) to keep each thread's request apart.
    CustomLocalChalice.__bases__ = (LocalChalice, app.__class__)
    app.__class__ = CustomLocalChalice
    receiver = Receiver(open_store(settings.data, settings.endpoint), settings.key)
    handler = type(
        "SiteHandler", (Handler,), {"find_page": staticmethod(find_page), "receiver": receiver}
    )
    gate = type("OurGate", (SiteGate,), {"receiver": receiver})
    logs.to(lines)
    try:
        return LocalDevServer(app, Config(), host, port, handler_cls=handler, server_cls=gate)
    except OSError as error:
        raise CannotListen(f"cannot listen on {host}:{port}: {error.strerror}") from None


class Schedule:
    """Runs jobs over and over, in a process of their own so that answers never wait for them."""

    def __init__(
        self, settings: Settings, jobs: list[str], seconds: float, lines: bool = False
    ) -> None:
        """``lines``: whether each run says so in the log, on the standard error stream."""
        self._lines = lines
        self._settings = settings
        self._jobs = jobs
        self._seconds = seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Schedule:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        pool = workers.pool(1, self._lines)
        while not self._stop.wait(self._seconds):
            for job in self._jobs:
                try:
                    pool.submit(run_job, job, self._settings).result()
                except BrokenProcessPool:
                    pool = workers.pool(1, self._lines)
                except Exception as error:  # the next round does what this one could not
                    print(f"{job}: {type(error).__name__}: {error}", file=sys.stderr)
        pool.shutdown(cancel_futures=True)
