"""Pages and an API of a few lines: it records what is posted and answers what it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from chalicelib.survey import Contract, from_form, read
from generator.render import pages
from generator.site import Site
from tests.browser.listening import Answering, listening


class Post(NamedTuple):
    path: str
    kind: str
    referer: str
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        assert self.kind == "application/json"
        body: dict[str, object] = json.loads(self.body)
        return body

    @property
    def form(self) -> dict[str, list[str]]:
        assert self.kind == "application/x-www-form-urlencoded"
        return parse_qs(self.body.decode(), keep_blank_values=True)

    def answers(self, contract: Contract) -> dict[str, object]:
        """What the kernel reads in it, whichever way it was sent."""
        if self.kind == "application/json":
            raw: object = self.json["answers"]
        else:
            raw = from_form(contract.fields, self.form)
        assert isinstance(raw, dict)
        result = read(contract.fields, raw)
        assert result.problems == []
        return dict(result.answers)


class Answer(NamedTuple):
    """How the API answers a post; ``lost``: it took it, and the reply never arrives."""

    status: int = 201
    error: str = ""
    message: str = ""
    problems: tuple[Mapping[str, str], ...] = ()
    ago: int = 0
    lost: bool = False


class Stub:
    """The next answers are taken from ``answers``; when there are none left, all is accepted."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.gets: list[str] = []
        self.posts: list[Post] = []
        self.left: list[str] = []
        """The marks of break-offs that pages told."""
        self.answers: list[Answer] = []
        self.url = ""


@contextmanager
def serve(*contracts: Contract, site: Site | None = None) -> Iterator[Stub]:
    stub = Stub({k: v for c in contracts for k, v in pages(c, site or Site()).items()})

    class Handler(Answering):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            stub.gets.append(self.path)
            data = stub.files.get(path.lstrip("/") + "index.html")
            self._reply(200 if data else 404, data or b"", {"Content-Type": "text/html"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kind = self.headers["Content-Type"].split(";")[0]
            if self.path.endswith("/links"):  # every link takes an answer
                self._reply(200, b'{"status":"open"}', {"Content-Type": "application/json"})
                return
            if "/break-offs/" in self.path:
                stub.left.append(body.decode())
                self._reply(204, b"", {})
                return
            stub.posts.append(Post(self.path, kind, self.headers.get("Referer", ""), body))
            answer = stub.answers.pop(0) if stub.answers else Answer()
            if answer.lost:
                self.close_connection = True
                return
            if kind != "application/json":
                survey = self.path.rsplit("/", 1)[1]
                self._reply(303, b"", {"Location": f"/{survey}/thanks/"})
                return
            reply = {"error": answer.error, "message": answer.message, "problems": answer.problems}
            data = json.dumps(reply if answer.error else {"receipt": "R"}).encode()
            self._reply(answer.status, data, {"Content-Type": "application/json"}, answer.ago)

        def _reply(
            self, status: int, data: bytes, headers: Mapping[str, str], ago: int = 0
        ) -> None:
            date = formatdate(1_900_000_000 if ago else None, usegmt=True)
            super()._reply(status, data, {"Date": date, **headers})

    with listening(Handler) as stub.url:
        yield stub
