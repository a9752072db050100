"""Wheels for Lambda: which ones, by a lock with their hashes, and what of them goes into a package.

They are chosen by their platform tags, so packaging needs no interpreter of Lambda's version and no
machine of its kind, and nothing is ever compiled. A lock is a file of pip's own: it names every
package that is fetched, with the hash of each platform's wheel, so a mirror cannot put in another.
"""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from chalicelib.survey import EchoformError

PYTHON = "3.13"
ARCHITECTURES = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Lambda's names and those of wheels."""
_GLIBC = (34, 31, 28, 27, 26, 24, 17)
"""Minor versions that wheels name and Lambda's Amazon Linux 2023 (2.34) has."""
ALONE = ("chalice",)
"""Taken without what they ask for: that is for Chalice's command line, not for an app."""
_NEEDLESS = (
    "*.pyx",
    "*.pxi",
    "*.pxd",
    "*.pyi",
    "*.h",
    "*.hpp",
    "*.cc",
    "*/tests/*",
    "*/include/*",
    "*/RECORD",
    "chalice/cli/*",
    "chalice/deploy/*",
    "chalice/templates/*",
    "chalice/vendored/botocore/*",
    "pyarrow/*flight*",
    "pyarrow/_substrait*",
    "pyarrow/*cpp_tests*",
    "pyarrow/libarrow_python.so.*.*.*",
    "pyarrow/libarrow_python_*",
    "pyarrow/_azurefs*",
    "pyarrow/_gcsfs*",
    "pyarrow/_hdfs*",
    "pyarrow/_orc*",
    "pyarrow/_dataset_orc*",
    "pyarrow/_s3fs*",
    "pyarrow/libarrow_s3.so*",
    "pyarrow/src/*",
)
"""What no function loads: sources, tests, and the ways of Arrow to places we reach otherwise."""


class NoWheels(EchoformError):
    """Wheels could not be had as the lock names them."""


def fetch(lock: Path, architecture: str, into: Path, wheels: Path | None = None) -> list[Path]:
    """The wheels that a lock names, by name. ``wheels``: a folder to take them from, offline.

    Raises NoWheels.
    """
    offline = ["--no-index", "--find-links", str(wheels)] if wheels else []
    _download(architecture, into, [*offline, "--no-deps", "--require-hashes", "-r", str(lock)])
    return sorted(into.glob("*.whl"))


def resolve(wanted: Sequence[str], wheels: Path | None = None) -> str:
    """The text of a lock for these requirements. Raises NoWheels."""
    hashes: dict[str, set[str]] = {}
    with TemporaryDirectory() as folder:
        for architecture in ARCHITECTURES:
            into = Path(folder, architecture)
            offline = ["--no-index", "--find-links", str(wheels)] if wheels else []
            for alone in (True, False):
                names = [each for each in wanted if (name_of(each) in ALONE) is alone]
                if names:
                    more = ["--no-deps"] if alone else []
                    _download(architecture, into, [*offline, *more, *names])
            for wheel in into.glob("*.whl"):
                name, version = wheel.name.split("-")[:2]
                pinned = f"{_plain(name)}=={version}"
                hashes.setdefault(pinned, set()).add(sha256(wheel.read_bytes()).hexdigest())
    split = {pinned.split("==")[0] for pinned in hashes}
    if len(split) < len(hashes):
        raise NoWheels(
            "the architectures have no version of a package in common:\n  "
            + "\n  ".join(sorted(hashes))
        )
    return "".join(
        " \\\n    ".join([pinned, *(f"--hash=sha256:{each}" for each in sorted(hashes[pinned]))])
        + "\n"
        for pinned in sorted(hashes)
    )


def pins(lock: str) -> dict[str, str]:
    """Versions by package, as a lock has them."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.MULTILINE))


def name_of(requirement: str) -> str:
    """The package that a line of requirements is about."""
    return _plain(re.split(r"[^A-Za-z0-9._-]", requirement.strip())[0])


def contents(wheels: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """What of these wheels goes into a package: names as Python imports them, and bytes."""
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                inside = re.sub(r"^[^/]+\.data/(purelib|platlib)/", "", name)
                if not name.endswith("/") and not any(fnmatch(inside, each) for each in _NEEDLESS):
                    yield inside, archive.read(name)


def _download(architecture: str, into: Path, arguments: Sequence[str]) -> None:
    machine = ARCHITECTURES[architecture]
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in _GLIBC] + [
        f"manylinux2014_{machine}"
    ]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON}"]
    command += [f"--platform={platform}" for platform in platforms]
    into.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(  # noqa: S603  (pip, with names from files of ours)
        [*command, "--dest", str(into), *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "ERROR" in line] or [done.stderr]
        raise NoWheels("pip could not fetch what Lambda needs:\n  " + "\n  ".join(said))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
