"""How long a million responses take to leave as a file, and in how much memory.

python -m tests.bench.bench_export
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from chalicelib import columns, keys, parquet
from chalicelib.published import publish
from chalicelib.storage import FolderStore
from chalicelib.survey import Contract, ids
from generator import codebook
from generator.exporting import export
from generator.row_files import FORMATS
from tests.bench.bench_merge import DAY, answers
from tests.surveys import after_sales

ROWS = 1_000_000
PART = 100_000


def fill(store: FolderStore, survey: Contract, rows: int, draw: Random) -> None:
    """Parts as merge writes them, a day each."""
    wanted = columns.responses([survey])
    known = {column.name for column in wanted}
    for number in range(0, rows, PART):
        at = DAY + number // PART * 86_400_000
        lines: list[dict[str, Any]] = []
        for _ in range(min(PART, rows - number)):
            said = {
                name: each for name, each in answers(draw, personal=False).items() if name in known
            }
            if said.get("responsiveness") == "na":
                del said["responsiveness"]
            fixed = {
                "response": ids.make(at, draw.getrandbits(80)), "received_at": at, "hour": 9,
                "version": survey.version, "language": "zh-CN", "channel": "open",
                "duration": draw.randint(20, 300), "agent": f"a{draw.randrange(1000)}",
                "team": f"t{draw.randrange(20)}", "index": draw.random() * 100, "digest": "0" * 16,
                "suggestion": '=HYPERLINK("http://x")', **dict.fromkeys(columns.FACTS, False),
            }  # fmt: skip
            lines.append({**said, **fixed})
        data = parquet.encode(codebook.table(wanted, lines))
        day = f"2026-06-{number // PART + 1:02d}"
        store.create(keys.part(keys.RESPONSES, survey.id, day, 0), data)


def peak() -> float:
    """Megabytes this process held at most (Linux)."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def once(root: Path, form: str) -> None:
    """One export in a process of its own; seconds and peak megabytes."""
    before = peak()
    start = perf_counter()
    done = export(FolderStore(root), [after_sales()], form, root / f"all.{form}")
    seconds = perf_counter() - start
    size = (root / f"all.{form}").stat().st_size
    print(
        f"{form}: {done.rows:,} rows in {seconds:.1f} s, {done.rows / seconds:,.0f} rows/s, "
        f"{size:,} bytes; peak {peak():.0f} MB ({before:.0f} before it began)"
    )


def main() -> None:
    survey = after_sales()
    print(f"{len(columns.responses([survey])) + 1} columns")
    for rows in (PART, ROWS):
        with TemporaryDirectory() as folder:
            store = FolderStore(Path(folder))
            publish(store, survey, DAY)
            fill(store, survey, rows, Random(1))
            for form in FORMATS:
                subprocess.run(
                    [sys.executable, "-m", "tests.bench.bench_export", folder, form],
                    check=True,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        once(Path(sys.argv[1]), sys.argv[2])
    else:
        main()
