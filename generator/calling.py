"""A local server's API, called over HTTP as pages call it."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import Any

import msgspec
from chalice.local import LocalDevServer

from chalicelib.survey import EchoformError
from generator.local import address

PATIENCE_S = 30


class Unwelcome(EchoformError):
    """The server refused a request. Carries the status and the reply."""

    def __init__(self, path: str, status: int, reply: Any) -> None:
        super().__init__(f"the server refused {path}: {status} {reply}")
        self.status = status
        self.reply = reply


def call(server: LocalDevServer, path: str, body: Any = None, token: str = "") -> Any:
    """The reply to a POST, or without a body to a GET. Raises Unwelcome."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    connection = HTTPConnection(address(server).removeprefix("http://"), timeout=PATIENCE_S)
    try:
        if body is None:
            connection.request("GET", f"/api{path}", headers=headers)
        else:
            headers["Content-Type"] = "application/json"
            connection.request("POST", f"/api{path}", msgspec.json.encode(body), headers)
        reply = connection.getresponse()
        said = msgspec.json.decode(reply.read())
    finally:
        connection.close()
    if reply.status not in (200, 201):
        raise Unwelcome(path, reply.status, said)
    return said
