"""A stand-in of AWS on this machine: ministack, in an environment of its own, while it is needed.

It deploys what AWS would be given and runs it: policies of roles and buckets are enforced,
schedules fire, functions run in processes of their own. They run under the stand-in's interpreter,
so that is of Lambda's version. It pins botocore, so it cannot live in Echoform's environment; its
own is made once, from a lock with hashes. It listens on the loopback alone, and ends with whoever
started it, even if that is killed.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from botocore.config import Config
from filelock import FileLock
from msgspec import Struct

from chalicelib.survey import EchoformError
from generator.packaging import lock
from generator.wheels import ARCHITECTURES, PYTHON

OWN = "ECHOFORM_MINISTACK"
"""Names a ministack that is there already."""
REGION = "us-east-1"
_MACHINES = {machine: name for name, machine in ARCHITECTURES.items()}
_PATIENCE_S = 60
_GUARD = """
import os, signal, subprocess, sys, threading
def end():
    sys.stdin.read()  # until whoever started us is gone, in whatever way
    os.killpg(0, signal.SIGKILL)
threading.Thread(target=end, daemon=True).start()
sys.exit(subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL))
"""


class NoStandIn(EchoformError):
    """This machine cannot stand in for AWS. The message says what it lacks."""


class StandIn(Struct, frozen=True):
    """AWS, as far as anybody on this machine can tell."""

    port: int
    log: Path
    account: str = "000000000000"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What makes AWS's own libraries, and ours, speak to it."""
        return {
            "AWS_ACCESS_KEY_ID": self.account,  # the administrator of that account
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "ECHOFORM_S3_ENDPOINT": self.endpoint,
        }

    def client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.account,
            aws_secret_access_key="test",  # noqa: S106  (the stand-in's)
            config=Config(retries={"max_attempts": 0}, read_timeout=900),
        )


def architecture() -> str:
    """Of packages that run here, by Lambda's name. Raises NoStandIn."""
    found = _MACHINES.get(platform.machine())
    library, version = platform.libc_ver()
    old = library != "glibc" or [*map(int, version.split("."))] < [2, 34]
    if sys.platform != "linux" or found is None or old:
        raise NoStandIn(
            "what is packaged for Lambda runs on Linux with glibc 2.34 or newer, on arm64 or"
            f" x86_64; this machine is {platform.system()} {platform.machine()}"
        )
    return found


@cache
def interpreter() -> str | None:
    """One that says it is of Lambda's version; shims of pyenv may only seem to be."""
    for candidate in _candidates():
        asked = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
        if done.stdout.strip() == PYTHON:
            return candidate
    return None


def ministack() -> Path:
    """The program; its environment is made where there is none yet. Raises NoStandIn."""
    architecture()
    if shutil.which("node") is None:
        raise NoStandIn("Node.js is missing: the stand-in runs infra/rewrite.js by it")
    if named := os.environ.get(OWN):
        if not Path(named).is_file():
            raise NoStandIn(f"{OWN} is {named}, and there is no such program")
        return Path(named)
    python = interpreter()
    if python is None:
        raise NoStandIn(f"Python {PYTHON}, which is Lambda's, is missing: pyenv install {PYTHON}")
    wanted = lock("stand-in")
    place = cache_folder() / f"ministack-{sha256(wanted.read_bytes()).hexdigest()[:16]}"
    whole = place / "whole"
    place.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{place}.lock"):
        if not whole.is_file():
            _install(python, wanted, place)
            whole.touch()
    return place / "bin" / "ministack"


def cache_folder() -> Path:
    """What is made once and may be removed at any time."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home, "echoform")


@contextmanager
def running() -> Iterator[StandIn]:
    """A stand-in that holds nothing yet; all of it is gone afterwards. Raises NoStandIn."""
    program = ministack()
    with TemporaryDirectory(prefix="echoform-aws-", ignore_cleanup_errors=True) as folder:
        here = StandIn(_free_port(), Path(folder, "ministack.log"))
        with here.log.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", _GUARD, str(program)],
                env=_environment(here, folder),
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is ours to hear, and what we end is all of it
            )
        try:
            _await(here, process)
            yield here
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def _environment(here: StandIn, folder: str) -> dict[str, str]:
    """Functions inherit it: it says where AWS is, which on AWS nobody has to be told."""
    return {
        **here.environment,
        "PATH": os.environ["PATH"],
        "HOME": folder,
        "TMPDIR": folder,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(here.port),
        "MINISTACK_HOST": "localhost",
        "AUTH": "true",  # roles' and buckets' policies are enforced
    }


def _await(here: StandIn, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not _answers(here):
        if process.poll() is not None or time.monotonic() > deadline:
            last = here.log.read_text("utf-8", "replace").strip().splitlines()[-5:]
            raise NoStandIn("\n  ".join(["ministack does not start; it said last:", *last]))
        time.sleep(0.1)


def _answers(here: StandIn) -> bool:
    connection = HTTPConnection("127.0.0.1", here.port, timeout=5)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _install(python: str, wanted: Path, place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)  # what was cut off
    steps: list[list[str]] = [
        [python, "-m", "venv", str(place)],
        [
            *(str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps"),
            *("--disable-pip-version-check", "--only-binary=:all:", "--require-hashes"),
            *("-r", str(wanted), *_offline(os.environ)),
        ],
    ]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if "ERROR" in line] or [done.stderr]
            raise NoStandIn(
                "ministack could not be installed; that needs the network once"
                f" (or {OWN}, the path of one that is there):\n  " + "\n  ".join(said)
            )


def _offline(environ: Mapping[str, str]) -> list[str]:
    held = environ.get("ECHOFORM_WHEELS")
    return ["--no-index", "--find-links", held] if held else []


def _candidates() -> Iterator[str]:
    yield sys.executable
    if found := shutil.which(f"python{PYTHON}"):
        yield found
    for path in sorted(Path.home().glob(f".pyenv/versions/{PYTHON}.*/bin/python")):
        yield str(path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
