"""What a call costs: seconds, seconds of processors, and the most memory its process held.

Beside a bench's own work stands the same work done barely, in turns within one run; so what else
the machine does meets both alike, and it is their ratio that is told.
"""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple


class Cost(NamedTuple):
    seconds: float
    processor: float
    megabytes: float
    told: Any = None
    """What the call answered."""


def cost(act: Callable[..., Any], *given: Any) -> Cost:
    """What one call costs here."""
    start, used = perf_counter(), process_time()
    told = act(*given)
    return Cost(perf_counter() - start, process_time() - used, peak(), told)


def alone(act: Callable[..., Any], *given: Any) -> Cost:
    """What one call costs in a process of its own, without its imports."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(cost, (act, *given))


def peak() -> float:
    """Megabytes this process held at most; nothing where the system does not tell.

    ``getrusage`` would tell what the process held that began this one, where that was more.
    """
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.is_file() else None
    return int(found[1]) / 1024 if found else 0.0


def medians(runs: Sequence[Cost]) -> Cost:
    """The middle one of each."""
    return Cost(*(median(run[place] for run in runs) for place in range(3)))
