"""Lambda's interpreter, where this machine has one: for tests that run what is packaged."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from generator.wheels import PYTHON


@cache
def lambdas_python() -> str | None:
    """An interpreter that says it is of Lambda's version; shims of pyenv may only seem to be."""
    for candidate in _candidates():
        asked = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.stdout.strip() == PYTHON:
            return candidate
    return None


def _candidates() -> Iterator[str]:
    yield sys.executable
    if found := shutil.which(f"python{PYTHON}"):
        yield found
    for path in sorted(Path.home().glob(f".pyenv/versions/{PYTHON}.*/bin/python")):
        yield str(path)
