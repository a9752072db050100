"""Every store there is, for tests that hold for all of them.

A ``conftest.py`` imports the fixtures it wants. The S3 store talks to moto, which refuses what S3
refuses: a second create, and a replace of what is not there any more. It looks and then does, which
S3 does as one; so requests, which may come all at once, are served one after another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from secrets import token_hex
from threading import Lock, Thread
from typing import Any

import boto3
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from chalicelib.storage import FolderStore, MemoryStore, S3Store, Store

BUCKET = "answers"


class _Silent(WSGIRequestHandler):
    def log(self, *_: object) -> None:
        pass


def _one_by_one(app: Callable[..., Iterable[bytes]]) -> Callable[..., list[bytes]]:
    lock = Lock()

    def serve(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        with lock:
            return [b"".join(app(environ, start))]

    return serve


@cache
def _server() -> str:
    """An S3 server on a free port, for as long as the tests run."""
    app = _one_by_one(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Silent)
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def s3_endpoint() -> str:
    """An S3 server with one bucket, which another test's ``mock_aws`` may have swept away."""
    endpoint = _server()
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket=BUCKET)
    return endpoint


@pytest.fixture(params=["memory", "folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of each kind."""
    if request.param == "memory":
        return MemoryStore()
    if request.param == "folder":
        return FolderStore(tmp_path / "data")
    endpoint: str = request.getfixturevalue("s3_endpoint")
    return S3Store(BUCKET, token_hex(8), endpoint)
