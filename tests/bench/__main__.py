"""Every benchmark, one after the other: ``python -m tests.bench``. Ratios within one run."""

from __future__ import annotations

from tests.bench import (
    bench_accept,
    bench_build,
    bench_export,
    bench_follow_ups,
    bench_import,
    bench_links,
    bench_merge,
    bench_page,
    bench_scores,
    bench_tally,
)

BENCHES = (
    *(bench_build, bench_page, bench_import, bench_accept),
    *(bench_merge, bench_tally, bench_scores, bench_export, bench_links),
    bench_follow_ups,
)
for bench in BENCHES:
    print(f"\n{bench.__name__.rsplit('_', 1)[1]}")
    bench.main()
