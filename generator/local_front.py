"""One port of this machine as what CloudFront is on AWS: it asks the stand-in's distribution.

Everything CloudFront does (addresses, headers, which origin) is the stand-in's, as the template
says it; here a request only becomes one over TLS for the distribution's name.
"""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from chalicelib.survey import EchoformError

LARGEST = 10 << 20
"""As much as API Gateway takes."""
_HOPS = ("host", "connection", "keep-alive", "transfer-encoding", "content-length")
_OWN = (*_HOPS, "date", "server", "strict-transport-security")
"""Headers of the distribution's reply that are not passed on: a laptop's port has no TLS."""


class CannotListen(EchoformError):
    """The address is another program's, or none of this machine's."""


class Front(ThreadingHTTPServer):
    """Bound, but not serving yet; port 0 takes a free one. Raises CannotListen."""

    daemon_threads = True

    def __init__(self, host: str, port: int, origin: int, name: str) -> None:
        """``origin``: the stand-in's port. ``name``: the distribution's."""
        self.origin, self.name = origin, name
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise CannotListen(f"cannot listen on {host}:{port}: {error.strerror}") from None

    @property
    def address(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"


class _Handler(BaseHTTPRequestHandler):
    server: Front
    protocol_version = "HTTP/1.1"

    def _pass_on(self) -> None:
        length = self.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST or "transfer-encoding" in self.headers:
            self.close_connection = True
            self.send_error(413)
            return
        body = self.rfile.read(int(length))
        headers = {n: v for n, v in self.headers.items() if n.lower() not in _HOPS}
        headers |= {"Host": self.server.name, "X-Forwarded-Proto": "https"}
        origin = HTTPConnection("127.0.0.1", self.server.origin, timeout=60)
        try:
            origin.request(self.command, self.path, body, headers)
            reply = origin.getresponse()
            data = reply.read()
        except (OSError, HTTPException):
            self.send_error(502)
            return
        finally:
            origin.close()
        self.send_response(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in _OWN:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _pass_on

    def log_message(self, format: str, *args: object) -> None:
        """Addresses hold links' codes."""
