"""Packages for Lambda: the same files in, the same bytes out; what did not change is not sent.

``functions.zip`` is ``app.py``, ``chalicelib`` and what an answer needs; ``computing.zip`` is the
layer of the functions that count. Chalice's own packaging is not used: it resolves anew each time,
for the interpreter that happens to run it, and where it finds no wheel it leaves the package out
and exits 0. boto3 is not packed: Lambda's runtime has it, and 20 MB more would slow every start.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

import chalicelib
from chalicelib.survey import EchoformError
from generator import http_api, template, wheels
from generator.places import APP, CHALICE, INFRA
from generator.serving import load_app

LARGEST = 250 << 20
"""Bytes that Lambda takes unzipped, the function and its layers together."""
MANIFEST = "manifest.json"
PACKAGES = INFRA / "packages"
REQUIREMENTS = {
    "functions": APP.parent / "requirements.txt",
    "computing": PACKAGES / "computing.txt",
}
LOCKED = REQUIREMENTS | {"stand-in": PACKAGES / "stand-in.txt"}
"""What has a lock: also what is never sent to AWS."""
_LAST = (1980, 1, 1, 0, 0, 0)
"""The one time that all files in a package have."""


class TooLarge(EchoformError):
    """Lambda would refuse the package."""


class Stale(EchoformError):
    """A package was made of other files than there are now."""


class Manifest(msgspec.Struct, frozen=True):
    """What a package was made of, and what it is."""

    sources: str
    architecture: str
    sizes: dict[str, int]
    """Bytes unzipped, by file."""
    digests: dict[str, str]


def package(into: Path, architecture: str = "arm64", held: Path | None = None) -> Manifest:
    """Make the packages and templates. ``held``: a folder of wheels, for machines without network.

    Raises NoWheels, Unready, TooLarge.
    """
    app = load_app().app
    made = {
        f"template-{partition}.json": _json(template.template(app, partition, architecture))
        for partition in template.PARTITIONS
    }
    made["template-waf.json"] = _json(template.load(INFRA / "waf.yaml"))
    into.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        fetched = {
            name: wheels.fetch(lock(name), architecture, Path(folder, name), held)
            for name in REQUIREMENTS
        }
        functions = dict(wheels.contents(fetched["functions"])) | code()
        computing = {f"python/{n}": b for n, b in wheels.contents(fetched["computing"])}
    sizes = {
        template.CODE: sum(map(len, functions.values())),
        template.LAYER: sum(map(len, computing.values())),
    }
    if sum(sizes.values()) > LARGEST:
        each = ", ".join(f"{name} {size / (1 << 20):.0f} MB" for name, size in sizes.items())
        raise TooLarge(f"Lambda takes 250 MB unzipped together, and these are more: {each}")
    archive(functions.items(), into / template.CODE)
    archive(computing.items(), into / template.LAYER)
    for name, data in made.items():
        (into / name).write_bytes(data)
    names = [template.CODE, template.LAYER, *made]
    digests = {name: sha256((into / name).read_bytes()).hexdigest() for name in names}
    manifest = Manifest(sources(), architecture, sizes, digests)
    (into / MANIFEST).write_bytes(_json(manifest))
    return manifest


def check(folder: Path) -> Manifest:
    """That the packages are whole, and made of what there is now. Raises Stale."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError):
        raise Stale(f"{folder} holds no package: run `echoform package`") from None
    for name, digest in manifest.digests.items():
        path = folder / name
        if not path.is_file() or sha256(path.read_bytes()).hexdigest() != digest:
            raise Stale(f"{path} is not what was packaged: run `echoform package` again")
    if manifest.sources != sources():
        raise Stale(f"{folder} was made of other files than there are now: run `echoform package`")
    return manifest


def relock(held: Path | None = None) -> None:
    """Write the locks anew, with the latest versions. Raises NoWheels."""
    for name, path in LOCKED.items():
        lock(name).write_text(wheels.resolve(wanted(path), held), "utf-8")


def wanted(path: Path) -> list[str]:
    """The requirements of a file, a line each."""
    return [line for line in path.read_text("utf-8").splitlines() if line and line[0] != "#"]


def lock(name: str) -> Path:
    return PACKAGES / f"{name}.lock"


def code() -> dict[str, bytes]:
    """Our own files, by their names in the package."""
    [place] = chalicelib.__path__
    found = {
        f"chalicelib/{path.relative_to(place).as_posix()}": path.read_bytes()
        for path in Path(place).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    return {**found, "app.py": APP.read_bytes()}


def sources() -> str:
    """A digest of all that packages are made of."""
    files = code() | {
        path.name: path.read_bytes()
        for path in (*INFRA.glob("*.*"), *PACKAGES.iterdir())
        if path.suffix in (".yaml", ".js", ".lock")
    }
    files[".chalice/config.json"] = CHALICE.read_bytes()
    for name in (template.__file__, http_api.__file__, wheels.__file__, __file__):
        files[f"generator/{Path(name).name}"] = Path(name).read_bytes()  # what makes them of these
    digest = sha256()
    for name, data in sorted(files.items()):
        digest.update(b"%d %s %d " % (len(name), name.encode(), len(data)))
        digest.update(data)
    return digest.hexdigest()


def archive(files: Iterable[tuple[str, bytes]], path: Path) -> None:
    """A zip that says nothing of when and where it was made."""
    with zipfile.ZipFile(path, "w") as into:
        for name, data in sorted(files):
            about = zipfile.ZipInfo(name, _LAST)
            about.create_system = 3  # Unix, wherever it is made
            about.external_attr = 0o100755 << 16
            about.compress_type = zipfile.ZIP_DEFLATED
            into.writestr(about, data, compresslevel=6)


def _json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=1)
