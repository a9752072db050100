"""Every benchmark, one after the other, each in a process of its own: ``python -m tests.bench``.

Most hold our work against the same work done barely, in turns within one run, and tell the ratio
beside what it may be at most. Nothing fails for a figure: how long a thing takes says more about
the machine. ``python -m tests.bench.bench_NAME`` runs one; its sizes are arguments.

- accept: accepting answers, beside a loop that decodes and puts them
- build: building 1,000 surveys, beside Jinja2 rendering the same pages
- export: a million responses leaving as each kind of file, beside a tenth of them
- follow_ups: 100,000 open follow-ups, as each role asks for them
- import: a cold start of the API, beside one with boto3 and pandas
- links: a million personal links, beside a loop that mints, hashes and writes as many
- merge: new answers going into a full part, beside pyarrow reading and writing the same
- page: the page on a slow phone, beside a bare one written by hand (needs Chromium)
- scores: the scores of ten million answers by every cut, read from their tallies
- tally: a full tally, beside one bare query of DuckDB and beside pandas
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def benches() -> list[str]:
    return sorted(file.stem for file in Path(__file__).parent.glob("bench_*.py"))


def main() -> int:
    failed = []
    for name in benches():
        print(f"\n{name.removeprefix('bench_')}", flush=True)
        if subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nFAILED: {', '.join(failed)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
