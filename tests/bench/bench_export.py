"""How long a million responses take to leave as a file, and in how much memory.

python -m tests.bench.bench_export [ROWS]

Each export runs in a process of its own. A tenth of the rows is exported too: what a row costs must
not grow with their number, nor memory with it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from chalicelib import columns
from chalicelib.storage import FolderStore
from generator.exporting import export
from generator.row_files import FORMATS
from tests.bench import answered
from tests.bench.costs import alone, peak


def once(root: Path, form: str) -> tuple[int, float]:
    """Rows that left, and the megabytes held before."""
    before = peak()
    done = export(FolderStore(root), [answered.survey()], form, root / f"all.{form}")
    return done.rows, before


def main(rows: int = 1_000_000) -> None:
    print(f"{len(columns.responses([answered.survey()])) + 1} columns")
    for most in (rows // 10, rows):
        with TemporaryDirectory() as name:
            folder = Path(name)
            answered.write(folder, most)
            for form in FORMATS:
                taken = alone(once, folder, form)
                left, before = taken.told
                size = (folder / f"all.{form}").stat().st_size
                print(
                    f"{form}: {left:,} rows in {taken.seconds:.1f} s, "
                    f"{left / taken.seconds:,.0f} rows/s, {size:,} bytes; "
                    f"peak {taken.megabytes:.0f} MB ({before:.0f} before it began)"
                )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
