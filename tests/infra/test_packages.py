"""What is packaged is what Lambda runs: the same bytes twice, light enough, and it works.

The long tests fetch wheels as the lock names them, and run them in Lambda's interpreter.
"""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

import app
from chalicelib import keys
from chalicelib.published import publish
from chalicelib.running import now
from chalicelib.storage import S3Store
from chalicelib.survey import ids
from generator import http_api, packaging, template, wheels
from generator.packaging import Stale, TooLarge
from generator.places import APP
from generator.stand_in import interpreter
from tests.functions.gatewayed import second
from tests.infra.operating import FLAT
from tests.infra.recording import Aws, recorded
from tests.jobs.answering import contract, rows

SURVEY = contract()
ROOT = APP.parents[1]


def wheel(folder: Path, name: str, files: dict[str, bytes]) -> str:
    """A wheel of one version, and the line of a lock that names it."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    about = {
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
        f"{name}-1.0.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as into:
        for inside, data in {**files, **{n: t.encode() for n, t in about.items()}}.items():
            into.writestr(inside, data)
    return f"{name}==1.0 --hash=sha256:{sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Wheels of a few bytes, and locks that name them, so that packaging takes no time."""
    packages = tmp_path / "packages"
    packages.mkdir()
    for name in packaging.REQUIREMENTS:
        line = wheel(
            tmp_path / "wheels", name, {f"{name}/__init__.py": b"", f"{name}/tests/big.py": b"1"}
        )
        (packages / f"{name}.lock").write_text(line)
    monkeypatch.setattr(packaging, "PACKAGES", packages)
    return tmp_path / "wheels"


def test_the_same_files_give_the_same_bytes(small: Path, tmp_path: Path) -> None:
    first = packaging.package(tmp_path / "one", held=small)
    again = packaging.package(tmp_path / "two", held=small)
    assert first == again
    assert packaging.check(tmp_path / "one") == first
    with zipfile.ZipFile(tmp_path / "one" / template.CODE) as made:
        named = made.namelist()
    assert {"app.py", "chalicelib/survey/questions.py", "functions/__init__.py"} <= {*named}
    assert not [n for n in named if n.endswith(".pyc") or "/tests/" in n]


def test_a_wheel_that_is_not_the_locks_is_refused(small: Path, tmp_path: Path) -> None:
    wheel(small, "computing", {"computing/__init__.py": b"import os"})
    with pytest.raises(wheels.NoWheels, match="HASHES"):
        packaging.package(tmp_path / "made", held=small)


