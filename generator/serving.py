"""The laptop's server: pages, API and schedules on one port, data in a folder.

The API is the Chalice application itself, under Chalice's own local gateway; this module adds what
CloudFront, the stage name and EventBridge are on AWS: static pages, ``/api`` and a clock.
"""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import ModuleType
from typing import Any, NamedTuple
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

from chalicelib.collecting import LARGEST_BODY, Reply, refusal
from chalicelib.running import run_job
from chalicelib.settings import Settings
from chalicelib.survey import Refused
from generator.places import APP

API = "/api/"
_DRAIN = 1 << 20


class Page(NamedTuple):
    body: bytes
    kind: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = {}


class Handler(ChaliceRequestHandler):
    """One connection: static pages by ``find_page``, everything under ``/api/`` to the app."""

    disable_nagle_algorithm = True  # else every reply waits 40 ms for a delayed ACK
    timeout = 30
    server_version = "Echoform"
    sys_version = ""
    find_page: Callable[[str], Page | None]
    path: str

    def _generic_handle(self) -> None:
        if not self.path.startswith(API):
            self._static()
            return
        length = self._length()
        if length is None:
            self._refuse("malformed")
        elif length > LARGEST_BODY:
            self.rfile.read(min(length, _DRAIN))  # so that the refusal is read before the reset
            self._refuse("too_large")
        else:
            self.path = self.path[len(API) - 1 :]
            try:
                super()._generic_handle()
            except LocalGatewayException:
                self._refuse("not_found")

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = do_PATCH = do_OPTIONS = _generic_handle

    def _send_error_response(self, error: LocalGatewayException) -> None:
        self._refuse("not_found")

    def _length(self) -> int | None:
        """The body's length in bytes; None where the request does not tell."""
        length = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers or not length.isdecimal() or len(length) > 15:
            return None
        return int(length)

    def _refuse(self, code: str) -> None:
        self.close_connection = True
        self._reply(refusal(Refused(code)))

    def _static(self) -> None:
        if self.command not in ("GET", "HEAD"):
            self.close_connection = True
        path = unquote(urlsplit(self.path).path)
        if path.endswith("/index.html"):
            path = path.removesuffix("index.html")
        page = self.find_page(path)
        if page is None and not path.endswith("/") and self.find_page(path + "/"):
            query = urlsplit(self.path).query
            place = urlsplit(path).path + "/" + (f"?{query}" if query else "")
            self._reply(Reply(308, b"", {"Location": place}))
        elif page is None:
            self._reply(Reply(404, b"Not found\n", {"Content-Type": "text/plain"}))
        else:
            self._reply(Reply(200, page.body, {"Content-Type": page.kind, **page.headers}))

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
        """Requests are not printed: their addresses carry link codes."""


def load_app() -> ModuleType:
    """The functions' ``app.py``, as Lambda loads it: a module of that name."""
    spec = importlib.util.spec_from_file_location("app", APP)
    if spec is None or spec.loader is None:
        raise ImportError(str(APP))
    module = importlib.util.module_from_spec(spec)
    sys.modules["app"] = module
    spec.loader.exec_module(module)
    return module


def make_server(
    settings: Settings, find_page: Callable[[str], Page | None], host: str, port: int
) -> LocalDevServer:
    """A server that is bound but not serving yet; port 0 takes a free one."""
    os.environ.update(ECHOFORM_DATA=settings.data, ECHOFORM_KEY=settings.key.decode())
    app: Chalice = load_app().app
    # Chalice's own way (chalice.local.create_local_server) to keep each thread's request apart.
    CustomLocalChalice.__bases__ = (LocalChalice, app.__class__)
    app.__class__ = CustomLocalChalice
    handler = type("SiteHandler", (Handler,), {"find_page": staticmethod(find_page)})
    server = LocalDevServer(app, Config(), host, port, handler_cls=handler)
    server.server.request_queue_size = 128
    server.server.socket.listen(128)
    return server


class Schedule:
    """Runs jobs over and over, in a process of their own so that answers never wait for them."""

    def __init__(self, settings: Settings, jobs: list[str], seconds: float) -> None:
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
        pool = self._pool()
        while not self._stop.wait(self._seconds):
            for job in self._jobs:
                try:
                    pool.submit(run_job, job, self._settings).result()
                except BrokenProcessPool:
                    pool = self._pool()
                except Exception as error:  # the next round does what this one could not
                    print(f"{job}: {type(error).__name__}: {error}", file=sys.stderr)
        pool.shutdown(cancel_futures=True)

    def _pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
