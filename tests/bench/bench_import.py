"""A cold start of the API: time and memory, against the same with boto3 and pandas beside it.

python -m tests.bench.bench_import [RUNS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUDGET_MS, BUDGET_MB = 120, 45
_CODE = """
import time
start = time.perf_counter()
{}
took = (time.perf_counter() - start) * 1000
for line in open("/proc/self/status"):
    if line.startswith("VmRSS"):
        print(took, int(line.split()[1]) / 1024)
"""


def cold(statement: str) -> tuple[float, float]:
    """Milliseconds and megabytes of one start of Python that does this."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "functions")])
    environ = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, "-c", _CODE.format(statement)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    took, size = map(float, done.stdout.split())
    return took, size


def main(runs: int = 7) -> None:
    if not Path("/proc/self/status").exists():
        print("needs /proc to tell memory")
        return
    light, heavy = "import app", "import app, boto3, pandas; boto3.client('s3', 'us-east-1')"
    cold(light), cold(heavy)  # writes the bytecode
    starts = [(cold(light), cold(heavy)) for _ in range(runs)]
    (ms, mb), (heavy_ms, heavy_mb) = (
        [statistics.median(column) for column in zip(*each, strict=True)]
        for each in zip(*starts, strict=True)
    )
    print(f"import app: {ms:.0f} ms (budget {BUDGET_MS}), {mb:.0f} MB (budget {BUDGET_MB})")
    print(f"with boto3 and pandas: {heavy_ms:.0f} ms, {heavy_mb:.0f} MB")
    print(f"that is {heavy_ms / ms:.1f} times the time and {heavy_mb / mb:.1f} times the memory")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
