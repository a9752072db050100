"""The scheduled jobs by name. A job's module is imported when it runs: jobs are heavy, this is not.

Each module has ``run(store, settings, now)``: files in, files out, harmless to repeat.
"""

from __future__ import annotations

import time
from importlib import import_module

import msgspec

from . import logs
from .settings import Settings
from .standing import metrics
from .storage import Store, open_store
from .survey import EchoformError

JOBS = {
    "merge": "chalicelib.jobs.merge",
    "sweep": "chalicelib.jobs.sweep",
    "tally": "chalicelib.jobs.tally",
    "purge": "chalicelib.jobs.purge",
}


class NoKey(EchoformError):
    """A job was started without the secret."""


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def run_job(name: str, settings: Settings, store: Store | None = None) -> dict[str, int]:
    """Run a job once over the data the settings name; says what it did, in counts.

    Raises NoKey: without the secret, anybody could turn a pseudonym back into its customer.
    """
    if not settings.key:
        raise NoKey("ECHOFORM_KEY is not set: it is the secret that makes customers pseudonyms")
    store = store or open_store(settings.data, settings.endpoint)
    started = time.time_ns()
    try:
        done = import_module(JOBS[name]).run(store, settings, now())
    except Exception as error:
        logs.job(name, started, {}, type(error).__name__)
        raise
    counts: dict[str, int] = msgspec.to_builtins(done, builtin_types=())
    logs.job(name, started, counts | (metrics(store, now()) if name == "merge" else {}))
    return counts
