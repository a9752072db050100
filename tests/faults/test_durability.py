"""Write, fsync, link, fsync the folder, and only then acknowledge.

kill -9 cannot show a missing fsync, so the calls themselves are traced: in the process always, and
by the kernel's account (strace) where that is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chalicelib.published import Definitions, publish
from chalicelib.running import now
from chalicelib.settings import Settings
from chalicelib.storage import FolderStore
from chalicelib.survey import Contract, ids
from chalicelib.survey.questions import Score
from generator.serving import make_server
from tests.faults.test_kill import free_port, post, server
from tests.surveys import survey, text

SURVEY: Contract = survey(Score(id="overall", text=text("总分", "Overall"), required=True))


def body() -> bytes:
    answers = {"overall": 9}
    parts = {"version": SURVEY.version, "language": "en", "answers": answers}
    return msgspec.json.encode({"id": ids.make(now(), 1), **parts})


def test_the_answer_is_on_disk_before_it_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(FolderStore(tmp_path), SURVEY, now())
    monkeypatch.setenv("ECHOFORM_DATA", "")  # the server sets it; this sets it back
    monkeypatch.setenv("ECHOFORM_KEY", "")
    local = make_server(Settings(str(tmp_path), None, b"key"), lambda path: None, "127.0.0.1", 0)
    port = local.server.server_address[1]
    calls: list[str] = []

    def traced(owner: Any, name: str, label: str) -> None:
        real = getattr(owner, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if name == "fsync":
                target = os.readlink(f"/proc/self/fd/{args[0]}")
                calls.append("fsync folder" if Path(target).is_dir() else "fsync file")
            elif name != "send" or b"201" in bytes(args[1])[:20]:
                calls.append(label)
            return real(*args, **kwargs)

        monkeypatch.setattr(owner, name, call)

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc to name what is fsynced")
    thread = threading.Thread(target=local.server.serve_forever)
    thread.start()
    try:
        with monkeypatch.context():
            traced(os, "fsync", "fsync")
            traced(os, "link", "link")
            traced(socket.socket, "send", "201")
            assert post(port, SURVEY.id, body())
    finally:
        local.server.shutdown()
        local.server.server_close()
        thread.join()
    acknowledged = calls.index("201")
    assert calls.index("fsync file") < calls.index("link")
    assert calls.count("201") == 1
    last_link = max(place for place, call in enumerate(calls) if call == "link")
    assert calls[last_link + 1 : acknowledged] == ["fsync folder"]


def test_a_folder_somebody_else_made_is_not_taken_for_lasting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever made it may have been killed before its name was on disk."""
    (tmp_path / "landing" / "small").mkdir(parents=True)
    synced: list[Path] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{handle}")))
        real(handle)

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc to name what is fsynced")
    monkeypatch.setattr(os, "fsync", fsync)
    FolderStore(tmp_path).create("landing/small/x", b"1")
    assert {tmp_path, tmp_path / "landing", tmp_path / "landing" / "small"} <= set(synced)


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_the_kernel_saw_the_same_order(tmp_path: Path) -> None:
    definition = tmp_path / "small.yaml"
    definition.write_text(
        "id: small\ntitle: Small\nlanguages: [en]\ntimezone: UTC\nsections:\n"
        "  - id: all\n    questions:\n"
        "      - {id: overall, type: score, text: Overall, required: true}\n"
    )
    port, trace = free_port(), tmp_path / "trace"
    with server(tmp_path / "data", definition, port) as process:
        watched = "trace=fsync,link,linkat,write,sendto"
        tracer = subprocess.Popen(
            ["strace", "-f", "-y", "-s", "200", "-e", watched, "-o", trace, "-p", str(process.pid)],
            stderr=subprocess.PIPE,
        )
        assert tracer.stderr is not None
        if b"attached" not in tracer.stderr.readline():
            pytest.skip("strace may not attach here")
        version = Definitions(FolderStore(tmp_path / "data")).publication("small").version
        parts = {"version": version, "language": "en", "answers": {"overall": 9}}
        assert post(port, "small", msgspec.json.encode({"id": ids.make(now(), 1), **parts}))
        tracer.terminate()
        tracer.wait()
        tracer.stderr.close()
    lines = trace.read_text(errors="replace").splitlines()
    kinds = [
        kind
        for line in lines
        for kind, pattern in (
            ("write file", r"write\(\d+</.*/\.store/temporary/.*answers"),
            ("fsync file", r"fsync\(\d+</.*/\.store/temporary/\w+>"),
            ("link", r"link(at)?\(.*landing/small/"),
            ("fsync folder", r"fsync\(\d+</.*/landing/small>"),
            ("201", r"HTTP/1.1 201"),
        )
        if re.search(pattern, line)
    ]
    assert [k for place, k in enumerate(kinds) if kinds[place - 1 : place] != [k]][-5:] == [
        "write file",
        "fsync file",
        "link",
        "fsync folder",
        "201",
    ]
