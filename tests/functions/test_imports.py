"""The light paths stay light: an allow-list of modules and a budget, in clean interpreters."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {"boto3", "botocore", "pandas", "pyarrow", "numpy", "duckdb", "jinja2", "ruamel", "sqlglot"}


def run(code: str) -> str:
    path = os.pathsep.join([str(ROOT), str(ROOT / "functions")])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def loaded_by(statement: str) -> set[str]:
    modules = json.loads(run(f"{statement}; import sys, json; print(json.dumps([*sys.modules]))"))
    return {module.split(".")[0] for module in modules} - set(sys.stdlib_module_names)


def third_party(statement: str) -> set[str]:
    return {name for name in loaded_by(statement) - loaded_by("pass") if not name.startswith("_")}


def test_the_kernel_needs_msgspec_and_nothing_else() -> None:
    assert third_party("import chalicelib.survey") == third_party("import msgspec") | {"chalicelib"}


def test_the_api_loads_only_what_an_answer_needs() -> None:
    allowed = {"app", "chalice", "chalicelib", "msgspec", "obstore", "filelock"}
    assert third_party("import app") <= allowed | third_party("import msgspec")
    assert not loaded_by("import app") & HEAVY


def test_customers_never_wait_for_what_staff_need() -> None:
    """Nor do staff for an issuer's cryptography where none is configured, or for pyarrow."""
    loaded = json.loads(run("import app, sys, json; print(json.dumps([*sys.modules]))"))
    assert not [name for name in loaded if name.startswith(("chalicelib.staff", "sqlite3"))]
    heavy = HEAVY | {"jwt", "cryptography"}
    assert not loaded_by("import chalicelib.staff.api, chalicelib.staff.reader") & heavy


def test_help_loads_click_only() -> None:
    assert third_party("import generator.__main__") == {"click", "generator"}


@pytest.mark.parametrize(
    ("base", "more", "budget_ms", "times_base"),
    [
        ("import msgspec", "import chalicelib.survey", 30, 1.4),
        ("import click", "import generator.__main__", 150, 6.0),
    ],
)
def test_imports_keep_their_budget(
    base: str, more: str, budget_ms: float, times_base: float
) -> None:
    """In milliseconds; on a busy machine, as many times the base as that is on an idle one."""
    code = (
        "import time; clock = time.perf_counter; a = clock(); "
        f"{base}; b = clock(); {more}; c = clock(); print((b - a) * 1000, (c - b) * 1000)"
    )
    run(code)  # writes the bytecode
    taken = [tuple(map(float, run(code).split())) for _ in range(5)]
    bases, mores = (statistics.median(column) for column in zip(*taken, strict=True))
    assert mores <= max(budget_ms, times_base * bases)
