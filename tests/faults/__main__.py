"""``python -m tests.faults``: the history check, as long as is asked for."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from .running import run

parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
parser.add_argument("--operations", type=int, default=2000)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--store", choices=["folder", "s3"], default="folder")
parser.add_argument("--standin", choices=["moto", "seaweedfs"], default="seaweedfs")
parser.add_argument("--to", type=Path, help="A new folder for the history and the data.")


def main() -> int:
    asked = parser.parse_args()
    folder = asked.to or Path(tempfile.mkdtemp(prefix="echoform-faults-"))
    report = run(asked.store, asked.seed, asked.operations, folder, standin=asked.standin)
    print(report)
    print(f"  the history: {folder / 'history.jsonl'}")
    return bool(report.violations)


if __name__ == "__main__":
    raise SystemExit(main())
