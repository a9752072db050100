"""Building 1 and 1,000 surveys, against bare Jinja2 rendering of the same templates; page bytes.

python -m tests.bench.bench_build [SURVEYS]

Bare rendering is the time inside Jinja's own ``render`` while the same pages are made.
"""

from __future__ import annotations

import gzip
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jinja2 import Template

from generator.building import gather, plan, write
from generator.places import SURVEYS

SOURCE = (SURVEYS / "after-sales.yaml").read_text("utf-8")


@contextmanager
def timed_rendering() -> Iterator[list[float]]:
    """Seconds of every outermost render."""
    spent: list[float] = []
    depth = 0
    real = Template.render

    def render(self: Template, *args: Any, **kwargs: Any) -> str:
        nonlocal depth
        depth += 1
        start = time.perf_counter()
        try:
            return real(self, *args, **kwargs)
        finally:
            depth -= 1
            if not depth:
                spent.append(time.perf_counter() - start)

    Template.render = render  # type: ignore[method-assign]
    try:
        yield spent
    finally:
        Template.render = real  # type: ignore[method-assign]


def build(surveys: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source, dist = Path(folder) / "surveys", Path(folder) / "dist"
        source.mkdir()
        shutil.copy(SURVEYS / "service-recovery.yaml", source)
        for number in range(surveys):
            name = f"after-sales-{number}" if number else "after-sales"
            text = re.sub("^id: after-sales", f"id: {name}", SOURCE, count=1, flags=re.M)
            (source / f"{name}.yaml").write_text(text, "utf-8")
        with timed_rendering() as rendering:
            start = time.perf_counter()
            gathered = gather([source])
            compiled = time.perf_counter()
            files = plan(gathered, dist)
            planned = time.perf_counter()
            write(files, dist)
            done = time.perf_counter()
            again = write(plan(gather([source]), dist), dist)
        whole, bare = done - start, sum(rendering[: len(rendering) // 2])
        assert not again.changed
        print(
            f"{surveys} surveys: {surveys / whole:,.0f}/s ({whole:.2f} s: compile "
            f"{compiled - start:.2f}, pages {planned - compiled:.2f}, write {done - planned:.2f}); "
            f"{whole / bare:.2f} × bare Jinja2 ({bare:.2f} s); "
            f"pages alone {(planned - compiled) / bare:.2f} ×"
        )
        if surveys == 1:
            for name, data in files.items():
                if name.endswith("index.html"):
                    size = len(gzip.compress(data, 9))
                    print(f"  {name}: {len(data):,} bytes, {size:,} gzip -9")


def main(surveys: int = 1_000) -> None:
    build(1)  # warms templates, style and script
    build(1)
    build(surveys)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
