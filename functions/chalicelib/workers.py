"""Processes beside the one that serves: for jobs that must not keep answers waiting, and for parts
that are merged side by side. On a laptop alone; Lambda has no shared memory for such a pool, and a
queue instead.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import ProcessPoolExecutor

from . import logs


def pool(count: int, lines: bool = False) -> ProcessPoolExecutor:
    """``lines``: whether they log, on the standard error stream."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, context, initializer=_begin, initargs=(lines,))


def _begin(lines: bool) -> None:
    """A worker logs if it is told to, and ends when who started it does, however that ends.

    Ctrl-C reaches both; who started it lets the work under way finish, so the worker does not
    listen.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if lines:
        logs.to(sys.stderr)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(0)
