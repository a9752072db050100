"""Every store there is, for tests that hold for all of them.

A ``conftest.py`` imports the fixtures it wants. The S3 store talks to moto's server, which refuses
what S3 refuses: a second create, and a replace of what is not there any more.
"""

from __future__ import annotations

import atexit
import logging
import os
from functools import cache
from pathlib import Path
from secrets import token_hex

import boto3
import pytest
from moto.server import ThreadedMotoServer

from chalicelib.storage import FolderStore, MemoryStore, S3Store, Store

BUCKET = "answers"
_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@cache
def _server() -> str:
    """An S3 server on a free port, for as long as the tests run."""
    os.environ |= _CREDENTIALS
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    atexit.register(server.stop)
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


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