def test_a_stale_layer_is_noticed(small: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    packaging.package(made, held=small)
    line = wheel(small, "computing", {"computing/__init__.py": b"newer = 1"})
    (packaging.PACKAGES / "computing.lock").write_text(line)
    with pytest.raises(Stale, match="other files than there are now"):
        packaging.check(made)
    packaging.package(made, held=small)
    (made / template.LAYER).write_bytes(b"cut off")
    with pytest.raises(Stale, match=template.LAYER):
        packaging.check(made)


def test_what_lambda_would_refuse_is_refused_here(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packaging, "LARGEST", 1000)
    with pytest.raises(TooLarge, match="250 MB"):
        packaging.package(tmp_path / "made", held=small)
    assert not (tmp_path / "made" / template.CODE).exists()


def test_what_makes_templates_makes_packages_stale_too(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a new version of ours would deploy the template of the one before."""
    made = tmp_path / "made"
    packaging.package(made, held=small)
    packaging.check(made)
    (tmp_path / "http_api.py").write_text("# another", "utf-8")
    monkeypatch.setattr(http_api, "__file__", str(tmp_path / "http_api.py"))
    with pytest.raises(Stale, match="other files than there are now"):
        packaging.check(made)


def test_locks_name_what_is_required() -> None:
    """`echoform package --lock` writes them anew."""
    for name, path in packaging.LOCKED.items():
        pinned = wheels.pins(packaging.lock(name).read_text("utf-8"))
        assert {wheels.name_of(each) for each in packaging.wanted(path)} <= {*pinned}, name


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The real packages for the processors of this machine, unzipped."""
    python = interpreter()
    if python is None:
        pytest.skip(f"needs Python {wheels.PYTHON}, which is Lambda's: pyenv install 3.13")
    folder = tmp_path_factory.mktemp("package")
    held = os.environ.get("ECHOFORM_WHEELS")
    packaging.package(folder, "x86_64", Path(held) if held else None)
    for name in (template.CODE, template.LAYER):
        with zipfile.ZipFile(folder / name) as archive:
            archive.extractall(folder / name.removesuffix(".zip"))
    return {
        "python": Path(python),
        "code": folder / "functions",
        "layer": folder / "computing" / "python",
        "runtime": runtime(folder / "runtime"),
    }


def runtime(folder: Path) -> Path:
    """boto3, which Lambda's runtime has: pure Python, so ours does for any version."""
    folder.mkdir()
    for name in ("boto3", "botocore", "jmespath", "dateutil", "six.py", "s3transfer", "urllib3"):
        (found,) = [
            Path(place) / name
            for place in {Path(msgspec.__file__).parents[1]}
            if (Path(place) / name).exists()
        ]
        (folder / name).symlink_to(found)
    return folder


INVOKE = """
import sys, json
sys.path[:0] = json.loads(sys.argv[1])
import app
class Context:
    function_name, memory_limit_in_mb, aws_request_id = "f", 512, "r"
    invoked_function_arn = log_group_name = log_stream_name = ""
    def get_remaining_time_in_millis(self): return 200_000
print("=" + json.dumps(getattr(app, sys.argv[2])(json.loads(sys.argv[3]), Context())))
"""


def invoke(unpacked: dict[str, Path], aws: Aws, function: str, event: Any) -> Any:
    """Run a function as Lambda does: its package, its layers as configured, and nothing else."""
    said = template.read_config()["lambda_functions"][function]
    layers = [str(unpacked["layer"])] if said.get("layers") else []
    places = [str(unpacked["code"]), *layers, str(unpacked["runtime"])]
    handler = "app" if function == template.API else function
    command = [str(unpacked["python"]), "-I", "-S", "-B", "-c", INVOKE]
    done = subprocess.run(
        [*command, json.dumps(places), handler, json.dumps(event)],
        env=aws.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout.rpartition("\n=")[2] or done.stdout.removeprefix("="))


def posted(route: str, body: object, **named: str) -> dict[str, Any]:
    """A request as API Gateway hands it over."""
    data = msgspec.json.encode(body)
    return second("POST", route, data, {"content-type": "application/json"}, **named)


SCHEDULED = {
    "version": "0", "account": "1", "region": "us-east-1", "detail": {}, "detail-type": "",
    "source": "aws.events", "time": "", "id": "", "resources": [],
}  # fmt: skip


@pytest.fixture
def aws() -> Iterator[Aws]:
    with recorded() as aws:
        yield aws


@pytest.mark.long
def test_an_answer_is_taken_merged_and_counted_by_what_is_packaged(
    unpacked: dict[str, Path], aws: Aws
) -> None:
    store = S3Store(aws.bucket, "", aws.endpoint)
    publish(store, SURVEY, now() - 1000)
    answer = {
        "id": ids.make(now(), 1),
        "version": SURVEY.version,
        "language": "en",
        "answers": {"speed": 5, "care": 4, "recommend": 9},
    }
    event = posted("/responses/{survey}", answer, survey=SURVEY.id)
    assert invoke(unpacked, aws, "api_handler", event)["statusCode"] == 201
    assert invoke(unpacked, aws, "api_handler", event)["statusCode"] == 200
    assert invoke(unpacked, aws, "merge", SCHEDULED)["merged"] == 1
    assert [row["response"] for row in rows(store)] == [answer["id"]]
    assert invoke(unpacked, aws, "tally", SCHEDULED)
    assert [e.key for e in store.list(keys.TALLIES)]
    assert not invoke(unpacked, aws, "purge", SCHEDULED)["responses"]


@pytest.mark.long
@pytest.mark.parametrize("function", template.functions(app.app))
def test_every_function_finds_all_that_it_imports(unpacked: dict[str, Path], function: str) -> None:
    """Also those whose job is imported when they run: a layer that lacks something is caught."""
    said = template.read_config()["lambda_functions"][function]
    layers = [str(unpacked["layer"])] if said.get("layers") else []
    places = [str(unpacked["code"]), *layers, str(unpacked["runtime"])]
    code = (
        f"import sys; sys.path[:0] = {places!r}; import app; "
        "from importlib import import_module; from chalicelib.running import JOBS; "
        f"name = {function!r}.removesuffix('_part'); "
        "import_module(JOBS[name]) if name in JOBS else None"
    )
    command = [str(unpacked["python"]), "-I", "-S", "-B", "-c", code]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr


@pytest.mark.long
def test_the_readme_says_how_large_they_are(tmp_path: Path) -> None:
    held, found = os.environ.get("ECHOFORM_WHEELS"), []
    for architecture in ("arm64", "x86_64"):
        try:
            made = packaging.package(
                tmp_path / architecture, architecture, Path(held) if held else None
            )
        except wheels.NoWheels as error:
            pytest.skip(f"nothing can be packaged here: {error}")
        found.append([made.sizes[name] / (1 << 20) for name in (template.CODE, template.LAYER)])
    (code, layer), (code_x86, layer_x86) = found
    assert f"`functions.zip` ({code:.0f} MB unzipped)" in FLAT
    assert f"sqlglot; {layer:.0f} MB)" in FLAT
    assert f"x86_64` they are {code_x86:.0f} and {layer_x86:.0f} MB" in FLAT
