"""Every benchmark runs, in its smallest size: it ends and tells its figures. None is judged here.

Nothing else runs them in between, and they call much that changes.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from generator.row_files import FORMATS
from tests.bench import __main__ as every

SMALLEST = {
    "bench_accept": ("20 1", [r"^accept: N/s, N of decode \+ put"]),
    "bench_build": ("2", [r"^2 surveys: .* N × bare Jinja2", "pages alone N ×", "N gzip -9"]),
    "bench_export": (
        "60",
        [f"^{form}: 60 rows .* N rows/s" for form in FORMATS],
    ),
    "bench_follow_ups": (
        "4300 1",  # there is a page 21 of 200
        [r"^manager +page 21 of 200 +N ms", "^lead +team figures +N ms", "^append +N ms"],
    ),
    "bench_import": ("1", ["N times the time and N times the memory"]),
    "bench_links": ("200", ["^200 links: N s, N of the floor", "one read, N ms"]),
    "bench_merge": ("240 20 1", ["N x the ideal file", "^merge 20 .* N x pyarrow .* N x the part"]),
    "bench_page": ("1", ["^first tap: N × bare", "^dependent: N × bare", "300 questions: N ms"]),
    "bench_scores": ("2 5 1", ["^adding up: N s", "^scores by agent,day: N ms, .* 10 of 10 segm"]),
    "bench_tally": (
        "--rows 600 --runs 1",
        [f"^tally / {other}: N of time, N of processors" for other in ("bare", "pandas", "one .*")],
    ),
}
"""The arguments, and what is told: N is any figure."""


def test_every_bench_has_a_smallest_size() -> None:
    assert set(every.benches()) == set(SMALLEST)


def test_what_runs_all_says_what_each_is() -> None:
    assert re.findall("^- ([a-z_]+): ", every.__doc__ or "", re.M) == [
        name.removeprefix("bench_") for name in every.benches()
    ]


@pytest.mark.parametrize("name", SMALLEST)
def test_a_bench_ends_and_tells_its_figures(name: str) -> None:
    sizes, told = SMALLEST[name]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", f"tests.bench.{name}", *sizes.split()],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if needs := re.search("^needs .*", done.stdout, re.M):
        pytest.skip(needs[0])
    for figure in told:
        pattern = figure.replace("N", r" *\d[\d,]*(\.\d+)?")
        assert re.search(pattern, done.stdout, re.M), f"{figure}\n{done.stdout}"


def test_running_all_goes_on_after_one_that_fails_and_names_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(every, "benches", lambda: ["bench_of_nothing", "answered"])
    assert every.main() == 1
    assert capfd.readouterr().out.split() == [
        "of_nothing",
        "answered",
        "FAILED:",
        "bench_of_nothing",
    ]
