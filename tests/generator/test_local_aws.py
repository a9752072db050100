"""A stage on this machine: what is refused before it begins, what is changed for it, how it ends.

That all of it works is rehearsed in tests/rehearsal, which takes minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

import app
from generator import local_aws, packaging, stand_in, template
from generator.local_aws import Dangling, adapted, deployed
from generator.local_front import CannotListen, Front
from generator.packaging import Stale
from generator.stand_in import NoStandIn, StandIn

ROOT = Path(__file__).parents[2]
NOWHERE = StandIn(9, Path("none.log"))
"""A stand-in that nobody may ask."""


def quiet(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return template.template(app.app)


@pytest.fixture
def built(tmp_path: Path, whole: dict[str, Any]) -> Path:
    """A package of these very sources."""
    made = {local_aws.TEMPLATE: msgspec.json.encode(whole), "computing.zip": b"layer"}
    for name, data in made.items():
        (tmp_path / name).write_bytes(data)
    digests = {name: packaging.sha256(data).hexdigest() for name, data in made.items()}
    manifest = packaging.Manifest(packaging.sources(), "x86_64", {}, digests)
    (tmp_path / packaging.MANIFEST).write_bytes(msgspec.json.encode(manifest))
    return tmp_path


def test_a_stale_layer_is_refused_before_anything_is_asked(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaging, "sources", lambda: "of other locks than then")
    with pytest.raises(Stale, match="other files than there are now"):
        deployed(NOWHERE, built, quiet)


def test_a_layer_that_is_not_what_was_packaged_is_refused(built: Path) -> None:
    (built / "computing.zip").write_bytes(b"another")
    with pytest.raises(Stale, match=r"computing\.zip is not what was packaged"):
        deployed(NOWHERE, built, quiet)


def test_a_table_left_out_of_the_template_is_named(built: Path, whole: dict[str, Any]) -> None:
    left = {name: each for name, each in whole["Resources"].items() if name != "FollowUps"}
    with pytest.raises(Dangling, match="refers to FollowUps"):
        deployed(NOWHERE, built, quiet, {**whole, "Resources": left})


def test_only_what_the_stand_in_cannot_do_is_changed(whole: dict[str, Any]) -> None:
    made = adapted(whole, 4566)
    gone = {*whole["Resources"]} - {*made["Resources"]}
    kinds = {whole["Resources"][name]["Type"] for name in gone}
    assert kinds <= {*local_aws.UNKNOWN, "AWS::S3::BucketPolicy"}
    changed = {n for n, each in made["Resources"].items() if each != whole["Resources"][n]}
    assert {made["Resources"][name]["Type"] for name in changed} == {
        "AWS::S3::BucketPolicy",
        "AWS::CloudFront::Distribution",
    }
    assert "OnlyTls" not in str(made)
    assert all(made[part] == whole[part] for part in ("Parameters", "Outputs", "Conditions"))


def test_the_front_asks_the_distribution_as_over_tls() -> None:
    seen: list[tuple[str, dict[str, str], bytes]] = []

    class Cloud(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            seen.append((self.path, {n.lower(): v for n, v in self.headers.items()}, body))
            self.send_response(201)
            self.send_header("X-Cache", "Miss")
            self.send_header("Strict-Transport-Security", "max-age=1")
            self.end_headers()
            self.wfile.write(b"taken")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Cloud) as cloud:
        front = Front("127.0.0.1", 0, cloud.server_address[1], "d1.cloudfront.net")
        threads = [threading.Thread(target=each.serve_forever) for each in (cloud, front)]
        for thread in threads:
            thread.start()
        with urllib.request.urlopen(f"{front.address}/api/x?y=1", b"answer") as reply:
            assert (reply.status, reply.read()) == (201, b"taken")
            assert reply.headers["x-cache"] == "Miss"
            assert reply.headers["strict-transport-security"] is None, "this port has no TLS"
        with pytest.raises(CannotListen):
            Front("127.0.0.1", int(front.server_address[1]), 1, "")
        cloud.shutdown()
        cloud.server_close()
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{front.address}/")
        refused.value.close()
        assert refused.value.code == 502
        front.shutdown()
        front.server_close()
        for thread in threads:
            thread.join()
    [(path, headers, body)] = seen
    assert (path, body) == ("/api/x?y=1", b"answer")
    assert headers["host"] == "d1.cloudfront.net"
    assert headers["x-forwarded-proto"] == "https"


STAND_IN = """#!{python}
import os, subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
alive = os.open({fifo!r}, os.O_WRONLY)
subprocess.Popen(["sleep", "1000"], pass_fds=[alive])
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
HTTPServer((os.environ["BIND_HOST"], int(os.environ["GATEWAY_PORT"])), Handler).serve_forever()
"""


@pytest.mark.parametrize("end", ["pass", "os.kill(os.getpid(), 9)", "raise KeyboardInterrupt"])
def test_it_and_its_children_end_with_whoever_started_it(tmp_path: Path, end: str) -> None:
    """The pipe's end is seen when the last process that holds it is gone."""
    needs()
    fifo, program = tmp_path / "alive", tmp_path / "ministack"
    os.mkfifo(fifo)
    program.write_text(STAND_IN.format(python=sys.executable, fifo=str(fifo)))
    program.chmod(0o755)
    code = f"import os\nfrom generator import stand_in\nwith stand_in.running():\n    {end}\n"
    owner = subprocess.Popen(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            **{stand_in.OWN: str(program), "PYTHONPATH": "functions", "TMPDIR": str(tmp_path)},
        },
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    with fifo.open("rb") as alive:
        assert alive.read() == b""
    owner.wait()


def needs() -> None:
    try:
        stand_in.architecture()
    except NoStandIn as error:
        pytest.skip(str(error))


def test_what_this_machine_lacks_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    needs()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(stand_in.OWN, str(tmp_path / "none"))
    monkeypatch.setattr(stand_in.shutil, "which", lambda name: None)
    with pytest.raises(NoStandIn, match=r"Node\.js is missing"):
        stand_in.ministack()
    monkeypatch.setattr(stand_in.shutil, "which", lambda name: name)
    with pytest.raises(NoStandIn, match="there is no such program"):
        stand_in.ministack()
    monkeypatch.delenv(stand_in.OWN)
    monkeypatch.setattr(stand_in, "interpreter", lambda: None)
    with pytest.raises(NoStandIn, match="pyenv install"):
        stand_in.ministack()
    monkeypatch.setenv("ECHOFORM_WHEELS", str(tmp_path))  # which holds none
    monkeypatch.setattr(stand_in, "interpreter", lambda: sys.executable)
    with pytest.raises(NoStandIn, match="needs the network once"):
        stand_in.ministack()
    monkeypatch.setattr(stand_in.sys, "platform", "darwin")
    with pytest.raises(NoStandIn, match="Linux"):
        stand_in.architecture()
