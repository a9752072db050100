"""The scheduled jobs by name. A job's module is imported when it runs: jobs are heavy, this is not.

Each module has ``run(store, settings, now, left)``: files in, files out, harmless to repeat.
``left`` tells the seconds it may still take; most need few and do not ask.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, TypeAlias

import msgspec

from . import logs
from .settings import Settings
from .standing import metrics
from .storage import Store, open_store
from .survey import EchoformError

Left: TypeAlias = Callable[[], float]

JOBS = {
    "merge": "chalicelib.jobs.merge",
    "follow_up": "chalicelib.jobs.follow_up",
    "escalate": "chalicelib.jobs.escalate",
    "follow_up_tables": "chalicelib.jobs.follow_up_tables",
    "tally": "chalicelib.jobs.tally",
    "purge": "chalicelib.jobs.purge",
    "judge": "chalicelib.jobs.judge",
    "invite": "chalicelib.jobs.invite",
    "crm": "chalicelib.jobs.crm",
}


class NoKey(EchoformError):
    """A job was started without the secret."""


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def endless() -> float:
    """The time that is left where nobody sets a limit."""
    return math.inf


def run_job(
    name: str, settings: Settings, store: Store | None = None, left: Left = endless
) -> dict[str, int]:
    """Run a job once over the data the settings name; says what it did, in counts.

    Raises NoKey: without the secret, anybody could turn a pseudonym back into its customer.
    """
    store = store or open_store(settings.data, settings.endpoint)
    return _logged(name, "run", store, settings, left)


def run_part(settings: Settings, store: Store, left: Left, message: str) -> dict[str, int]:
    """Merge the part that a message of the queue names. Raises NoKey."""
    return _logged("merge", "run_part", store, settings, left, message)


def run_notices(settings: Settings, store: Store, bodies: Sequence[str]) -> dict[str, int]:
    """Put on record what providers tell of messages. Raises NoKey."""
    return _logged("invite", "run_notices", store, settings, endless, bodies)


def _logged(
    name: str, act: str, store: Store, settings: Settings, left: Left, *more: object
) -> dict[str, int]:
    if not settings.key:
        raise NoKey("ECHOFORM_KEY is not set: it is the secret that makes customers pseudonyms")
    started = time.time_ns()
    try:
        run: Callable[..., Any] = getattr(import_module(JOBS[name]), act)
        done = run(store, settings, now(), left, *more)
    except Exception as error:
        logs.job(name, started, {}, type(error).__name__)
        raise
    counts: dict[str, int] = msgspec.to_builtins(done, builtin_types=())
    whole = name == "merge" and not more
    logs.job(name, started, counts | (metrics(store, now()) if whole else {}))
    return counts
